//! The uacsta program.

fn main() {}
