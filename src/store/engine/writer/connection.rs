//! The connection that writes, and its transactions.

use sea_orm::DbErr;

use crate::store::engine::sqlite::connection::{Settings, Shared, lock, run};

/// The connection of the writer's thread.
pub(super) struct Connection {
    settings: Settings,
    open: Shared,
    /// Whether savepoints undo nothing: what they are good for shows without them.
    #[cfg(test)]
    pub(super) careless: bool,
}

impl Connection {
    /// Connects to a database that is there.
    pub(super) fn open(settings: Settings) -> Result<Self, DbErr> {
        let open = settings.shared()?;
        Ok(Self {
            settings,
            open,
            #[cfg(test)]
            careless: false,
        })
    }

    pub(super) fn shared(&self) -> Shared {
        self.open.clone()
    }

    /// The connection for whoever closes it: nobody else has it any more.
    pub(super) fn into_shared(self) -> Shared {
        self.open
    }

    /// Begins a transaction with the write lock: one that begins to read and then writes would fail when another process has
    /// written in between. A connection that is still in one, since neither its COMMIT nor a ROLLBACK went through, is replaced.
    pub(super) fn begin(&mut self) -> Result<(), DbErr> {
        if !self.is_rolled_back() {
            self.open = Self::open(self.settings.clone())?.open;
        }
        self.run("BEGIN IMMEDIATE")
    }

    pub(super) fn savepoint(&self) -> Result<(), DbErr> {
        self.run("SAVEPOINT change")
    }

    /// Keeps what was done since the savepoint.
    pub(super) fn release(&self) -> Result<(), DbErr> {
        self.run("RELEASE change")
    }

    /// Undoes what was done since the savepoint.
    pub(super) fn undo(&self) -> Result<(), DbErr> {
        #[cfg(test)]
        if self.careless {
            return self.release();
        }
        self.run("ROLLBACK TO change")?;
        self.release()
    }

    /// Commits. A commit that fails, on a full disk say, can leave the transaction open.
    pub(super) fn commit(&self) -> Result<(), DbErr> {
        self.run("COMMIT")
    }

    /// Rolls back, if there is anything to roll back.
    pub(super) fn roll_back(&self) {
        if !self.is_rolled_back()
            && let Err(error) = self.run("ROLLBACK")
        {
            tracing::debug!(%error, "rolling back");
        }
    }

    /// Whether no transaction is open.
    pub(super) fn is_rolled_back(&self) -> bool {
        lock(&self.open).is_autocommit()
    }

    fn run(&self, sql: &str) -> Result<(), DbErr> {
        run(&self.open, sql)
    }
}
