//! What a read answers with beside the profile, and how it is gathered: one query a relation, however many users.

use std::collections::HashMap;

use prost::Message;
use sea_orm::ConnectionTrait;

use super::custom_data::{CustomDataView, Stored};
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
    let mut step = if view.custom_data == CustomDataView::None { users.len() } else { AT_ONCE };
    let (mut done, mut bytes) = (0, 0);
    while done < users.len() && view != View::default() {
        let end = users.len().min(done + step);
        let Some(relations) = Relations::read(connection, &ids[done..end], view).await? else {
            // So much that it could not be told of them all; of one alone it cannot be told at all.
            if end - done == 1 {
                users.truncate(done);
            }
            step = ((end - done) / 2).max(1);
            continue;
        };
        for user in &mut users[done..end] {
            relations.show(view, user)?;
            bytes += user.encoded_len();
            done += 1;
            if bytes > limits::MESSAGE_BYTES {
                break;
            }
        }
        if bytes > limits::MESSAGE_BYTES {
            users.truncate(done);
        }
    }
    Ok(users)
}

/// What hangs on some users, by their ids.
#[derive(Default)]
struct Relations {
    groups: HashMap<String, Vec<String>>,
    roles: HashMap<String, Vec<String>>,
    custom_data: HashMap<String, Stored>,
}

impl Relations {
    /// One query each; `None`: there are more groups or roles than are read at once.
    async fn read(connection: &impl ConnectionTrait, ids: &[String], view: View) -> Result<Option<Self>> {
        let mut relations = Self::default();
        if view.groups {
            let Some(codes) = collections::codes::<Groups>(connection, ids).await? else { return Ok(None) };
            relations.groups = codes;
        }
        if view.roles {
            let Some(codes) = collections::codes::<Roles>(connection, ids).await? else { return Ok(None) };
            relations.roles = codes;
        }
        if view.custom_data != CustomDataView::None {
            relations.custom_data = Stored::of(connection, ids).await?;
        }
        Ok(Some(relations))
    }

    fn show(&self, view: View, user: &mut UserDto) -> Result<()> {
        let codes = |of: &HashMap<String, Vec<String>>| of.get(user.user_id()).cloned().unwrap_or_default();
        (user.group_codes, user.role_codes) = (codes(&self.groups), codes(&self.roles));
        match self.custom_data.get(user.user_id()) {
            Some(stored) => stored.show(view.custom_data, user),
            None => Ok(()),
        }
    }
}
