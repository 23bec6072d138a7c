//! Posts, at the pool's own level or in an organization: what is said of them in [`super::resources`], and who holds which.

use sea_orm::sea_query::ExprTrait;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use super::collections::{self, Holder, Holding, Peopled, refuse_stranger};
use super::engine::keys::any_of;
use super::resources::{Resource, Stamps};
use super::standing::{self, Located, Standing};
use super::users::Brief;
use super::{Level, Mutation, Tx, lookup};
use crate::entity::post::{ActiveModel, Column, Entity, Model, member};
use crate::error::{Error, Result};
use crate::proto::PostDto;

/// The kind of resource that a post is.
#[derive(Clone, Copy, Debug)]
pub struct Posts;

impl Resource for Posts {
    type Entity = Entity;
    type Model = Model;
    type Row = ActiveModel;
    type Column = Column;
    type Dto = PostDto;
    type Key = Located;

    const NAME: &'static str = "post";
    const ID: Column = Column::PostId;
    const STAMPS: Option<Stamps<Column>> = None;

    fn find(key: &Located) -> Select<Entity> {
        standing::find::<Self>(key)
    }

    fn not_found(_: &Located) -> Error {
        Error::PostNotFound
    }

    async fn require(connection: &impl ConnectionTrait, key: &Located) -> Result<()> {
        standing::require(connection, key).await
    }

    async fn keep(tx: &Tx, key: &Located) -> Result<()> {
        standing::keep::<Self>(tx, key).await
    }

    fn stand(row: &mut ActiveModel, level: &Level) -> Result<()> {
        standing::stand::<Self>(row, level)
    }
}

impl Standing for Posts {
    const LEVEL: Column = Column::Level;
    const ORGANIZATION_ID: Column = Column::OrganizationId;
    const ORDER: Column = Column::PostId;
}

impl Peopled for Posts {
    type Members = member::Entity;
    type MemberColumn = member::Column;

    const MEMBER_OF: member::Column = member::Column::PostId;
    const MEMBER: member::Column = member::Column::UserId;
    const MEMBER_LEVEL: member::Column = member::Column::Level;
}

/// Gives a user these posts of a level and no others of it, all or nothing.
#[derive(Clone, Debug)]
pub struct SetPosts {
    /// Who, and at which level.
    pub holder: Holder,
    /// The posts' ids, each as often as one likes.
    pub post_ids: Vec<String>,
}

impl Mutation for SetPosts {
    /// All that the user holds now, in their order.
    type Answer = Vec<String>;

    async fn apply(&self, tx: &Tx) -> Result<Vec<String>> {
        let level = &self.holder.level;
        level.keep(tx).await?;
        let posts = standing::at::<Posts>(level).select_only().column(Column::PostId);
        let posts = posts.filter(any_of(&tx.connection, Column::PostId, &self.post_ids));
        let posts = posts.order_by_asc(Column::PostId).lock_shared().into_tuple::<String>();
        let post_ids: Vec<_> = posts.all(&tx.connection).await?;
        // Locked, so that of two calls at once the user holds what one of them gives; behind the posts, as by everybody who locks
        // both.
        let user = lookup::find_one_to_change::<Brief>(tx, &self.holder.user).await?;
        if self.post_ids.iter().any(|post_id| post_ids.binary_search(post_id).is_err()) {
            return Err(Error::PostNotFound);
        }
        let user = if self.post_ids.is_empty() { user } else { refuse_stranger(tx, level, user).await? };
        let user_id = [user.user_id];
        let others = member::Entity::delete_many().filter(member::Column::UserId.eq(&user_id[0]));
        let others = others.filter(level.is(member::Column::Level));
        others.filter(any_of(&tx.connection, member::Column::PostId, &post_ids).not()).exec(&tx.connection).await?;
        collections::change::<Posts>(tx, Holding::Add, level, &post_ids, &user_id).await?;
        Ok(post_ids)
    }
}
