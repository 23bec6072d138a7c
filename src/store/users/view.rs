//! What a read answers with beside the profile, and how it is gathered: one query a relation, however many users.

use std::collections::HashMap;

use prost::bytes::Bytes;
use sea_orm::ConnectionTrait;

use super::custom_data::{CustomDataView, Stored};
use super::row::{EncodedRow, EncodedUser};
use crate::error::{Error, Result};
use crate::limits;
use crate::proto::reflect::{Reflect, Value};
use crate::proto::{IdentityDto, UserDto};
use crate::store::collections::Collection;
use crate::store::departments::Held;
use crate::store::groups::Groups;
use crate::store::paging::Listed;
use crate::store::posts::Posts;
use crate::store::resources::Resource;
use crate::store::roles::Roles;
use crate::store::{Level, Tenant, collections, departments, identities, organizations};

/// How many users' custom data are read at once: 16 MiB at most.
const AT_ONCE: usize = 256;

/// What a read answers with beside the profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "as the requests have them")]
pub struct View {
    /// The level that the groups, roles, departments and posts are of.
    pub level: Level,
    /// How custom data is shown.
    pub custom_data: CustomDataView,
    /// Whether the codes of the groups are.
    pub groups: bool,
    /// Whether the codes of the roles are.
    pub roles: bool,
    /// Whether the identities are.
    pub identities: bool,
    /// Whether the ids of the organizations are.
    pub organizations: bool,
    /// Whether the ids of the departments are, and which is the main one.
    pub departments: bool,
    /// Whether the ids of the posts are.
    pub posts: bool,
}

impl View {
    /// What Create and Update answer with.
    pub(super) fn written() -> Self {
        Self { custom_data: CustomDataView::Nested, ..Self::default() }
    }

    /// The view that a request asks for by its `with_…` fields, as far as it has them, of what stands at the level.
    #[must_use]
    pub fn of(request: &impl Reflect, level: &Level) -> Self {
        let asked = |name| matches!(request.get(name), Value::Flag(true));
        let custom_data = match (asked("with_custom_data"), asked("flat_custom_data")) {
            (_, true) => CustomDataView::Flat,
            (true, false) => CustomDataView::Nested,
            (false, false) => CustomDataView::None,
        };
        let (groups, roles, organizations) = (asked("with_groups"), asked("with_roles"), asked("with_organizations"));
        let (departments, posts, identities) = (asked("with_department_ids"), asked("with_post"), asked("with_identities"));
        Self { level: level.clone(), custom_data, groups, roles, identities, departments, posts, organizations }
    }

    /// Whether the profile alone says it all: then there is nothing else to be read, nor a level that may not be there.
    pub(super) fn is_plain(&self) -> bool {
        !self.is_more() && matches!(self.level, Level::Pool | Level::Own(_))
    }

    /// Whether it shows something beside the profile.
    pub(super) fn is_more(&self) -> bool {
        *self != Self { level: self.level.clone(), ..Self::default() }
    }
}

/// The page with what the view asks for. It may end early where the rest would not fit into a message.
pub(in crate::store) async fn show(
    connection: &impl ConnectionTrait,
    tenant: &Tenant,
    listed: Listed<EncodedRow>,
    view: &View,
) -> Result<Listed<Bytes>> {
    let (page, rows) = listed.apart();
    let users = rows.into_iter().map(|row| row.shown_to(tenant)).collect::<Result<_>>()?;
    let users = gather(connection, tenant, users, view).await?;
    Ok(page.with(users.into_iter().map(|user| user.bytes.freeze()).collect()))
}

/// The users with what the view asks for: all of them, or as many from the first on as make more than a message holds, since
/// nobody can be told of the others.
pub(super) async fn gather(
    connection: &impl ConnectionTrait,
    tenant: &Tenant,
    mut users: Vec<EncodedUser>,
    view: &View,
) -> Result<Vec<EncodedUser>> {
    if !view.is_more() {
        return Ok(users);
    }
    let ids: Vec<_> = users.iter().map(|user| user.user_id.clone()).collect();
    let mut step = if view.custom_data == CustomDataView::None { users.len() } else { AT_ONCE };
    let (mut done, mut bytes) = (0, 0);
    while done < users.len() {
        let end = users.len().min(done + step);
        let Some(relations) = Relations::read(connection, tenant, &ids[done..end], view).await? else {
            // So much that it could not be told of them all; of one alone it cannot be told at all.
            if end - done == 1 {
                users.truncate(done);
            }
            step = ((end - done) / 2).max(1);
            continue;
        };
        for user in &mut users[done..end] {
            user.add(&relations.of(view, &user.user_id)?).map_err(Error::internal)?;
            bytes += user.bytes.len();
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
    organizations: HashMap<String, Vec<String>>,
    departments: HashMap<String, Held>,
    posts: HashMap<String, Vec<String>>,
    identities: HashMap<String, Vec<IdentityDto>>,
    custom_data: HashMap<String, Stored>,
}

impl Relations {
    /// One query each; `None`: there are more memberships of a kind than are read at once.
    async fn read(connection: &impl ConnectionTrait, tenant: &Tenant, ids: &[String], view: &View) -> Result<Option<Self>> {
        let mut relations = Self::default();
        if view.groups {
            let Some(codes) = collections::held::<Groups>(connection, &view.level, ids, Groups::CODE).await? else {
                return Ok(None);
            };
            relations.groups = codes;
        }
        if view.roles {
            let Some(codes) = collections::held::<Roles>(connection, &view.level, ids, Roles::CODE).await? else {
                return Ok(None);
            };
            relations.roles = codes;
        }
        if view.identities {
            let Some(identities) = identities::of_users(connection, ids).await? else { return Ok(None) };
            relations.identities = identities;
        }
        if view.organizations {
            relations.organizations = organizations::ids_of(connection, tenant, ids).await?;
        }
        if view.departments {
            let Some(held) = departments::held(connection, &view.level, ids).await? else { return Ok(None) };
            relations.departments = held;
        }
        if view.posts {
            let Some(held) = collections::held::<Posts>(connection, &view.level, ids, Posts::ID).await? else {
                return Ok(None);
            };
            relations.posts = held;
        }
        if view.custom_data != CustomDataView::None {
            relations.custom_data = Stored::of(connection, ids).await?;
        }
        Ok(Some(relations))
    }

    /// Those of the user.
    fn of(&self, view: &View, user_id: &str) -> Result<UserDto> {
        let texts = |of: &HashMap<String, Vec<String>>| of.get(user_id).cloned().unwrap_or_default();
        let departments = self.departments.get(user_id).cloned().unwrap_or_default();
        let mut user = UserDto {
            group_codes: texts(&self.groups),
            role_codes: texts(&self.roles),
            post_id_list: texts(&self.posts),
            organization_ids: texts(&self.organizations),
            department_ids: departments.ids,
            main_department_id: departments.main,
            identities: self.identities.get(user_id).cloned().unwrap_or_default(),
            ..UserDto::default()
        };
        if let Some(stored) = self.custom_data.get(user_id) {
            stored.show(view.custom_data, &mut user)?;
        }
        Ok(user)
    }
}
