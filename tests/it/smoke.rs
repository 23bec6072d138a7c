//! The shortest way through everything.

use crate::harness::{Roster, named};

#[tokio::test]
async fn a_user_is_created_and_found() {
    let roster = Roster::start().await;
    let client = roster.client("users:write").await;
    let created = client.create(named("bob")).await.unwrap();
    assert_eq!(client.get(created.user_id.as_deref().unwrap()).await.unwrap(), created);
    roster.stop().await.unwrap();
}
