//! The house rules (`ARCHITECTURE.md`) as tests: they read the source tree, the compiled protos and a fresh database.

mod nouns;
mod protos;
mod sources;
mod tables;
mod tree;
