//! The binary as its operators meet it (contract §6): run in a directory of its own, on a port of its own, with nothing of this
//! process's environment.

mod backup;
pub(crate) mod crash;
mod databases;
mod first_key;
mod fsync;
mod full_disk;
pub(crate) mod hasty;
mod key_file;
mod keys;
pub(crate) mod load;
mod logging;
mod migrate;
pub(crate) mod place;
mod postgres;
mod replicas;
mod secrets;
mod serving;
mod settings;
mod sqlite;
