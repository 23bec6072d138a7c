//! What a caller may do is taken away on one server: it is gone on all others with the very next call.

use roster::proto::HasAnyRoleRequest;

use super::{REPLICAS, Replicas, rounds};
use crate::calls::bob;
use crate::collections::{Holding, Kind, Roles, made};
use crate::harness::Client;
use crate::key_calls::assert_ended;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn a_key_that_is_revoked_on_one_server_is_refused_by_the_next_call_on_the_others() {
    let replicas = Replicas::start().await;
    for round in 0..rounds(100) {
        let key = replicas.servers[round % REPLICAS].key("users:read", None).await;
        let clients = replicas.clients_with(key.secret.expose()).await;
        // All of them know it as a good one.
        for client in &clients {
            client.ping().await.unwrap();
        }
        let revoker = round % REPLICAS;
        replicas.clients[revoker].revoke_key(key.api_key.api_key_id(), false).await.unwrap();
        for other in 1..=REPLICAS {
            assert_ended(clients[(revoker + other) % REPLICAS].ping().await, "API_KEY_REVOKED");
        }
    }
}

async fn holds(client: &Client, code: &str) -> bool {
    let request =
        HasAnyRoleRequest { user_id: Some("bob-1".to_owned()), role_codes: vec![code.to_owned()], ..Default::default() };
    client.roles().has_any_role(request).await.unwrap().into_inner().has_any_role
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn a_role_that_is_taken_on_one_server_is_not_held_on_the_others() {
    let replicas = Replicas::start().await;
    replicas.clients[0].create(bob()).await.unwrap();
    made::<Roles>(&replicas.clients[0], &["admin", "reader"]).await;
    Roles::hold(&replicas.clients[0], Holding::Add, Some("bob-1"), 0, "reader").await.unwrap();
    for round in 0..rounds(100) {
        for (holding, expected) in [(Holding::Add, true), (Holding::Remove, false)] {
            let changer = round % REPLICAS;
            Roles::hold(&replicas.clients[changer], holding, Some("bob-1"), 0, "admin").await.unwrap();
            for other in 1..=REPLICAS {
                let client = &replicas.clients[(changer + other) % REPLICAS];
                assert_eq!(holds(client, "admin").await, expected, "{round}");
            }
        }
    }
    assert!(holds(&replicas.clients[1], "reader").await, "another role stays");
}
