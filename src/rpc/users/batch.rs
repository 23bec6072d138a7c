//! Users by the batch: read and created.

use prost::bytes::Bytes;

use crate::error::{Error, Result};
use crate::limits;
use crate::proto::served::{BatchGetUsersResponse, BatchGetUsersResult};
use crate::proto::{
    BatchCreateUsersItem, BatchCreateUsersRequest, BatchCreateUsersResponse, BatchCreateUsersResult, BatchGetUsersItem,
    BatchGetUsersRequest,
};
use crate::rpc::reply::fitting;
use crate::rpc::{Call, Reply, identifiers, write};
use crate::store::Store;
use crate::store::credentials::GivenPassword;
use crate::store::users::{BatchCreateUsers, CreateUser, CreatedUser, View};
use crate::validate::{Violations, fields};

/// Seed 004, `batch`: an id that nobody has or that is bad has its error in its own place.
pub(super) async fn get(store: &Store, call: Call<BatchGetUsersRequest>) -> Result<BatchGetUsersResponse> {
    let Call { message, mut violations, caller, .. } = call;
    violations.check_items("users", message.users.len(), limits::BATCH_ITEMS);
    let level = identifiers::level("", &message, &caller.tenant, &mut violations);
    violations.none_or(())?;
    let read = |item: &BatchGetUsersItem| identifiers::item(item.user_id.as_deref(), item.user_id_type, store.calling_code());
    let targets: Vec<_> = message.users.iter().map(read).collect();
    let good: Vec<_> = targets.iter().flatten().cloned().collect();
    let mut found = store.users(&caller.tenant, &good, &View::of(&message, &level)).await?.into_iter();
    // No bytes are no field.
    let error = |error: Error| BatchGetUsersResult { user: Bytes::new(), error: Some(error.into()) };
    // What the store does not give any more would not fit.
    let result = |target: &Result<_, Violations>| match target {
        Ok(_) => Some(match found.next()? {
            Ok(user) => BatchGetUsersResult { user, error: None },
            Err(missing) => error(missing),
        }),
        Err(violations) => Some(error(violations.clone().into())),
    };
    let results: Vec<_> = targets.iter().map_while(result).collect();
    let fit = fitting(&results);
    if fit < targets.len() {
        return Err(Error::MessageTooLarge { fit: Some(fit) });
    }
    Ok(BatchGetUsersResponse { results })
}

/// Creates all that can be created, or with `atomic` all or none.
pub(super) async fn create(store: &Store, call: Call<BatchCreateUsersRequest>) -> Reply<BatchCreateUsersResponse> {
    let Call { message, mut violations, caller, context, .. } = call;
    violations.check_items("users", message.users.len(), limits::BATCH_ITEMS);
    if message.users.iter().filter(|item| item.password.is_some()).count() > limits::BATCH_PASSWORDS {
        violations.add("users", format!("must have at most {} items with a password", limits::BATCH_PASSWORDS));
    }
    let read = |item: BatchCreateUsersItem| {
        let mut violations = Violations::default();
        fields::request(&item, &mut violations);
        let given = GivenPassword::read(&item, &mut violations);
        CreateUser::read(item.user, &caller.tenant, store.calling_code(), violations).map(|user| (user, given))
    };
    let users: Vec<_> = message.users.into_iter().map(read).collect();
    if message.atomic {
        for (index, found) in users.iter().enumerate().filter_map(|(index, user)| Some((index, user.as_ref().err()?))) {
            violations.append(&format!("users[{index}]."), found);
        }
    }
    violations.none_or(())?;
    let users = with_credentials(store, users).await?;
    let result = |created: Result<CreatedUser>| match created {
        Ok(CreatedUser { user_id, etag }) => BatchCreateUsersResult { user_id: Some(user_id), etag: Some(etag), error: None },
        Err(error) => BatchCreateUsersResult { error: Some(error.into()), ..Default::default() },
    };
    write(store, context, BatchCreateUsers { users, atomic: message.atomic }, move |created| BatchCreateUsersResponse {
        results: created.into_iter().map(result).collect(),
    })
    .await
}

/// The users with the passwords that are given for them; those who are bad have none hashed.
async fn with_credentials(
    store: &Store,
    users: Vec<Result<(CreateUser, Option<GivenPassword>), Violations>>,
) -> Result<Vec<Result<CreateUser, Violations>>> {
    let given = users.iter().map(|user| user.as_ref().ok().and_then(|(_, given)| given.clone())).collect();
    let credentials = store.credentials(given).await?;
    let with = |(user, credential): (Result<(CreateUser, _), _>, _)| user.map(|(user, _)| user.with(credential));
    Ok(users.into_iter().zip(credentials).map(with).collect())
}
