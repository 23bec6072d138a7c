//! What a read answers with beside the profile, and how it is gathered: one query a relation, however many users.

use std::collections::HashMap;

use prost::Message;
use sea_orm::ConnectionTrait;

use super::custom_data;
use super::row::UserRow;
use crate::error::Result;
use crate::limits;
use crate::proto::UserDto;
use crate::proto::reflect::{Reflect, Value};
use crate::store::collections;
use crate::store::groups::Groups;
use crate::store::paging::Listed;
use crate::store::roles::Roles;

/// How many users' custom data are read at once: 16 MiB at most.
const AT_ONCE: usize = 256;

/// What a read answers with beside the profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// How custom data is shown.
    pub custom_data: CustomDataView,
    /// Whether the codes of the groups are.
    pub groups: bool,
    /// Whether the codes of the roles are.
    pub roles: bool,
}

/// How a read shows custom data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CustomDataView {
    /// Not at all.
    #[default]
    None,
    /// As it was written, in `custom_data`.
    Nested,
    /// With dotted keys, in `flat_custom_data`.
    Flat,
}

impl View {
    /// What Create and Update answer with.
    pub(super) const WRITTEN: Self = Self { custom_data: CustomDataView::Nested, groups: false, roles: false };

    /// The view that a request asks for by its `with_…` fields, as far as it has them.
    #[must_use]
    pub fn of(request: &impl Reflect) -> Self {
        let asked = |name| matches!(request.get(name), Value::Flag(true));
        let custom_data = match (asked("with_custom_data"), asked("flat_custom_data")) {
            (_, true) => CustomDataView::Flat,
            (true, false) => CustomDataView::Nested,
            (false, false) => CustomDataView::None,
        };
        Self { custom_data, groups: asked("with_groups"), roles: asked("with_roles") }
    }
}

/// The page with what the view asks for. It may end early where the rest would not fit into a message.
pub(in crate::store) async fn show(
    connection: &impl ConnectionTrait,
    listed: Listed<UserRow>,
    view: View,
) -> Result<Listed<UserDto>> {
    let users = listed.items.iter().map(|(_, row)| row.clone().into_dto()).collect();
    let users = gather(connection, users, view).await?;
    Ok(listed.with(users))
}

/// The users with what the view asks for: all of them, or as many from the first on as make more than a message holds, since
/// nobody can be told of the others.
pub(super) async fn gather(connection: &impl ConnectionTrait, mut users: Vec<UserDto>, view: View) -> Result<Vec<UserDto>> {
    let ids: Vec<_> = users.iter().map(|user| user.user_id().to_owned()).collect();
    if view.groups && !ids.is_empty() {
        let codes = collections::codes::<Groups>(connection, &ids).await?;
        each(&mut users, &codes, |user, codes| user.group_codes.clone_from(codes));
    }
    if view.roles && !ids.is_empty() {
        let codes = collections::codes::<Roles>(connection, &ids).await?;
        each(&mut users, &codes, |user, codes| user.role_codes.clone_from(codes));
    }
    if view.custom_data == CustomDataView::None {
        return Ok(users);
    }
    let (mut bytes, mut done) = (0, 0);
    for (users, ids) in users.chunks_mut(AT_ONCE).zip(ids.chunks(AT_ONCE)) {
        let stored = custom_data::Stored::of(connection, ids).await?;
        for user in users {
            if let Some(stored) = stored.get(user.user_id()) {
                stored.show(view.custom_data, user)?;
            }
            bytes += user.encoded_len();
            done += 1;
            if bytes > limits::MESSAGE_BYTES {
                break;
            }
        }
        if bytes > limits::MESSAGE_BYTES {
            break;
        }
    }
    users.truncate(done);
    Ok(users)
}

fn each<T>(users: &mut [UserDto], found: &HashMap<String, T>, put: impl Fn(&mut UserDto, &T)) {
    for user in users {
        if let Some(found) = found.get(user.user_id()) {
            put(user, found);
        }
    }
}
