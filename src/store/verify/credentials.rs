//! Passwords and the keys of user tokens: whether hashes can be checked, and whether users' rows tell of the passwords that there are.

use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use super::{Findings, TOLD, rows};
use crate::entity::{signing_key, user, user_credential};
use crate::error::Result;
use crate::password::PasswordHash;
use crate::user_token::is_public_key;

pub(super) async fn check<'a>(connection: &impl ConnectionTrait, mut findings: Findings<'a>) -> Result<Findings<'a>> {
    rows::each::<user_credential::Entity>(connection, user_credential::Column::UserId, |credential| {
        findings.row();
        let reads = PasswordHash::stored(&credential.password_hash).is_some();
        findings.expect(reads, || format!("password of user {}: its hash is none", credential.user_id));
    })
    .await?;
    for (told, fault) in
        [(true, "they should have a password and have none"), (false, "they have a password that is not told of")]
    {
        for user_id in contradicted(connection, told).await? {
            findings.fault(format!("user {user_id}: {fault}"));
        }
    }
    Ok(findings)
}

/// Users whose row tells of a password that is not there, or does not tell of one that is.
async fn contradicted(connection: &impl ConnectionTrait, told: bool) -> Result<Vec<String>> {
    let theirs = user_credential::Column::UserId.into_expr().equals((user::Entity, user::Column::UserId));
    let theirs = Query::select().expr(Expr::value(1)).from(user_credential::Entity).and_where(theirs).to_owned();
    let has = Expr::exists(theirs);
    let users = user::Entity::find().select_only().column(user::Column::UserId).limit(TOLD);
    let last_set = user::Column::PasswordLastSetAt;
    let users = if told {
        users.filter(last_set.is_not_null()).filter(has.not())
    } else {
        users.filter(last_set.is_null()).filter(has)
    };
    Ok(users.into_tuple().all(connection).await?)
}

pub(super) async fn check_signing_keys<'a>(
    connection: &impl ConnectionTrait,
    mut findings: Findings<'a>,
) -> Result<Findings<'a>> {
    rows::each::<signing_key::Entity>(connection, signing_key::Column::Kid, |key| {
        findings.row();
        findings.expect(is_public_key(&key.public_key), || format!("signing key {}: its public part is none", key.kid));
    })
    .await?;
    Ok(findings)
}
