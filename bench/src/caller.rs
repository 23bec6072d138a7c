//! Single calls, for what has to be known before anything is measured.

use bytes::Bytes;
use prost::Message;
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

use crate::Result;
use crate::client::{Connection, Head, OK};
use crate::random::Random;
use crate::requests::{Requests, frame};

/// How many answers are looked at to know how long they are.
const LOOKED_AT: usize = 25;

/// Somebody with a key and a connection.
pub(crate) struct Caller {
    runtime: Runtime,
    tasks: LocalSet,
    connection: Connection,
    key: String,
}

impl Caller {
    /// Connects.
    pub(crate) fn new(address: &str, key: &str) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let tasks = LocalSet::new();
        let connection = tasks.block_on(&runtime, Connection::open(address))?;
        Ok(Self { runtime, tasks, connection, key: key.to_owned() })
    }

    /// What the server answers, without gRPC's five bytes.
    pub(crate) fn send(&self, path: &str, frame: Bytes) -> Result<Vec<u8>> {
        let head = Head::new(path, &self.key)?;
        let mut answer = Vec::new();
        let mut connection = self.connection.clone();
        let status = self.tasks.block_on(&self.runtime, connection.call(&head, frame, Some(&mut answer)))?;
        if status != OK {
            return Err(format!("{path} is answered with status {status}").into());
        }
        Ok(answer.split_off(5.min(answer.len())))
    }

    /// The message that the server answers with.
    pub(crate) fn ask<T: Message + Default>(&self, path: &str, message: &impl Message) -> Result<T> {
        Ok(T::decode(&self.send(path, frame(message))?[..])?)
    }

    /// How long answers are, in the median.
    pub(crate) fn answer_bytes(&self, path: &str, requests: &Requests) -> Result<usize> {
        let mut random = Random::new(1);
        let mut lengths = Vec::new();
        for _ in 0..LOOKED_AT {
            lengths.push(self.send(path, requests.next(&mut random))?.len());
        }
        lengths.sort_unstable();
        Ok(lengths[LOOKED_AT / 2])
    }
}
