//! Which columns of a stored row a write changes: found column by column, whichever they are.

use sea_orm::{ActiveModelTrait, EntityTrait, IdenStatic, Iterable, ModelTrait};

use crate::error::Result;
use crate::validate::mask::Mask;

/// Makes the row say what the mask says: nothing of what it does not name, and that absent is to be cleared where it does.
/// Without a mask the row stays as it is.
pub(super) fn apply_mask<A, M>(row: &mut A, stored: &M, mask: Option<&Mask>) -> Result<()>
where
    A: ActiveModelTrait,
    A::Entity: EntityTrait<Model = M>,
    M: ModelTrait<Entity = A::Entity>,
{
    let Some(mask) = mask else { return Ok(()) };
    for column in <A::Entity as EntityTrait>::Column::iter() {
        if !mask.names(column.as_str()) {
            row.not_set(column);
        } else if row.is_not_set(column) {
            row.try_set(column, stored.get(column).as_null())?;
        }
    }
    Ok(())
}

/// Leaves in the row what differs from what is stored.
pub(super) fn keep_differing<A, M>(row: &mut A, stored: &M)
where
    A: ActiveModelTrait,
    A::Entity: EntityTrait<Model = M>,
    M: ModelTrait<Entity = A::Entity>,
{
    for column in <A::Entity as EntityTrait>::Column::iter() {
        if row.get(column).into_value() == Some(stored.get(column)) {
            row.not_set(column);
        }
    }
}
