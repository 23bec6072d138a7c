//! Users by the batch: read, created and deleted, `results[i]` answering item i.

mod create;
mod create_atomic;
mod delete;
mod get;
mod sizes;

use roster::proto::{BatchCreateUsersItem, BatchCreateUsersRequest, BatchCreateUsersResult, UserDto};
use tonic::Status;

use crate::custom_data::object;
use crate::dto::texts;
use crate::existence::row_error;
use crate::harness::{Client, Refusal};

/// Creates the users, each for itself or all at once.
pub(crate) async fn create(client: &Client, users: &[UserDto], atomic: bool) -> Result<Vec<BatchCreateUsersResult>, Status> {
    let users = users.iter().map(|user| BatchCreateUsersItem { user: Some(user.clone()), ..Default::default() }).collect();
    Ok(client.users().batch_create_users(BatchCreateUsersRequest { users, atomic }).await?.into_inner().results)
}

/// The ids of those that were created, or why they were not.
pub(crate) fn outcomes(results: Vec<BatchCreateUsersResult>) -> Vec<Result<String, Box<Refusal>>> {
    let outcome = |result: BatchCreateUsersResult| {
        if let Some(error) = result.error {
            assert_eq!((result.user_id, result.etag), (None, None));
            return Err(Box::new(row_error(error)));
        }
        assert!(result.etag.is_some_and(|etag| !etag.is_empty()));
        Ok(result.user_id.unwrap())
    };
    results.into_iter().map(outcome).collect()
}

/// How many users there are.
async fn count(client: &Client) -> i32 {
    client.users().list_users(roster::proto::ListUsersRequest::default()).await.unwrap().into_inner().total_count.unwrap()
}

/// A user with nearly as much custom data as there may be.
pub(crate) fn large(id: &str) -> UserDto {
    let data = object([("text", "x".repeat(63 * 1024).into())]);
    UserDto { custom_data: Some(data), ..texts(&[("user_id", id), ("username", id)]) }
}
