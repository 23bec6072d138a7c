//! The binary as its operators meet it (contract §6): run in a directory of its own, on a port of its own, with nothing of this
//! process's environment.

mod backup;
mod crash;
mod databases;
mod first_key;
mod fsync;
mod full_disk;
mod hasty;
mod keys;
mod load;
mod logging;
mod migrate;
mod place;
mod postgres;
mod replicas;
mod serving;
mod settings;
mod sqlite;
