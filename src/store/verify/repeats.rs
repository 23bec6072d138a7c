//! What the service keeps for itself: answers to repeated calls, and sealing keys.

use std::collections::HashSet;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sea_orm::ConnectionTrait;

use super::{Findings, rows};
use crate::entity::{idempotency_answer, idempotency_password, idempotency_record, sealing_key};
use crate::error::Result;
use crate::password::PasswordHash;

/// Bytes of a SHA-256, and of a sealing key.
const BYTES: usize = 32;

pub(super) async fn check_answers<'a>(connection: &impl ConnectionTrait, mut findings: Findings<'a>) -> Result<Findings<'a>> {
    let mut records = HashSet::new();
    rows::each::<idempotency_record::Entity>(connection, idempotency_record::Column::RecordId, |record| {
        findings.expect(decodes(&record.request_hash), || format!("record {}: its request is not a SHA-256", record.record_id));
        records.insert(record.record_id);
    })
    .await?;
    rows::each::<idempotency_answer::Entity>(connection, idempotency_answer::Column::RecordId, |answer| {
        findings.row();
        let id = &answer.record_id;
        findings.expect(BASE64_STANDARD.decode(&answer.answer).is_ok(), || format!("answer {id}: not base64"));
        findings.expect(records.contains(id), || format!("answer {id}: of no call"));
    })
    .await?;
    rows::each::<idempotency_password::Entity>(connection, idempotency_password::Column::RecordId, |password| {
        let id = &password.record_id;
        let reads = PasswordHash::stored(&password.password_hash).is_some();
        findings.expect(reads, || format!("password of call {id}: its hash is none"));
        findings.expect(records.contains(id), || format!("password of call {id}: of no call"));
    })
    .await?;
    Ok(findings)
}

pub(super) async fn check_sealing_keys<'a>(
    connection: &impl ConnectionTrait,
    mut findings: Findings<'a>,
) -> Result<Findings<'a>> {
    rows::each::<sealing_key::Entity>(connection, sealing_key::Column::Purpose, |key| {
        findings.row();
        findings.expect(decodes(&key.key), || format!("the key that seals {}: not 32 bytes", key.purpose));
    })
    .await?;
    Ok(findings)
}

/// Whether the text is 32 bytes in base64.
fn decodes(text: &str) -> bool {
    BASE64_STANDARD.decode(text).is_ok_and(|bytes| bytes.len() == BYTES)
}
