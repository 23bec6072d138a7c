//! What ends tokens on one server ends them on all others by the next call.

use roster::proto::{UserDto, UserStatus};

use super::{GOOD, INVALID, MICROSECOND, REVOKED, USER_NOT_ACTIVE, refusal, revoke, started, token};
use crate::calls::setting;
use crate::harness::{Client, Roster};
use crate::organizations::user;
use crate::replicas::rounds;

/// So many servers on one database, each with a client that may do all.
async fn servers(count: usize) -> (Vec<Roster>, Vec<Client>) {
    let (first, client) = started().await;
    let (mut servers, mut clients) = (vec![first], vec![client]);
    while servers.len() < count {
        let other = servers[0].beside().await;
        clients.push(other.client("*").await);
        servers.push(other);
    }
    (servers, clients)
}

/// Revokes on one while another verifies; when the answer is there, all refuse.
async fn revocations_hold_everywhere(count: usize, usual: usize) {
    let (_servers, clients) = servers(count).await;
    let mut met = [0, 0];
    for round in 0..rounds(usual) {
        let [maker, ender, verifier] = [round, round + 1, round + 2].map(|index| &clients[index % count]);
        let old = token(maker, "ann").await;
        assert_eq!(refusal(verifier, &old).await, GOOD, "{round}");
        let (revoked, meanwhile) = tokio::join!(revoke(ender, "ann"), refusal(verifier, &old));
        revoked.unwrap();
        assert!([GOOD, REVOKED].contains(&meanwhile), "{round}: {meanwhile:?}");
        met[usize::from(meanwhile == REVOKED)] += 1;
        for client in &clients {
            assert_eq!(refusal(client, &old).await, REVOKED, "{round}");
        }
        let new = token(verifier, "ann").await;
        for client in &clients {
            assert_eq!(refusal(client, &new).await, GOOD, "{round}");
        }
    }
    println!("{count} servers: at the same moment {} were still good, {} revoked", met[0], met[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_revoked_on_one_server_is_refused_by_the_next_call_on_the_other() {
    revocations_hold_everywhere(2, 100).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn a_token_that_is_revoked_on_one_of_three_servers_is_refused_by_the_next_call_on_the_others() {
    revocations_hold_everywhere(3, 100).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_is_suspended_or_deleted_on_one_server_has_no_good_token_on_the_other() {
    let (servers, clients) = servers(2).await;
    let status = |status: UserStatus| setting("ann", UserDto { status: Some(status.into()), ..UserDto::default() });
    for round in 0..rounds(20) {
        let (writer, reader) = (&clients[round % 2], &clients[(round + 1) % 2]);
        let old = token(writer, "ann").await;
        writer.update(status(UserStatus::Suspended)).await.unwrap();
        assert_eq!(refusal(reader, &old).await, USER_NOT_ACTIVE);
        writer.update(status(UserStatus::Activated)).await.unwrap();
        assert_eq!(refusal(reader, &old).await, REVOKED);
        let new = token(writer, "ann").await;
        assert_eq!(refusal(reader, &new).await, GOOD);
        writer.delete("ann").await.unwrap();
        assert_eq!(refusal(reader, &new).await, INVALID);
        for server in &servers {
            server.clock.advance(MICROSECOND);
        }
        user(writer, "ann").await;
        assert_eq!(refusal(reader, &new).await, INVALID);
    }
}
