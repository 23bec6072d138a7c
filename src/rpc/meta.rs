//! `MetaService`: what this server is and how much it takes.

use tonic::Request;

use super::{Call, Reply};
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
        Ok(tonic::Response::new(GetLimitsResponse {
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
        }))
    }

    async fn get_version(&self, request: Request<GetVersionRequest>) -> Reply<GetVersionResponse> {
        Call::open(request)?;
        Ok(tonic::Response::new(GetVersionResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            git_commit: env!("ROSTER_GIT_COMMIT").to_owned(),
        }))
    }
}

/// A limit as the wire has it; all of them fit.
fn wire(limit: usize) -> i32 {
    i32::try_from(limit).unwrap_or(i32::MAX)
}
