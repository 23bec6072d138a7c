//! Page tokens: what one server hands out, every other takes back.

use tonic::Code;

use super::{REPLICAS, Replicas, connected, rounds};
use crate::calls::assert_refused;
use crate::harness::Roster;
use crate::pages::{by, create_many, id, list, numbered};
use crate::races::at_once;

const USERS: usize = 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn a_list_is_gone_through_from_server_to_server() {
    let replicas = Replicas::start().await;
    create_many(&replicas.clients[0], &numbered(0..USERS)).await;
    let mut found = Vec::new();
    let mut request = by(2);
    for page in 0.. {
        let answer = list(&replicas.clients[page % REPLICAS], request.clone()).await.unwrap();
        found.extend(answer.users.into_iter().map(|user| user.user_id.unwrap()));
        if answer.next_page_token.is_empty() {
            break;
        }
        request.page_token = answer.next_page_token;
    }
    found.sort();
    assert_eq!(found, (0..USERS).map(id).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn the_first_tokens_of_all_servers_are_good_on_all_servers() {
    for _ in 0..rounds(2) {
        let before = Roster::start().await;
        before.database.execute("DELETE FROM sealing_keys").await;
        // None of these finds a key to seal with.
        let (first, second, third) = tokio::join!(before.beside(), before.beside(), before.beside());
        let secret = first.key("*", None).await.secret.expose().to_owned();
        let servers = vec![first, second, third, before];
        let clients = connected(&servers, &secret).await;
        let replicas = Replicas { servers, clients };
        create_many(&replicas.clients[0], &numbered(0..3)).await;
        let first = |index: usize| {
            let client = replicas.clients[index % REPLICAS].clone();
            async move { list(&client, by(2)).await.unwrap().next_page_token }
        };
        for token in at_once(2 * REPLICAS, first).await {
            for client in &replicas.clients {
                let mut request = by(2);
                request.page_token.clone_from(&token);
                assert_eq!(list(client, request).await.unwrap().users.len(), 1);
            }
        }
        assert_eq!(replicas.number("SELECT COUNT(*) FROM sealing_keys").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn a_token_of_a_server_on_another_database_is_refused() {
    let (replicas, stranger) = (Replicas::start().await, Roster::start().await);
    let other = stranger.client("*").await;
    for client in [&replicas.clients[0], &other] {
        create_many(client, &numbered(0..3)).await;
    }
    let mut request = by(2);
    request.page_token = list(&other, request.clone()).await.unwrap().next_page_token;
    for client in &replicas.clients {
        assert_refused(list(client, request.clone()).await, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
    }
}
