//! The writer's thread: takes what is queued, and makes it in one transaction. While one group is committed the next one gathers,
//! so that nobody waits for a timer.

use std::time::Duration;

use tokio::sync::mpsc::Receiver;

use super::Order;
use super::connection::Connection;
use super::courtesy::Courtesy;
use super::job::{End, Job};
use crate::clock;

/// How many changes a group has at most, and for how long it takes more: the first of them waits for the last.
const MOST: usize = 256;
const LONGEST: Duration = Duration::from_millis(20);

/// What the thread has.
pub(super) struct Thread {
    orders: Receiver<Order>,
    connection: Connection,
    courtesy: Courtesy,
}

impl Thread {
    pub(super) fn new(orders: Receiver<Order>, connection: Connection) -> Self {
        Self { orders, connection, courtesy: Courtesy::new() }
    }

    /// Makes changes until it is closed.
    pub(super) fn run(mut self) {
        let mut next = None;
        while let Some(order) = next.take().or_else(|| self.orders.blocking_recv()) {
            match order {
                Order::Make(first) => next = self.group(first),
                Order::Close(reply) => {
                    // Nobody waits for it any more where this fails.
                    drop(reply.send(self.connection.into_shared()));
                    return;
                }
            }
        }
    }

    /// Makes the first and what is queued behind it, and gives what has to come after this group.
    fn group(&mut self, first: Box<dyn Job>) -> Option<Order> {
        if !first.come_next() {
            return None;
        }
        if let Some(rest) = self.courtesy.rest() {
            std::thread::sleep(rest);
        }
        if let Err(error) = self.connection.begin() {
            first.end(End::NotBegun(&error));
            return None;
        }
        let began = clock::monotonic();
        let mut group = Group::default();
        let (mut next, mut after) = (Some(first), None);
        while let Some(job) = next.take() {
            let bulk = job.is_bulk();
            group.make(job, &self.connection);
            if bulk || group.jobs.len() >= MOST || began.elapsed() >= LONGEST || group.lost {
                break;
            }
            match self.orders.try_recv() {
                Ok(Order::Make(job)) if !job.is_bulk() => next = Some(job),
                order => after = order.ok(),
            }
        }
        group.end(&self.connection);
        self.courtesy.end();
        after
    }
}

/// Changes of one transaction, none of them answered yet.
#[derive(Default)]
struct Group {
    jobs: Vec<Box<dyn Job>>,
    /// Whether any of them is to be kept.
    changed: bool,
    /// Whether the transaction is of no use any more.
    lost: bool,
}

impl Group {
    /// Makes a change in a savepoint, which is undone when it fails. A full disk, say, makes SQLite roll back all of the
    /// transaction: then whatever came after would be committed by itself.
    fn make(&mut self, mut job: Box<dyn Job>, connection: &Connection) {
        if !job.begin() {
            return;
        }
        let ended = connection.savepoint().and_then(|()| {
            let kept = job.run(&connection.shared());
            self.changed |= kept;
            if kept { connection.release() } else { connection.undo() }
        });
        self.jobs.push(job);
        self.lost = ended.is_err() || connection.is_rolled_back();
    }

    /// Ends the transaction, and answers all: also those that failed, since what they met may not have been committed.
    fn end(self, connection: &Connection) {
        let failed = if self.changed && !self.lost { connection.commit().err() } else { None };
        connection.roll_back();
        let end = match &failed {
            _ if self.lost => End::RolledBack,
            None => End::Committed,
            Some(error) => End::CommitFailed(error),
        };
        for job in self.jobs {
            job.end(end);
        }
    }
}
