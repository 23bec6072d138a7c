//! Posts: how requests name one, and who holds which.

use crate::limits;
use crate::proto::reflect::Reflect;
use crate::proto::{SetUserPostsRequest, SetUserPostsResponse};
use crate::rpc::reply::Reply;
use crate::rpc::resources::Named;
use crate::rpc::{Call, collections, identifiers, write};
use crate::store::posts::{Posts, SetPosts};
use crate::store::{Located, Store, Tenant};
use crate::validate::Violations;

impl Named for Posts {
    fn key(request: &impl Reflect, tenant: &Tenant, violations: &mut Violations) -> Option<Located> {
        identifiers::located("post_id", request, tenant, violations)
    }
}

/// Gives the user the posts of the request, and no others of its level.
pub(super) async fn set_of_user(store: &Store, call: Call<SetUserPostsRequest>) -> Reply<SetUserPostsResponse> {
    let Call { message, mut violations, caller, context, .. } = call;
    let holder = collections::holder(&message, store, &caller, &mut violations);
    let post_ids = if message.post_ids.is_empty() {
        Vec::new()
    } else {
        identifiers::codes("post_ids", &message.post_ids, limits::BATCH_ITEMS, &mut violations)
    };
    let set = SetPosts { holder: violations.none_or_some(holder)?, post_ids };
    write(store, context, set, |post_ids| SetUserPostsResponse { post_ids }).await
}
