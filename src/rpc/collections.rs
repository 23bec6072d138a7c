//! What groups and roles are asked for alike about who is in them.

use std::marker::PhantomData;

use prost::bytes::Bytes;

use prost::Message;

use super::batches::Targets;
use super::paging::{Paged, Paging};
use super::reply::{Answer, Reply, write};
use super::resources::Named;
use super::{Call, identifiers};
use crate::error::{Error, Result};
use crate::proto::UserResult;
use crate::proto::reflect::Reflect;
use crate::store::collections::{ChangeHolding, ChangeMembers, Collection, Holder, Holding, Place};
use crate::store::groups::Groups;
use crate::store::roles::Roles;
use crate::store::users::View;
use crate::store::{Caller, Store, Tenant};
use crate::validate::Violations;

impl Named for Groups {
    fn key(request: &impl Reflect, tenant: &Tenant, violations: &mut Violations) -> Option<Place> {
        place(request, tenant, violations)
    }
}

impl Named for Roles {
    fn key(request: &impl Reflect, tenant: &Tenant, violations: &mut Violations) -> Option<Place> {
        place(request, tenant, violations)
    }
}

/// The request's `code`, at the level of its `organization_id`.
fn place(request: &impl Reflect, tenant: &Tenant, violations: &mut Violations) -> Option<Place> {
    let level = identifiers::level("", request, tenant, violations);
    let code = identifiers::code("code", request.get("code").as_text(), violations)?;
    Some(Place { level, code })
}

/// The user that the request names, as a holder of what stands at its level.
pub(super) fn holder(request: &impl Reflect, store: &Store, caller: &Caller, violations: &mut Violations) -> Option<Holder> {
    let level = identifiers::level("", request, &caller.tenant, violations);
    let user = identifiers::user(request, store, violations)?;
    Some(Holder { tenant: caller.tenant.clone(), level, user })
}

/// A page of those of a level that the user is in whom the request names.
pub(super) async fn list_of_user<C, M>(store: &Store, call: Call<M>) -> Result<Paged<C::Dto>>
where
    C: Collection<Dto: Message>,
    M: Reflect,
{
    let Call { message, mut violations, caller, .. } = call;
    let holder = holder(&message, store, &caller, &mut violations);
    let (kind, key) = holder.as_ref().map(|holder| holder.user.parts()).unwrap_or_default();
    let level = holder.as_ref().map(|holder| holder.level.clone()).unwrap_or_default();
    let paging = Paging::read(store, &message, &caller.tenant, &level, &[kind, key], violations).await?;
    // Without a user there were violations.
    let holder = holder.as_ref().ok_or(Error::UserNotFound)?;
    paging.answer(store.collections_of::<C>(holder, &paging.page).await?).await
}

/// A page of the members of the one that the request names.
pub(super) async fn members<C: Collection + Named, M: Reflect>(store: &Store, call: Call<M>) -> Result<Paged<Bytes>> {
    let Call { message, mut violations, caller, .. } = call;
    let place = C::key(&message, &caller.tenant, &mut violations);
    let Place { level, code } = place.clone().unwrap_or_default();
    let paging = Paging::read(store, &message, &caller.tenant, &level, &[&code], violations).await?;
    let view = View::of(&message, &level);
    // Without a code there were violations.
    let place = place.ok_or_else(|| C::not_found(&Place::default()))?;
    paging.answer(store.members::<C>(&caller.tenant, &place, &paging.page, &view).await?).await
}

/// Puts users into the one that the request names, or takes them out of it.
pub(super) async fn change_members<C: Collection + Named, M: Reflect, A: Answer>(
    store: &Store,
    call: Call<M>,
    holding: Holding,
    answer: fn(Vec<UserResult>) -> A,
) -> Reply<A> {
    let Call { message, mut violations, caller, context, .. } = call;
    let place = C::key(&message, &caller.tenant, &mut violations).unwrap_or_default();
    let targets = Targets::read(&message, store, violations)?;
    let change = ChangeMembers::<C> { place, users: targets.good(), holding, kind: PhantomData };
    write(store, context, change, move |done| answer(targets.results(done))).await
}

/// Puts the user that the request names into those of its codes, or takes them out of them: all that the user is in now.
pub(super) async fn change_holding<C: Collection, M: Reflect>(
    store: &Store,
    call: Call<M>,
    holding: Holding,
    codes: impl FnOnce(&M, &mut Violations) -> Vec<String>,
) -> Result<Vec<C::Dto>> {
    let Call { message, mut violations, caller, context, .. } = call;
    let holder = holder(&message, store, &caller, &mut violations);
    let codes = codes(&message, &mut violations);
    let holder = violations.none_or_some(holder)?;
    store.write(context, ChangeHolding::<C> { holder, codes, holding, kind: PhantomData }).await
}
