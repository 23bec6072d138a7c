//! `MetaService`: what the server says of itself.

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use roster::proto::{DESCRIPTORS, GetLimitsRequest, GetLimitsResponse, GetVersionRequest};

use crate::harness::Roster;

/// The contract's limits (§1), as far as something keeps to them yet.
pub(crate) const LIMITS: GetLimitsResponse = GetLimitsResponse {
    max_page_limit: 1_000,
    max_batch_items: 1_000,
    max_message_bytes: 4 * 1024 * 1024,
    max_username_characters: 128,
    max_email_characters: 254,
    max_chosen_user_id_characters: 128,
    max_id_characters: 256,
    max_text_characters: 256,
    max_long_text_characters: 2_048,
    max_custom_data_bytes: 64 * 1024,
    max_custom_data_depth: 8,
    max_custom_data_key_characters: 64,
    max_register_source_items: 32,
    max_violations: 20,
    default_page_limit: 10,
    max_page_offset: 10_000,
    max_page_token_bytes: 4_096,
    max_total_count: 10_000,
    max_query_characters: 256,
    max_query_words: 16,
    max_code_characters: 64,
    max_has_any_role_codes: 100,
    max_password_bytes: 512,
    max_password_hash_bytes: 512,
    max_user_token_bytes: 8 * 1024,
    max_department_levels: 100,
    max_identities: 64,
    max_user_info_in_idp_bytes: 16 * 1024,
    max_provider_token_bytes: 16 * 1024,
    max_origin_conn_ids_items: 32,
    max_batch_passwords: 50,
};

#[tokio::test]
async fn the_limits_are_those_of_the_contract_and_all_of_them_are_filled_in() {
    let roster = Roster::start().await;
    let limits = roster.client("").await.meta().get_limits(GetLimitsRequest {}).await.unwrap().into_inner();
    assert_eq!(limits, LIMITS);
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let kind = pool.get_message_by_name("roster.v1.GetLimitsResponse").unwrap();
    let limits = DynamicMessage::decode(kind.clone(), limits.encode_to_vec().as_slice()).unwrap();
    for field in kind.fields() {
        assert!(limits.has_field(&field), "{}", field.name());
    }
}

#[tokio::test]
async fn the_version_is_that_of_the_package_and_names_the_commit() {
    let roster = Roster::start().await;
    let version = roster.client("").await.meta().get_version(GetVersionRequest {}).await.unwrap().into_inner();
    assert_eq!(version.version, env!("CARGO_PKG_VERSION"));
    let commit = version.git_commit;
    let is_hash = commit.len() >= 7 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(is_hash || commit == "unknown", "{commit}");
}
