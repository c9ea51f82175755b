//! The configuration changes while the server runs.
