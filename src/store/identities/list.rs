//! The identities of a user by page, and those of several at once.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect};

use super::IdentityRow;
use crate::entity::identity::Column;
use crate::error::Result;
use crate::proto::IdentityDto;
use crate::store::engine::{Reading, keys::any_of};
use crate::store::paging::{Keyset, Listed, Page, list};
use crate::store::users::Brief;
use crate::store::{Identifier, Store, Tenant, lookup};

/// How many identities are read at once: 64 MiB at most.
const AT_ONCE: usize = 4_096;

impl Store {
    /// A page of the identities of a user, by their ids.
    ///
    /// # Errors
    /// [`crate::error::Error::UserNotFound`].
    pub async fn identities(&self, tenant: &Tenant, user: &Identifier, page: &Page) -> Result<Listed<IdentityDto>> {
        let (tenant, user, page) = (tenant.clone(), user.clone(), page.clone());
        let read = move |reading: Reading| {
            let (tenant, user, page) = (tenant.clone(), user.clone(), page.clone());
            async move {
                let user = lookup::find_one::<Brief>(&reading.connection(), &tenant, &user).await?;
                let select = IdentityRow::select().filter(Column::UserId.eq(user.user_id));
                let by_id = Keyset::ascending([Column::IdentityId.into_expr()]);
                let mut listed: Listed<IdentityRow> = list(&reading.connection(), select, &by_id, &page).await?;
                let (places, rows): (Vec<_>, Vec<_>) = std::mem::take(&mut listed.items).into_iter().unzip();
                let shown = rows.into_iter().map(IdentityRow::into_dto).collect::<Result<Vec<_>>>()?;
                let items = places.into_iter().zip(shown).collect();
                Ok(Listed { items, more: listed.more, cut: listed.cut, total: listed.total })
            }
        };
        self.engine.scan(read).await
    }
}

/// The identities of each of the users, by their ids; `None`: there are more than are read at once.
pub(in crate::store) async fn of_users(
    connection: &impl ConnectionTrait,
    user_ids: &[String],
) -> Result<Option<HashMap<String, Vec<IdentityDto>>>> {
    let select = IdentityRow::select().filter(any_of(connection, Column::UserId, user_ids));
    let select = select.order_by_asc(Column::IdentityId).limit(AT_ONCE as u64 + 1);
    let rows = select.into_model::<IdentityRow>().all(connection).await?;
    if rows.len() > AT_ONCE {
        return Ok(None);
    }
    let mut identities: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        identities.entry(row.user_id.clone()).or_default().push(row.into_dto()?);
    }
    Ok(Some(identities))
}
