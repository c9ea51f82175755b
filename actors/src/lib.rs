//! Who acts, and when.
