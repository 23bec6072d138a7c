//! What is read of the table `users`: the wire's own message, or as little as a check needs.

use std::sync::OnceLock;

use prost::Message;
use prost::bytes::BytesMut;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ConnectionTrait, DbErr, DerivePartialModel, EntityTrait, FromQueryResult, IdenStatic, PartialModelTrait, QueryResult,
    QuerySelect, QueryTrait, Select,
};

use crate::entity::{StringList, user};
use crate::error::Error;
use crate::proto::{Timestamp, UserDto};
use crate::store::engine::reads::{Layout, encoded};
use crate::store::lookup::{OWNER, SEEN, Shape};
use crate::store::{Tenant, organizations};

/// A whole profile: `UserDto` straight from its columns, the one list, which is no scalar, and who owns the user.
#[derive(Clone)]
pub(in crate::store) struct UserRow {
    user: UserDto,
    register_source: Option<StringList>,
    owner: Option<String>,
}

impl UserRow {
    /// Inserts the row of a new user; the transaction keeps their owner.
    pub(super) async fn insert(connection: &impl ConnectionTrait, row: user::ActiveModel) -> Result<Self, Error> {
        let insert = user::Entity::insert(row).into_query().returning_all().to_owned();
        let row = connection.query_one(&insert).await?.ok_or_else(|| Error::internal("nothing was inserted"))?;
        Ok(Self::read(&row, "", user::Column::TenantId.as_str())?)
    }

    /// With the owner from the column of this name.
    fn read(row: &QueryResult, prefix: &str, owner: &str) -> Result<Self, DbErr> {
        let register_source = row.try_get(prefix, user::Column::RegisterSource.as_str())?;
        let owner = row.try_get(prefix, owner)?;
        Ok(Self { user: UserDto::from_query_result(row, prefix)?, register_source, owner })
    }

    /// As the tenant may see it.
    pub(in crate::store) fn into_dto(self, tenant: &Tenant) -> UserDto {
        let tenant_id = self.owner.filter(|owner| tenant.sees_organization(owner));
        UserDto { register_source: self.register_source.unwrap_or_default().0, tenant_id, ..self.user }
    }
}

impl FromQueryResult for UserRow {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let EncodedRow { user, owner } = EncodedRow::from_query_result(row, prefix)?;
        let user = UserDto::decode(user.bytes).map_err(|error| DbErr::Type(error.to_string()))?;
        Ok(Self { register_source: Some(StringList(user.register_source.clone())), user, owner })
    }
}

impl Shape for UserRow {
    fn select() -> Select<user::Entity> {
        let select = UserDto::select_cols(user::Entity::find().select_only()).column(user::Column::RegisterSource);
        select.expr_as(organizations::owner(), OWNER)
    }
}

/// A whole profile as bytes, straight from its columns; who owns the user is not among them.
#[derive(Clone)]
pub(in crate::store) struct EncodedRow {
    user: EncodedUser,
    owner: Option<String>,
}

/// A user as they go over the wire.
#[derive(Clone)]
pub(in crate::store) struct EncodedUser {
    /// Their id.
    pub(super) user_id: String,
    /// `UserDto`; what is added comes behind it.
    pub(super) bytes: BytesMut,
}

impl EncodedUser {
    /// Adds fields that it does not have yet.
    pub(super) fn add(&mut self, fields: &UserDto) -> Result<(), prost::EncodeError> {
        self.bytes.reserve(fields.encoded_len());
        fields.encode(&mut self.bytes)
    }
}

impl EncodedRow {
    /// As the tenant may see it.
    pub(in crate::store) fn shown_to(self, tenant: &Tenant) -> crate::error::Result<EncodedUser> {
        let mut user = self.user;
        if let Some(owner) = self.owner.filter(|owner| tenant.sees_organization(owner)) {
            user.add(&UserDto { tenant_id: Some(owner), ..UserDto::default() }).map_err(Error::internal)?;
        }
        Ok(user)
    }
}

impl FromQueryResult for EncodedRow {
    fn from_query_result(row: &QueryResult, _: &str) -> Result<Self, DbErr> {
        // The select is the same wherever it is asked, and what is asked beside it comes behind it.
        static LAYOUT: OnceLock<Layout> = OnceLock::new();
        let (user_id, bytes, owner) = encoded(row, &LAYOUT)?;
        Ok(Self { user: EncodedUser { user_id, bytes }, owner })
    }
}

impl From<UserDto> for EncodedUser {
    fn from(user: UserDto) -> Self {
        let bytes = BytesMut::from(user.encode_to_vec().as_slice());
        Self { user_id: user.user_id.unwrap_or_default(), bytes }
    }
}

impl Shape for EncodedRow {
    fn select() -> Select<user::Entity> {
        UserRow::select()
    }
}

/// What a check needs.
#[derive(Clone, DerivePartialModel)]
#[sea_orm(entity = "user::Entity")]
pub(in crate::store) struct Brief {
    pub(in crate::store) user_id: String,
    pub(super) etag: String,
    pub(in crate::store) tenant_id: Option<String>,
}

impl Shape for Brief {
    fn select() -> Select<user::Entity> {
        Self::select_cols(user::Entity::find().select_only())
    }
}

/// What is told of whoever has an identifier, also where the tenant does not see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Met {
    /// Their id, which is told to nobody.
    pub user_id: String,
    /// When the user was created.
    pub created_at: Timestamp,
    /// Whether the tenant sees the user.
    pub seen: bool,
}

impl FromQueryResult for Met {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let column = |column: user::Column| sea_orm::IdenStatic::as_str(&column);
        let user_id = row.try_get(prefix, column(user::Column::UserId))?;
        let created_at = row.try_get(prefix, column(user::Column::CreatedAt))?;
        // What SQLite computes is a number.
        let seen = row.try_get(prefix, SEEN).or_else(|_| row.try_get(prefix, SEEN).map(|seen: i64| seen != 0))?;
        Ok(Self { user_id, created_at, seen })
    }
}

impl Shape for Met {
    fn select() -> Select<user::Entity> {
        user::Entity::find().select_only().column(user::Column::UserId).column(user::Column::CreatedAt)
    }

    fn as_seen_by(tenant: &Tenant, select: Select<user::Entity>) -> Select<user::Entity> {
        select.expr_as(tenant.membership().unwrap_or_else(|| Expr::cust("TRUE")), SEEN)
    }
}
