//! What resources are asked for alike: their services differ in the names of messages, and in what one is named by.
//! Fields that all of these requests have are read by name.

use prost::Message;
use prost_types::FieldMask;

use super::paging::{Paged, Paging};
use super::reply::{Answer, Reply, write};
use super::{Call, identifiers};
use crate::error::Result;
use crate::proto::reflect::Reflect;
use crate::store::resources::{Create, Delete, Resource, Update};
use crate::store::{Level, Standing, Store, Tenant};
use crate::validate::Violations;

/// How requests name one.
pub(super) trait Named: Resource {
    /// The key in the request, within the tenant's reach.
    fn key(request: &impl Reflect, tenant: &Tenant, violations: &mut Violations) -> Option<Self::Key>;
}

/// Creates one, as the request's resource says, at the level that it names.
pub(super) async fn create<R: Resource, M: Reflect, A: Answer>(
    store: &Store,
    call: Call<M>,
    resource: impl FnOnce(M) -> Option<R::Dto>,
    answer: fn(R::Dto) -> A,
) -> Reply<A> {
    let Call { message, mut violations, caller, context, .. } = call;
    let resource = resource(message);
    let level = match &resource {
        Some(resource) => identifiers::level(&format!("{}.", R::NAME), resource, &caller.tenant, &mut violations),
        None => Level::default(),
    };
    write(store, context, Create::<R>::read(resource, level, violations)?, answer).await
}

/// The one that the request names.
pub(super) async fn get<R: Named, M: Reflect>(store: &Store, call: Call<M>) -> Result<R::Dto> {
    let Call { message, mut violations, caller, .. } = call;
    let key = R::key(&message, &caller.tenant, &mut violations);
    store.resource::<R>(&violations.none_or_some(key)?).await
}

/// A page of those of a level.
pub(super) async fn list<S: Standing<Dto: Message>, M: Reflect>(store: &Store, call: Call<M>) -> Result<Paged<S::Dto>> {
    let Call { message, mut violations, caller, .. } = call;
    let level = identifiers::level("", &message, &caller.tenant, &mut violations);
    let paging = Paging::read(store, &message, &caller.tenant, &level, &[], violations).await?;
    paging.answer(store.standing::<S>(&level, &paging.page).await?).await
}

/// Changes the one that the request names as its resource and mask say.
pub(super) async fn update<R: Named<Dto: Default>, M: Reflect, A: Answer>(
    store: &Store,
    call: Call<M>,
    change: impl FnOnce(M) -> (Option<R::Dto>, Option<FieldMask>),
    answer: fn(R::Dto) -> A,
) -> Reply<A> {
    let Call { message, mut violations, caller, context, .. } = call;
    let key = R::key(&message, &caller.tenant, &mut violations);
    let etag = etag(&message);
    let (resource, mask) = change(message);
    let update = Update::<R>::read(key, resource.unwrap_or_default(), mask.as_ref(), etag, violations)?;
    write(store, context, update, answer).await
}

/// Deletes the one that the request names.
pub(super) async fn delete<R: Named, M: Reflect, A: Answer>(store: &Store, call: Call<M>) -> Reply<A> {
    let Call { message, mut violations, caller, context, .. } = call;
    let key = R::key(&message, &caller.tenant, &mut violations);
    let key = violations.none_or_some(key)?;
    write(store, context, Delete::<R> { key, etag: etag(&message) }, |()| A::default()).await
}

fn etag(request: &impl Reflect) -> Option<String> {
    request.get("etag").as_text().map(ToOwned::to_owned)
}
