//! Roles: what is said of them in [`super::collections`].

use super::collections::Collection;
use crate::entity::role::{self, member};
use crate::error::Error;
use crate::proto::RoleDto;

/// The kind of set that a role is.
#[derive(Clone, Copy, Debug)]
pub struct Roles;

impl Collection for Roles {
    type Entity = role::Entity;
    type Model = role::Model;
    type Row = role::ActiveModel;
    type Column = role::Column;
    type Members = member::Entity;
    type MemberColumn = member::Column;
    type Dto = RoleDto;

    const NAME: &'static str = "role";
    const ID: role::Column = role::Column::RoleId;
    const CODE: role::Column = role::Column::Code;
    const ETAG: role::Column = role::Column::Etag;
    const CREATED_AT: role::Column = role::Column::CreatedAt;
    const UPDATED_AT: role::Column = role::Column::UpdatedAt;
    const MEMBER_OF: member::Column = member::Column::RoleId;
    const MEMBER: member::Column = member::Column::UserId;

    fn not_found(code: &str) -> Error {
        Error::RoleNotFound(code.to_owned())
    }
}
