//! The MAC address of a telephone, which is its user name.
