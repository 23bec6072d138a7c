//! The binary: see [`roster`].

fn main() {}
