//! API keys and what they are known by.

use std::collections::{HashMap, HashSet};

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use super::{Findings, rows};
use crate::entity::{api_key, api_key_secret, organization};
use crate::error::Result;
use crate::scope::Scopes;

/// Hexadecimal digits of a SHA-256.
const HASH: usize = 64;

pub(super) async fn check<'a>(connection: &impl ConnectionTrait, mut findings: Findings<'a>) -> Result<Findings<'a>> {
    let mut keys = HashMap::new();
    rows::each::<api_key::Entity>(connection, api_key::Column::ApiKeyId, |key| keys.extend([(key.api_key_id.clone(), key)]))
        .await?;
    let there = organization::Entity::find().select_only().column(organization::Column::OrganizationId);
    let there = there.filter(organization::Column::DeletedAt.is_null()).into_tuple::<String>();
    let organizations: HashSet<_> = there.all(connection).await?.into_iter().collect();
    for (id, key) in &keys {
        findings.row();
        let scopes = key.scopes.parse::<Scopes>();
        findings.expect(scopes.is_ok(), || format!("API key {id}: it has a scope that there is not"));
        let alone =
            key.organization_id.as_ref().is_some_and(|bound| !organizations.contains(bound)) && key.revoked_at.is_none();
        findings.expect(!alone, || format!("API key {id}: good, but bound to an organization that is not there"));
        let Some(maker) = &key.created_by else { continue };
        let Some(maker) = keys.get(maker) else {
            findings.fault(format!("API key {id}: what made it is not there"));
            continue;
        };
        if let (Ok(scopes), Ok(makers)) = (scopes, maker.scopes.parse::<Scopes>()) {
            let free = maker.organization_id.is_some() && maker.organization_id != key.organization_id;
            let weaker = makers.lacking(scopes).is_none() && !free;
            findings.expect(weaker, || format!("API key {id}: stronger than what made it"));
        }
    }
    Ok(findings)
}

pub(super) async fn check_secrets<'a>(connection: &impl ConnectionTrait, mut findings: Findings<'a>) -> Result<Findings<'a>> {
    let mut keys = HashSet::new();
    rows::each::<api_key::Entity>(connection, api_key::Column::ApiKeyId, |key| keys.extend([key.api_key_id])).await?;
    rows::each::<api_key_secret::Entity>(connection, api_key_secret::Column::SecretHash, |secret| {
        findings.row();
        let well_formed = secret.secret_hash.len() == HASH && secret.secret_hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        findings.expect(well_formed, || format!("a secret of API key {}: not a SHA-256", secret.api_key_id));
        findings.expect(keys.contains(&secret.api_key_id), || {
            format!("a secret names the API key {}, which is not there", secret.api_key_id)
        });
    })
    .await?;
    Ok(findings)
}
