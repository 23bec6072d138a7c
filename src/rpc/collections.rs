//! What groups and roles are asked for alike: their services differ in the names of messages alone. Fields that all of these
//! requests have are read by name.

use std::marker::PhantomData;

use prost::Message;
use prost_types::FieldMask;

use super::batches::Targets;
use super::paging::{Paged, Paging};
use super::reply::{Answer, Reply, write};
use super::{Call, identifiers};
use crate::error::{Error, Result};
use crate::proto::reflect::Reflect;
use crate::proto::{UserDto, UserResult};
use crate::store::collections::{ChangeHolding, ChangeMembers, Collection, Create, Delete, Holding, Update};
use crate::store::users::View;
use crate::store::{Identifier, Store};
use crate::validate::Violations;

/// Creates one, as the request's resource says.
pub(super) async fn create<C: Collection, M: Reflect, A: Answer>(
    store: &Store,
    call: Call<M>,
    resource: impl FnOnce(M) -> Option<C::Dto>,
    answer: fn(C::Dto) -> A,
) -> Reply<A> {
    let create = Create::<C>::read(resource(call.message), call.violations)?;
    write(store, call.context, create, answer).await
}

/// The one of the request's `code`.
pub(super) async fn get<C: Collection, M: Reflect>(store: &Store, call: Call<M>) -> Result<C::Dto> {
    let Call { message, mut violations, .. } = call;
    let code = identifiers::code("code", message.get("code").as_text(), &mut violations);
    store.collection::<C>(&violations.none_or_some(code)?).await
}

/// Changes the one of the request's `code` as its resource and mask say.
pub(super) async fn update<C: Collection<Dto: Default>, M: Reflect, A: Answer>(
    store: &Store,
    call: Call<M>,
    change: impl FnOnce(M) -> (Option<C::Dto>, Option<FieldMask>),
    answer: fn(C::Dto) -> A,
) -> Reply<A> {
    let Call { message, mut violations, context, .. } = call;
    let code = identifiers::code("code", message.get("code").as_text(), &mut violations);
    let etag = etag(&message);
    let (resource, mask) = change(message);
    let update = Update::<C>::read(code, resource.unwrap_or_default(), mask.as_ref(), etag, violations)?;
    write(store, context, update, answer).await
}

/// Deletes the one of the request's `code`.
pub(super) async fn delete<C: Collection, M: Reflect, A: Answer>(store: &Store, call: Call<M>) -> Reply<A> {
    let Call { message, mut violations, context, .. } = call;
    let code = identifiers::code("code", message.get("code").as_text(), &mut violations);
    let code = violations.none_or_some(code)?;
    write(store, context, Delete::<C>::new(code, etag(&message)), |()| A::default()).await
}

/// A page of all of them.
pub(super) async fn list<C, M>(store: &Store, call: Call<M>) -> Result<Paged<C::Dto>>
where
    C: Collection<Dto: Message>,
    M: Reflect,
{
    let Call { message, violations, .. } = call;
    let paging = Paging::read(store, &message, &[], violations).await?;
    paging.answer(store.collections::<C>(&paging.page).await?).await
}

/// A page of those of the user that the request names.
pub(super) async fn list_of_user<C, M>(store: &Store, call: Call<M>) -> Result<Paged<C::Dto>>
where
    C: Collection<Dto: Message>,
    M: Reflect,
{
    let Call { message, mut violations, .. } = call;
    let user = identifiers::user(&message, store, &mut violations);
    let (kind, key) = user.as_ref().map(Identifier::parts).unwrap_or_default();
    let paging = Paging::read(store, &message, &[kind, key], violations).await?;
    // Without a user there were violations.
    let user = user.ok_or(Error::UserNotFound)?;
    paging.answer(store.collections_of::<C>(&user, &paging.page).await?).await
}

/// A page of the members of the one of the request's `code`.
pub(super) async fn members<C: Collection, M: Reflect>(store: &Store, call: Call<M>) -> Result<Paged<UserDto>> {
    let Call { message, mut violations, .. } = call;
    let code = identifiers::code("code", message.get("code").as_text(), &mut violations).unwrap_or_default();
    let paging = Paging::read(store, &message, &[&code], violations).await?;
    paging.answer(store.members::<C>(&code, &paging.page, View::of(&message)).await?).await
}

/// Puts users into the one of the request's `code`, or takes them out of it.
pub(super) async fn change_members<C: Collection, M: Reflect, A: Answer>(
    store: &Store,
    call: Call<M>,
    holding: Holding,
    answer: fn(Vec<UserResult>) -> A,
) -> Reply<A> {
    let Call { message, mut violations, context, .. } = call;
    let code = identifiers::code("code", message.get("code").as_text(), &mut violations).unwrap_or_default();
    let targets = Targets::read(&message, store, violations)?;
    let change = ChangeMembers::<C> { code, users: targets.good(), holding, kind: PhantomData };
    write(store, context, change, move |found| answer(targets.results(found))).await
}

/// Puts the user that the request names into those of its codes, or takes them out of them: all that the user is in now.
pub(super) async fn change_holding<C: Collection, M: Reflect>(
    store: &Store,
    call: Call<M>,
    holding: Holding,
    codes: impl FnOnce(&M, &mut Violations) -> Vec<String>,
) -> Result<Vec<C::Dto>> {
    let Call { message, mut violations, context, .. } = call;
    let user = identifiers::user(&message, store, &mut violations);
    let codes = codes(&message, &mut violations);
    let user = violations.none_or_some(user)?;
    store.write(context, ChangeHolding::<C> { user, codes, holding, kind: PhantomData }).await
}

fn etag(request: &impl Reflect) -> Option<String> {
    request.get("etag").as_text().map(ToOwned::to_owned)
}
