//! The binary as its operators meet it (contract §6): run in a directory of its own, on a port of its own, with nothing of this
//! process's environment.

mod databases;
mod first_key;
mod full_disk;
mod keys;
mod logging;
mod migrate;
mod place;
mod serving;
mod settings;
