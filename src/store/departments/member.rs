//! Who is in which department, who leads one, and which is a user's main one.

use std::collections::HashMap;

use sea_orm::sea_query::{Expr, OnConflict, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::Departments;
use crate::entity::department::member::{Column, Entity};
use crate::entity::user;
use crate::error::{Error, Result};
use crate::proto::DepartmentDto;
use crate::store::collections::{AT_ONCE, Holding, change, refuse_strangers};
use crate::store::engine::keys::any_of;
use crate::store::resources::find_to_keep;
use crate::store::users::Brief;
use crate::store::{Identifier, Level, Located, Mutation, Tx, lookup};

/// Puts users into a department; who is in it gets the flags anew.
#[derive(Clone, Debug)]
pub struct AddDepartmentMembers {
    /// Which.
    pub department: Located,
    /// Who.
    pub users: Vec<Identifier>,
    /// Whether they lead it.
    pub is_leader: bool,
    /// Whether it is their main one; another one of the level that was is so no more.
    pub is_main: bool,
}

impl Mutation for AddDepartmentMembers {
    /// For each user whether it was done.
    type Answer = Vec<Result<()>>;

    async fn apply(&self, tx: &Tx) -> Result<Vec<Result<()>>> {
        let department = find_to_keep::<Departments>(tx, &self.department).await?;
        // Locked in one order, behind the department: of two that give a user a main department, the later one sees the other's.
        let mut found = lookup::find_to_change::<Brief>(tx, &self.users).await?;
        refuse_strangers(tx, &Level::of(&department.level), &mut found).await?;
        let user_ids: Vec<_> = found.iter().flatten().map(|user| user.user_id.clone()).collect();
        if self.is_main {
            let others = Entity::update_many().col_expr(Column::IsMain, Expr::value(false)).filter(Column::IsMain.into_expr());
            let others = others.filter(any_of(&tx.connection, Column::UserId, &user_ids));
            let others = others.filter(Column::Level.eq(&department.level));
            others.filter(Column::DepartmentId.ne(&department.department_id)).exec(&tx.connection).await?;
        }
        self.put(tx, &department.department_id, &department.level, &user_ids).await?;
        Ok(found.into_iter().map(|user| user.map(drop)).collect())
    }
}

impl AddDepartmentMembers {
    async fn put(&self, tx: &Tx, department_id: &str, level: &str, user_ids: &[String]) -> Result<()> {
        let memberships = Query::select()
            .expr(Expr::value(department_id))
            .expr(user::Column::UserId.into_expr())
            .expr(Expr::value(level))
            .expr(Expr::value(self.is_leader))
            .expr(Expr::value(self.is_main))
            .from(user::Entity)
            .and_where(any_of(&tx.connection, user::Column::UserId, user_ids))
            .to_owned();
        let flags = [Column::IsLeader, Column::IsMain];
        let again = OnConflict::columns([Column::DepartmentId, Column::UserId]).update_columns(flags).to_owned();
        let insert = Query::insert()
            .into_table(Entity)
            .columns([Column::DepartmentId, Column::UserId, Column::Level, Column::IsLeader, Column::IsMain])
            .select_from(memberships)
            .map_err(Error::internal)?
            .on_conflict(again)
            .to_owned();
        tx.connection.execute(&insert).await?;
        Ok(())
    }
}

/// Takes users out of a department; who is not in it stays so.
#[derive(Clone, Debug)]
pub struct RemoveDepartmentMembers {
    /// Which.
    pub department: Located,
    /// Who.
    pub users: Vec<Identifier>,
}

impl Mutation for RemoveDepartmentMembers {
    /// For each user whether it was done.
    type Answer = Vec<Result<()>>;

    async fn apply(&self, tx: &Tx) -> Result<Vec<Result<()>>> {
        let department = find_to_keep::<Departments>(tx, &self.department).await?;
        let found = lookup::find_to_change::<Brief>(tx, &self.users).await?;
        let user_ids: Vec<_> = found.iter().flatten().map(|user| user.user_id.clone()).collect();
        let level = Level::of(&department.level);
        change::<Departments>(tx, Holding::Remove, &level, &[department.department_id], &user_ids).await?;
        Ok(found.into_iter().map(|user| user.map(drop)).collect())
    }
}

/// The departments, in the order of their ids, with those who lead them: as many, from the first on, as have no more of these than
/// are read at once.
pub(super) async fn with_leaders(
    connection: &impl ConnectionTrait,
    mut departments: Vec<DepartmentDto>,
) -> Result<Vec<DepartmentDto>> {
    let ids = departments.iter().map(DepartmentDto::department_id);
    let select = Entity::find().select_only().column(Column::DepartmentId).column(Column::UserId);
    let select = select.filter(any_of(connection, Column::DepartmentId, ids)).filter(Column::IsLeader.into_expr());
    let select = select.order_by_asc(Column::DepartmentId).order_by_asc(Column::UserId).limit(AT_ONCE as u64 + 1);
    let leaders = select.into_tuple::<(String, String)>().all(connection).await?;
    if let Some((last, _)) = leaders.get(AT_ONCE) {
        departments.retain(|department| department.department_id() < last.as_str());
    }
    let mut of: HashMap<_, Vec<_>> = HashMap::new();
    for (department_id, user_id) in leaders {
        of.entry(department_id).or_default().push(user_id);
    }
    for department in &mut departments {
        department.leader_user_ids = of.remove(department.department_id()).unwrap_or_default();
    }
    Ok(departments)
}

/// The departments of a user at a level.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Held {
    /// Their ids, in their order.
    pub(in crate::store) ids: Vec<String>,
    /// The main one.
    pub(in crate::store) main: Option<String>,
}

/// The departments of each of the users at a level; `None`: there are more than are read at once.
pub(in crate::store) async fn held(
    connection: &impl ConnectionTrait,
    level: &Level,
    user_ids: &[String],
) -> Result<Option<HashMap<String, Held>>> {
    let select = Entity::find().select_only().columns([Column::UserId, Column::DepartmentId, Column::IsMain]);
    let select = select.filter(any_of(connection, Column::UserId, user_ids)).filter(level.is(Column::Level));
    let select = select.order_by_asc(Column::DepartmentId).limit(AT_ONCE as u64 + 1);
    let rows = select.into_tuple::<(String, String, bool)>().all(connection).await?;
    if rows.len() > AT_ONCE {
        return Ok(None);
    }
    let mut held: HashMap<_, Held> = HashMap::new();
    for (user_id, department_id, is_main) in rows {
        let departments = held.entry(user_id).or_default();
        if is_main {
            departments.main = Some(department_id.clone());
        }
        departments.ids.push(department_id);
    }
    Ok(Some(held))
}
