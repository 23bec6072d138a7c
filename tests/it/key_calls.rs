//! What the tests of API keys ask for again and again, a line each.

use roster::proto::{
    ApiKeyDto, CreateApiKeyRequest, GetApiKeyRequest, GetCallerApiKeyRequest, GetVersionRequest, ListApiKeysRequest,
    RevokeApiKeyRequest, RotateApiKeyRequest, Timestamp, UpdateApiKeyRequest,
};
use tonic::{Code, Status};

use crate::calls::assert_refused;
use crate::harness::{Client, Roster};

/// A key in somebody's hand.
pub(crate) struct Holder {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) client: Client,
}

impl Roster {
    /// A key for these scopes, made at the command line, so that nothing bounds it.
    pub(crate) async fn holder(&self, scopes: &str) -> Holder {
        self.holder_until(scopes, None).await
    }

    /// The same with an end.
    pub(crate) async fn holder_until(&self, scopes: &str, expires_at: Option<Timestamp>) -> Holder {
        let created = self.key(scopes, expires_at).await;
        let secret = created.secret.expose().to_owned();
        let client = self.client_with_key(Some(&secret)).await;
        Holder { id: created.api_key.api_key_id().to_owned(), secret, client }
    }

    /// A key for these scopes that the holder makes.
    pub(crate) async fn child(&self, maker: &Holder, scopes: &[&str]) -> Holder {
        let (api_key, secret) = maker.client.create_key(for_scopes(scopes)).await.unwrap();
        let client = self.client_with_key(Some(&secret)).await;
        Holder { id: api_key.api_key_id().to_owned(), secret, client }
    }

    /// Every key as the database has it, whoever asks.
    pub(crate) async fn all_keys(&self) -> Vec<ApiKeyDto> {
        let request = ListApiKeysRequest { limit: Some(1_000), ..Default::default() };
        self.client("*").await.list_keys(request).await.unwrap().0
    }
}

impl Client {
    pub(crate) async fn create_key(&self, api_key: ApiKeyDto) -> Result<(ApiKeyDto, String), Status> {
        let request = CreateApiKeyRequest { api_key: Some(api_key) };
        let created = self.api_keys().create_api_key(request).await?.into_inner();
        Ok((created.api_key.unwrap(), created.secret))
    }

    pub(crate) async fn update_key(&self, request: UpdateApiKeyRequest) -> Result<ApiKeyDto, Status> {
        Ok(self.api_keys().update_api_key(request).await?.into_inner().api_key.unwrap())
    }

    pub(crate) async fn get_key(&self, id: &str) -> Result<ApiKeyDto, Status> {
        let request = GetApiKeyRequest { api_key_id: Some(id.to_owned()) };
        Ok(self.api_keys().get_api_key(request).await?.into_inner().api_key.unwrap())
    }

    pub(crate) async fn own_key(&self) -> Result<ApiKeyDto, Status> {
        let answer = self.api_keys().get_caller_api_key(GetCallerApiKeyRequest {}).await?;
        Ok(answer.into_inner().api_key.unwrap())
    }

    /// The keys, how many there are, and what the next page is had by.
    pub(crate) async fn list_keys(&self, request: ListApiKeysRequest) -> Result<(Vec<ApiKeyDto>, Option<i32>, String), Status> {
        let listed = self.api_keys().list_api_keys(request).await?.into_inner();
        assert!(!listed.total_is_capped);
        Ok((listed.api_keys, listed.total_count, listed.next_page_token))
    }

    /// Rotates with an overlap of so many seconds, or with none said.
    pub(crate) async fn rotate_key(&self, id: &str, overlap: Option<i64>) -> Result<(ApiKeyDto, String), Status> {
        let overlap = overlap.map(|seconds| prost_types::Duration { seconds, nanos: 0 });
        let request = RotateApiKeyRequest { api_key_id: Some(id.to_owned()), overlap };
        let rotated = self.api_keys().rotate_api_key(request).await?.into_inner();
        Ok((rotated.api_key.unwrap(), rotated.secret))
    }

    pub(crate) async fn revoke_key(&self, id: &str, with_descendants: bool) -> Result<ApiKeyDto, Status> {
        let request = RevokeApiKeyRequest { api_key_id: Some(id.to_owned()), with_descendants };
        Ok(self.api_keys().revoke_api_key(request).await?.into_inner().api_key.unwrap())
    }

    /// Calls what any key may call.
    pub(crate) async fn ping(&self) -> Result<(), Status> {
        self.meta().get_version(GetVersionRequest {}).await.map(drop)
    }
}

/// A key to be made, for these scopes.
pub(crate) fn for_scopes(scopes: &[&str]) -> ApiKeyDto {
    ApiKeyDto { scopes: owned(scopes), ..ApiKeyDto::default() }
}

pub(crate) fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// A key's name and nothing else.
pub(crate) fn called(name: &str) -> ApiKeyDto {
    ApiKeyDto { name: Some(name.to_owned()), ..ApiKeyDto::default() }
}

/// A key's end and nothing else.
pub(crate) fn ending(at: Timestamp) -> ApiKeyDto {
    ApiKeyDto { expires_at: Some(at), ..ApiKeyDto::default() }
}

/// The request that sets every field present.
pub(crate) fn changing(id: &str, api_key: ApiKeyDto) -> UpdateApiKeyRequest {
    UpdateApiKeyRequest { api_key_id: Some(id.to_owned()), api_key: Some(api_key), update_mask: None }
}

/// The request that sets exactly the fields of the mask.
pub(crate) fn changing_only(id: &str, api_key: ApiKeyDto, paths: &[&str]) -> UpdateApiKeyRequest {
    UpdateApiKeyRequest { update_mask: Some(prost_types::FieldMask { paths: owned(paths) }), ..changing(id, api_key) }
}

/// Asserts that there is no such key for the caller.
#[track_caller]
pub(crate) fn assert_no_key<T>(answer: Result<T, Status>) {
    assert_refused(answer, Code::NotFound, "API_KEY_NOT_FOUND");
}

/// Asserts that the key lacks this scope.
#[track_caller]
pub(crate) fn assert_denied<T>(answer: Result<T, Status>, scope: &str) {
    let refusal = assert_refused(answer, Code::PermissionDenied, "SCOPE_DENIED");
    assert_eq!(refusal.metadata["scope"], scope, "{refusal:?}");
}

/// Asserts that the key opens nothing any more, and why.
#[track_caller]
pub(crate) fn assert_ended<T>(answer: Result<T, Status>, reason: &str) {
    assert_refused(answer, Code::Unauthenticated, reason);
}
