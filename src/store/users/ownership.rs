//! Who owns a user (contract §5): the pool, or an organization that they are a member of. Under a key that is bound to an
//! organization only whom it owns can be changed, and it owns whom it creates.

use super::Brief;
use crate::error::{Error, Result};
use crate::proto::UserDto;
use crate::store::{Level, Tenant};
use crate::validate::Violations;
use crate::validate::mask::Mask;

const FIELD: &str = "user.tenant_id";
const SET_BY_SERVER: &str = "is set by the server where the key is bound to an organization";

/// Who will own a new user: whom a caller names, or the organization of a bound key.
pub(super) fn on_create(user: &UserDto, tenant: &Tenant, violations: &mut Violations) -> Option<Level> {
    match (tenant, user.tenant_id.as_deref()) {
        (Tenant::Pool, None) => None,
        (Tenant::Pool, named) => named_owner(named),
        (Tenant::Organization(_), None) => Some(tenant.level(None)),
        (Tenant::Organization(_), Some(_)) => violations.refuse(FIELD, SET_BY_SERVER),
    }
}

/// Who is to own a user that is changed, where that changes and is not the pool.
pub(super) fn on_update(user: &UserDto, tenant: &Tenant, mask: Option<&Mask>, violations: &mut Violations) -> Option<Level> {
    let masked = mask.is_some_and(|mask| mask.names("tenant_id"));
    let named = user.tenant_id.as_deref().filter(|_| mask.is_none() || masked);
    match tenant {
        Tenant::Pool => named_owner(named),
        Tenant::Organization(_) if masked => {
            violations.refuse("update_mask", "\"tenant_id\" is set by the server where the key is bound to an organization")
        }
        Tenant::Organization(_) if named.is_some() => violations.refuse(FIELD, SET_BY_SERVER),
        Tenant::Organization(_) => None,
    }
}

fn named_owner(named: Option<&str>) -> Option<Level> {
    named.map(|named| Tenant::Pool.level(Some(named)))
}

/// Refuses to change a user whom the tenant does not own.
pub(in crate::store) fn require(tenant: &Tenant, tenant_id: Option<&str>) -> Result<()> {
    match tenant {
        Tenant::Pool => Ok(()),
        Tenant::Organization(own) if tenant_id == Some(own) => Ok(()),
        Tenant::Organization(_) => Err(Error::NotOwned),
    }
}

/// As [`require`], for one who was looked for.
pub(super) fn owned(tenant: &Tenant, user: Result<Brief>) -> Result<Brief> {
    let user = user?;
    require(tenant, user.tenant_id.as_deref())?;
    Ok(user)
}
