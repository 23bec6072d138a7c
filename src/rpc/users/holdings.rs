//! What a user belongs to and holds: their groups and roles.

use std::marker::PhantomData;

use crate::error::{Error, Result};
use crate::limits;
use crate::proto::RoleDto;
use crate::proto::reflect::Reflect;
use crate::rpc::paging::{Paged, Paging};
use crate::rpc::reply::fitting;
use crate::rpc::{Call, identifiers};
use crate::store::collections::{ChangeHolding, Collection, Holding};
use crate::store::groups::Groups;
use crate::store::roles::Roles;
use crate::store::{Identifier, Store};

/// A page of the groups or roles of the user that the request names.
pub(super) async fn list<C, M>(store: &Store, call: Call<M>) -> Result<Paged<C::Dto>>
where
    C: Collection<Dto: prost::Message>,
    M: Reflect,
{
    let Call { message, mut violations, .. } = call;
    let user = identifiers::user(&message, store, &mut violations);
    let (kind, key) = user.as_ref().map(Identifier::parts).unwrap_or_default();
    let paging = Paging::read(store, &message, &[kind, key], violations).await?;
    let user = user.as_ref().ok_or(Error::UserNotFound)?;
    paging.answer(store.collections_of::<C>(user, &paging.page).await?).await
}

/// Puts a user into a group, or takes them out of it.
pub(super) async fn change_group<M: Reflect>(
    store: &Store,
    call: Call<M>,
    code: Option<String>,
    holding: Holding,
) -> Result<()> {
    let context = call.context();
    let Call { message, mut violations, .. } = call;
    let user = identifiers::user(&message, store, &mut violations);
    let code = identifiers::code("group_code", code.as_deref(), &mut violations);
    let (user, code) = violations.none_or_some(user.zip(code))?;
    let change = ChangeHolding::<Groups> { user, codes: vec![code], holding, kind: PhantomData };
    store.write(context, change).await.map(drop)
}

/// Gives a user roles or takes them: how many they hold now, and as many of these as fit into a message.
pub(super) async fn change_roles<M: Reflect>(
    store: &Store,
    call: Call<M>,
    codes: &[String],
    holding: Holding,
) -> Result<(Option<i32>, Vec<RoleDto>)> {
    let context = call.context();
    let Call { message, mut violations, .. } = call;
    let user = identifiers::user(&message, store, &mut violations);
    let codes = identifiers::codes("role_codes", codes, limits::BATCH_ITEMS, &mut violations);
    let user = violations.none_or_some(user)?;
    let change = ChangeHolding::<Roles> { user, codes, holding, kind: PhantomData };
    let mut roles = store.write(context, change).await?;
    let total_count = i32::try_from(roles.len()).unwrap_or(i32::MAX);
    roles.truncate(fitting(&roles));
    Ok((Some(total_count), roles))
}
