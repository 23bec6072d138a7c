//! One user's groups and roles, changed.

use crate::error::Result;
use crate::limits;
use crate::proto::RoleDto;
use crate::proto::reflect::{Reflect, Value};
use crate::rpc::reply::fitting;
use crate::rpc::{Call, collections, identifiers};
use crate::store::Store;
use crate::store::collections::Holding;
use crate::store::groups::Groups;
use crate::store::roles::Roles;

/// Puts the user into the group of the request's `group_code`, or takes them out of it.
pub(super) async fn change_group<M: Reflect>(store: &Store, call: Call<M>, holding: Holding) -> Result<()> {
    collections::change_holding::<Groups, _>(store, call, holding, |message, violations| {
        identifiers::code("group_code", message.get("group_code").as_text(), violations).into_iter().collect()
    })
    .await
    .map(drop)
}

/// Gives the user the roles of the request's `role_codes` or takes them: how many they hold now, and as many of these as fit
/// into a message.
pub(super) async fn change_roles<M: Reflect>(
    store: &Store,
    call: Call<M>,
    holding: Holding,
) -> Result<(Option<i32>, Vec<RoleDto>)> {
    let change = collections::change_holding::<Roles, _>(store, call, holding, |message, violations| {
        let codes = if let Value::Texts(codes) = message.get("role_codes") { codes } else { &[] };
        identifiers::codes("role_codes", codes, limits::BATCH_ITEMS, violations)
    });
    let mut roles = change.await?;
    let total_count = i32::try_from(roles.len()).unwrap_or(i32::MAX);
    roles.truncate(fitting(&roles));
    Ok((Some(total_count), roles))
}
