//! Users: their fields against the rules of the proto, their keys against the values that they are made of.

use std::collections::HashSet;

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QueryResult, QuerySelect,
};

use super::{Findings, identities};
use crate::entity::user::{Column, Entity};
use crate::error::Result;
use crate::normalize::email::Email;
use crate::normalize::phone::{CallingCode, Phone};
use crate::normalize::username;
use crate::proto::UserDto;
use crate::store::Tenant;
use crate::store::lookup::{self, Shape};
use crate::store::users::UserRow;
use crate::validate::{Violations, fields};

/// How many users are in memory at once.
const STEP: u64 = 1_000;

/// A user with what is stored beside the wire's fields.
struct Inspected {
    user: UserDto,
    email_key: Option<String>,
    phone_key: Option<String>,
}

impl FromQueryResult for Inspected {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let key = |column| row.try_get(prefix, lookup::name(column));
        Ok(Self {
            user: UserRow::from_query_result(row, prefix)?.into_dto(&Tenant::Pool),
            email_key: key(Column::EmailKey)?,
            phone_key: key(Column::PhoneKey)?,
        })
    }
}

pub(super) async fn check<'a>(connection: &impl ConnectionTrait, mut findings: Findings<'a>) -> Result<Findings<'a>> {
    let mut last: Option<String> = None;
    loop {
        let mut select = UserRow::select().column(Column::EmailKey).column(Column::PhoneKey);
        if let Some(last) = &last {
            select = select.filter(Column::UserId.gt(last));
        }
        let users = select.order_by_asc(Column::UserId).limit(STEP).into_model::<Inspected>().all(connection).await?;
        let Some(end) = users.last() else { return Ok(findings) };
        last = Some(end.user.user_id().to_owned());
        let without: Vec<_> = users.iter().map(|user| &user.user).filter(|user| !has_identifier(user)).collect();
        let others = identities::holders(connection, without.iter().map(|user| user.user_id())).await?;
        for user in without.iter().filter(|user| !others.contains(user.user_id())) {
            findings.fault(format!("user {}: no identifier", user.user_id()));
        }
        for user in &users {
            findings.row();
            one(user, &mut findings);
        }
    }
}

fn one(Inspected { user, email_key, phone_key }: &Inspected, findings: &mut Findings<'_>) {
    let mut say = |fault: &str| findings.fault(format!("user {}: {fault}", user.user_id()));
    let mut violations = Violations::default();
    fields::request(user, &mut violations);
    for violation in violations.list() {
        say(&format!("{} {}", violation.field, violation.description));
    }
    let key = user.email.as_deref().map(|email| Email::parse(email).map(|email| email.key));
    if key.transpose().as_ref() != Ok(email_key) {
        say("email_key does not fit email");
    }
    if phone(user).as_ref() != Ok(phone_key) {
        say("phone_key does not fit phone and phone_country_code");
    }
    if user.username.as_deref().is_some_and(|name| username::key(name) != name) {
        say("username is not in its normal form");
    }
    if user.etag().is_empty() {
        say("no etag");
    }
    if user.updated_at < user.created_at {
        say("changed before it was created");
    }
}

/// Whether one of the profile's fields names the user.
fn has_identifier(user: &UserDto) -> bool {
    [&user.username, &user.email, &user.phone, &user.external_id].iter().any(|identifier| identifier.is_some())
}

/// The key of the stored phone.
fn phone(user: &UserDto) -> Result<Option<String>, ()> {
    match (&user.phone, &user.phone_country_code) {
        (None, None) => Ok(None),
        (Some(phone), Some(code)) => {
            let code = CallingCode::parse(code).map_err(drop)?;
            Phone::parse(phone, Some(code), code).map(|phone| Some(phone.e164)).map_err(drop)
        }
        _ => Err(()),
    }
}

/// No two users have an identifier in common, whatever the indexes say.
pub(super) async fn check_unique<'a>(connection: &impl ConnectionTrait, mut findings: Findings<'a>) -> Result<Findings<'a>> {
    for column in [Column::UserId, Column::EmailKey, Column::PhoneKey, Column::Username, Column::ExternalId] {
        findings.row();
        let shared = Entity::find().select_only().column(column).filter(column.is_not_null()).group_by(column);
        let shared = shared.having(Expr::cust("COUNT(*) > 1"));
        let shared: HashSet<String> = shared.into_tuple().all(connection).await?.into_iter().collect();
        for _ in &shared {
            findings.fault(format!("several users have the same {}", lookup::name(column)));
        }
    }
    Ok(findings)
}
