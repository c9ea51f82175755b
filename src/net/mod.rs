//! The network: listeners, connections and TLS.

pub mod tls;
