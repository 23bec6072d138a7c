//! Groups: what is said of them in [`super::collections`].

use super::collections::Collection;
use crate::entity::group::{self, member};
use crate::error::Error;
use crate::proto::GroupDto;

/// The kind of set that a group is.
#[derive(Clone, Copy, Debug)]
pub struct Groups;

impl Collection for Groups {
    type Entity = group::Entity;
    type Model = group::Model;
    type Row = group::ActiveModel;
    type Column = group::Column;
    type Members = member::Entity;
    type MemberColumn = member::Column;
    type Dto = GroupDto;

    const NAME: &'static str = "group";
    const ID: group::Column = group::Column::GroupId;
    const CODE: group::Column = group::Column::Code;
    const ETAG: group::Column = group::Column::Etag;
    const CREATED_AT: group::Column = group::Column::CreatedAt;
    const UPDATED_AT: group::Column = group::Column::UpdatedAt;
    const MEMBER_OF: member::Column = member::Column::GroupId;
    const MEMBER: member::Column = member::Column::UserId;

    fn not_found(code: &str) -> Error {
        Error::GroupNotFound(code.to_owned())
    }
}
