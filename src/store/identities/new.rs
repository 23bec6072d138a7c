//! An identity as a caller sent it, and how it becomes a row.

use std::collections::HashSet;

use sea_orm::{ActiveValue::Set, EntityTrait, IntoActiveModel};

use crate::entity::StringList;
use crate::entity::identity::{ActiveModel, Entity};
use crate::error::Result;
use crate::proto::reflect::{Reflect, Value};
use crate::proto::{IdentityDto, json};
use crate::store::identity_tokens::{self, ProviderTokens};
use crate::store::{Identifier, Tx};
use crate::validate::Violations;

/// What must be given.
const REQUIRED: &[&str] = &["ext_idp_id", "provider", "user_id_in_idp"];
/// What `type` is where it is not given.
const GENERIC: &str = "generic";

/// How many are inserted by one statement.
const TOGETHER: usize = 1_000;

/// An identity to be written. Whatever shows it hides its tokens, as the message does.
#[derive(Clone, Debug)]
pub struct NewIdentity(IdentityDto);

impl NewIdentity {
    /// One that stands at `path` in the request, and whose fields have been held against their rules.
    pub(in crate::store) fn read(identity: IdentityDto, path: &str, violations: &mut Violations) -> Self {
        for name in REQUIRED {
            match identity.get(name) {
                Value::Absent => violations.add(format!("{path}.{name}"), "must be given"),
                Value::Text("") => violations.add(format!("{path}.{name}"), "must not be empty"),
                _ => {}
            }
        }
        Self(identity)
    }

    /// As [`NewIdentity::read`], for the list that stands there.
    pub(in crate::store) fn read_all(identities: Vec<IdentityDto>, path: &str, violations: &mut Violations) -> Vec<Self> {
        let mut accounts = HashSet::new();
        let mut read = Vec::with_capacity(identities.len());
        for (index, identity) in identities.into_iter().enumerate() {
            let path = format!("{path}[{index}]");
            let identity = Self::read(identity, &path, violations);
            let (place, id) = identity.parts();
            if !place.is_empty() && !id.is_empty() && !accounts.insert(identity.account()) {
                violations.add(path, "is the same account as one before it");
            }
            read.push(identity);
        }
        read
    }

    /// What nobody else may have.
    pub(in crate::store) fn account(&self) -> Identifier {
        Identifier::identity(self.0.ext_idp_id(), self.0.user_id_in_idp())
    }

    /// The two parts of the account.
    pub(super) fn parts(&self) -> (&str, &str) {
        (self.0.ext_idp_id(), self.0.user_id_in_idp())
    }

    /// The tokens that are given.
    pub(super) fn tokens(&self) -> ProviderTokens {
        ProviderTokens { access_token: self.0.access_token.clone(), refresh_token: self.0.refresh_token.clone() }
    }

    /// What is given, as a row.
    pub(super) fn given(&self) -> ActiveModel {
        let mut row = self.0.clone().into_active_model();
        if let Some(info) = &self.0.user_info_in_idp {
            row.user_info_in_idp = Set(json::object_to_text(info));
        }
        if !self.0.origin_conn_ids.is_empty() {
            row.origin_conn_ids = Set(StringList(self.0.origin_conn_ids.clone()));
        }
        row
    }

    /// The whole row of one that is new.
    fn row(&self, identity_id: &str, user_id: &str) -> ActiveModel {
        let mut row = self.given();
        row.identity_id = Set(identity_id.to_owned());
        row.user_id = Set(user_id.to_owned());
        if row.r#type.is_not_set() {
            row.r#type = Set(GENERIC.to_owned());
        }
        if row.user_info_in_idp.is_not_set() {
            row.user_info_in_idp = Set("{}".to_owned());
        }
        if row.origin_conn_ids.is_not_set() {
            row.origin_conn_ids = Set(StringList(vec![self.0.ext_idp_id().to_owned()]));
        }
        row
    }
}

/// Makes the user's identities, with their tokens. A unique index refuses those that somebody has.
pub(in crate::store) async fn insert(tx: &Tx, user_id: &str, identities: &[NewIdentity]) -> Result<Vec<String>> {
    insert_all(tx, identities.iter().map(|identity| (user_id, identity)).collect()).await
}

/// As [`insert`], of several users.
pub(in crate::store) async fn insert_all(tx: &Tx, identities: Vec<(&str, &NewIdentity)>) -> Result<Vec<String>> {
    let mut new: Vec<_> = identities.into_iter().map(|(user_id, identity)| (user_id, identity, tx.clock.new_id())).collect();
    let ids = new.iter().map(|(_, _, id)| id.clone()).collect();
    // In one order, so that those who make the same ones seldom wait for each other.
    new.sort_by_key(|(_, identity, _)| identity.parts());
    // Bounded, since an engine takes some ten thousand parameters a statement.
    for new in new.chunks(TOGETHER) {
        let rows = new.iter().map(|(user_id, identity, id)| identity.row(id, user_id));
        Entity::insert_many(rows).exec_without_returning(&tx.connection).await?;
    }
    for (_, identity, id) in new {
        identity_tokens::renew(tx, &id, &identity.tokens()).await?;
    }
    Ok(ids)
}
