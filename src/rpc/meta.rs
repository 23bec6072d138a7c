//! `MetaService`: what this server is and how much it takes.

use tonic::Request;

use super::{Call, Reply, reply};
use crate::limits;
use crate::proto::meta_service_server::MetaService;
use crate::proto::{GetLimitsRequest, GetLimitsResponse, GetVersionRequest, GetVersionResponse};

/// Implements `MetaService`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meta;

#[tonic::async_trait]
impl MetaService for Meta {
    async fn get_limits(&self, request: Request<GetLimitsRequest>) -> Reply<GetLimitsResponse> {
        Call::open(request)?;
        reply(limits())
    }

    async fn get_version(&self, request: Request<GetVersionRequest>) -> Reply<GetVersionResponse> {
        Call::open(request)?;
        reply(GetVersionResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            git_commit: env!("ROSTER_GIT_COMMIT").to_owned(),
        })
    }
}

fn limits() -> GetLimitsResponse {
    GetLimitsResponse {
        max_page_limit: wire(limits::PAGE_LIMIT),
        max_batch_items: wire(limits::BATCH_ITEMS),
        max_message_bytes: wire(limits::MESSAGE_BYTES),
        max_username_characters: wire(limits::USERNAME_CHARACTERS),
        max_email_characters: wire(limits::EMAIL_CHARACTERS),
        max_chosen_user_id_characters: wire(limits::CHOSEN_ID_CHARACTERS),
        max_id_characters: wire(limits::ID_CHARACTERS),
        max_text_characters: wire(limits::TEXT_CHARACTERS),
        max_long_text_characters: wire(limits::LONG_TEXT_CHARACTERS),
        max_custom_data_bytes: wire(limits::CUSTOM_DATA_BYTES),
        max_custom_data_depth: wire(limits::CUSTOM_DATA_DEPTH),
        max_custom_data_key_characters: wire(limits::CUSTOM_DATA_KEY_CHARACTERS),
        max_register_source_items: wire(limits::REGISTER_SOURCE_ITEMS),
        max_violations: wire(limits::VIOLATIONS),
        default_page_limit: wire(limits::DEFAULT_PAGE_LIMIT),
        max_page_offset: wire(limits::PAGE_OFFSET),
        max_page_token_bytes: wire(limits::PAGE_TOKEN_BYTES),
        max_total_count: wire(limits::COUNT),
        max_query_characters: wire(limits::QUERY_CHARACTERS),
        max_query_words: wire(limits::QUERY_WORDS),
        max_code_characters: wire(limits::CODE_CHARACTERS),
        max_has_any_role_codes: wire(limits::ASKED_ROLES),
        max_password_bytes: wire(limits::PASSWORD_BYTES),
        max_password_hash_bytes: wire(limits::PASSWORD_HASH_BYTES),
        max_user_token_bytes: wire(limits::USER_TOKEN_BYTES),
        max_department_levels: wire(limits::DEPARTMENT_LEVELS),
        max_identities: wire(limits::IDENTITIES),
        max_user_info_in_idp_bytes: wire(limits::USER_INFO_BYTES),
        max_provider_token_bytes: wire(limits::PROVIDER_TOKEN_BYTES),
        max_origin_conn_ids_items: wire(limits::ORIGIN_CONN_IDS_ITEMS),
        max_batch_passwords: wire(limits::BATCH_PASSWORDS),
    }
}

/// A limit as the wire has it; all of them fit.
fn wire(limit: usize) -> i32 {
    i32::try_from(limit).unwrap_or(i32::MAX)
}
