//! Batches: `results[i]` answers item i, whichever items could be acted on (contract §4).

use super::identifiers;
use crate::error::{Error, Result};
use crate::limits;
use crate::proto::UserResult;
use crate::proto::reflect::{Reflect, Value};
use crate::store::{Identifier, Store};
use crate::validate::Violations;

/// Users of a batch, by ids of one type.
pub(super) struct Targets {
    read: Vec<Result<Identifier, Violations>>,
    ids: Vec<String>,
}

impl Targets {
    /// Reads the fields `user_ids` and `user_id_type` of a request.
    ///
    /// # Errors
    /// What is wrong with the batch as a whole, beside what `violations` holds already.
    pub(super) fn read(request: &impl Reflect, store: &Store, mut violations: Violations) -> Result<Self, Violations> {
        let ids = if let Value::Texts(ids) = request.get("user_ids") { ids } else { &[] };
        let id_type = if let Value::Enum(id_type, _) = request.get("user_id_type") { id_type } else { 0 };
        violations.check_items("user_ids", ids.len(), limits::BATCH_ITEMS);
        violations.none_or(())?;
        let read = |id: &String| identifiers::item(Some(id), id_type, store.calling_code());
        Ok(Self { read: ids.iter().map(read).collect(), ids: ids.to_vec() })
    }

    /// The users to act on.
    pub(super) fn good(&self) -> Vec<Identifier> {
        self.read.iter().flatten().cloned().collect()
    }

    /// The results, given for each of [`Targets::good`] what became of it.
    pub(super) fn results(&self, done: Vec<Result<()>>) -> Vec<UserResult> {
        let mut done = done.into_iter();
        let error = |read: &Result<Identifier, Violations>| match read {
            Ok(_) => done.next().unwrap_or(Err(Error::UserNotFound)).err(),
            Err(violations) => Some(violations.clone().into()),
        };
        let errors: Vec<_> = self.read.iter().map(error).collect();
        let result =
            |(user_id, error): (&String, Option<Error>)| UserResult { user_id: user_id.clone(), error: error.map(Into::into) };
        self.ids.iter().zip(errors).map(result).collect()
    }
}
