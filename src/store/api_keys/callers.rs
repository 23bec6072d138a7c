//! Who the callers of late were. It is a guess and never an answer: with it a call that only reads can go on while its key is read
//! beside it, and what it answers is kept back until the key is known to be what it was.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Caller;

/// How many are remembered.
const MOST: usize = 1_024;

/// Callers by the hash of their secret.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Callers(Arc<Mutex<HashMap<String, Caller>>>);

impl Callers {
    pub(super) fn get(&self, hash: &str) -> Option<Caller> {
        self.lock().get(hash).cloned()
    }

    /// Notes who it was; `None`: nobody who may call.
    pub(super) fn note(&self, hash: String, caller: Option<&Caller>) {
        let mut callers = self.lock();
        match caller {
            Some(caller) if callers.get(&hash) == Some(caller) => {}
            Some(caller) => {
                if callers.len() >= MOST {
                    callers.clear();
                }
                callers.insert(hash, caller.clone());
            }
            None => drop(callers.remove(&hash)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Caller>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
