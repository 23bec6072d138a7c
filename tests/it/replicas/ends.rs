//! Something ends on one server while others build on it: nothing is left that hangs on what is gone.

use std::time::Duration;

use sea_orm::{ConnectionTrait, TransactionTrait};
use tonic::{Code, Status};

use super::{REPLICAS, Replicas, is_conflict, repeated, rounds};
use crate::calls::{bob, creating};
use crate::collections::{Groups, Kind, Roles, codes_of, made, member_ids};
use crate::harness::database::statement;
use crate::harness::{Client, Refusal};
use crate::key_calls::{assert_ended, for_scopes};
use crate::membership_races::join;
use crate::races::at_once;

/// Memberships of users, groups or roles that are gone.
const DANGLING: &str = "SELECT COUNT(*) FROM group_members WHERE user_id NOT IN (SELECT user_id FROM users) \
                        OR group_id NOT IN (SELECT group_id FROM groups)";
/// Good keys that a revoked key has made.
const ORPHANS: &str = "SELECT COUNT(*) FROM api_keys AS child JOIN api_keys AS maker ON child.created_by = maker.api_key_id \
                       WHERE maker.revoked_at IS NOT NULL AND child.revoked_at IS NULL";
/// How many keys one makes at most before another is revoked.
const MANY_KEYS: usize = 5_000;
/// How many act at a time, one of whom deletes.
const CALLERS: usize = 6;

/// One deletes Bob while all others put him into a group: how many joined, and how many came too late.
async fn a_user_goes_while_joining<K: Kind>(replicas: &Replicas, round: usize) -> (usize, usize) {
    repeated(|| async { replicas.clients[0].users().create_user(creating(bob())).await }).await.unwrap();
    let act = |index: usize| {
        let client = replicas.clients[index % REPLICAS].clone();
        async move {
            if index == round % CALLERS {
                repeated(|| client.delete("bob-1")).await.unwrap();
                return None;
            }
            Some(join::<K>(&client, index).await)
        }
    };
    let (mut joined, mut late) = (0, 0);
    for answer in at_once(CALLERS, act).await.into_iter().flatten() {
        match answer {
            Ok(()) => joined += 1,
            Err(status) if is_conflict(&status) => {}
            Err(status) => {
                assert_eq!(Refusal::from(status).kind(), (Code::NotFound, "USER_NOT_FOUND"));
                late += 1;
            }
        }
    }
    (joined, late)
}

async fn a_deleted_user_is_in_nothing<K: Kind>(replicas: Replicas, usual: usize) {
    made::<K>(&replicas.clients[0], &["eng"]).await;
    let (mut joined, mut late) = (0, 0);
    for round in 0..rounds(usual) {
        let (more_joined, more_late) = a_user_goes_while_joining::<K>(&replicas, round).await;
        (joined, late) = (joined + more_joined, late + more_late);
        assert!(member_ids::<K>(&replicas.clients[round % REPLICAS], "eng").await.is_empty());
        assert_eq!(replicas.number(DANGLING).await, 0);
    }
    assert!(joined > 0 && late > 0, "{joined} joined, {late} came too late: nobody was in anybody's way");
    replicas.clients[0].create(bob()).await.unwrap();
    assert!(codes_of::<K>(&replicas.clients[1], "bob-1").await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn a_user_deleted_on_one_server_is_left_in_no_group_whoever_joins_on_others() {
    a_deleted_user_is_in_nothing::<Groups>(Replicas::start().await, 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn a_user_deleted_on_one_server_is_left_in_no_role_whoever_joins_on_others() {
    a_deleted_user_is_in_nothing::<Roles>(Replicas::start().await, 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn a_user_deleted_on_one_server_is_left_in_no_group_where_all_is_serializable() {
    a_deleted_user_is_in_nothing::<Groups>(Replicas::start_serializable().await, 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn without_the_foreign_key_a_membership_would_be_left() {
    let replicas = Replicas::start().await;
    replicas.servers[0].damage();
    made::<Groups>(&replicas.clients[0], &["eng"]).await;
    let unguard = "ALTER TABLE group_members DROP CONSTRAINT group_members_user_id_fkey; \
                   CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS \
                   'BEGIN DELETE FROM group_members WHERE user_id = OLD.user_id; RETURN OLD; END'; \
                   CREATE TRIGGER tidy BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION tidy()";
    replicas.servers[0].database.execute(unguard).await;
    for round in 0..500 {
        a_user_goes_while_joining::<Groups>(&replicas, round).await;
        if replicas.number(DANGLING).await > 0 {
            return;
        }
    }
    panic!("what keeps memberships sound is not the foreign key");
}

/// A key makes keys for as long as it may: how many it made, and why it made no more.
async fn make_keys(client: Client) -> (usize, Status) {
    for made in 0..MANY_KEYS {
        let create = || client.create_key(for_scopes(&["users:read"]));
        if let Err(status) = repeated(create).await {
            return (made, status);
        }
    }
    panic!("a key that is to be revoked has made {MANY_KEYS} keys meanwhile")
}

async fn no_descendant_is_left(replicas: Replicas, usual: usize) {
    let mut made = 0;
    for round in 0..rounds(usual) {
        let root = replicas.servers[0].holder("keys:manage,users:read").await;
        let child = replicas.servers[1].child(&root, &["keys:manage", "users:read"]).await;
        let roots = replicas.clients_with(&root.secret).await;
        let children = replicas.clients_with(&child.secret).await;
        // One revokes on one server, while its key and the key that this one made make keys on the others.
        let act = |index: usize| {
            let (revoker, root_id) = (replicas.clients[round % REPLICAS].clone(), root.id.clone());
            let clients = if index.is_multiple_of(2) { &roots } else { &children };
            let client = clients[(round + 1 + index) % REPLICAS].clone();
            async move {
                if index < 4 {
                    return Some(make_keys(client).await);
                }
                tokio::time::sleep(Duration::from_millis(2 * (round as u64 % 8))).await;
                repeated(|| revoker.revoke_key(&root_id, true)).await.unwrap();
                None
            }
        };
        for (keys, status) in at_once(5, act).await.into_iter().flatten() {
            made += keys;
            assert_ended::<()>(Err(status), "API_KEY_REVOKED");
        }
        assert_eq!(replicas.number(ORPHANS).await, 0, "{round}");
    }
    assert!(made > 0, "nobody was in anybody's way");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn a_key_revoked_with_all_it_made_leaves_nothing_that_it_makes_on_other_servers() {
    no_descendant_is_left(Replicas::start().await, 12).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn a_key_revoked_with_all_it_made_leaves_nothing_where_all_is_serializable() {
    no_descendant_is_left(Replicas::start_serializable().await, 5).await;
}

#[tokio::test]
#[ignore = "on PostgreSQL alone"]
async fn without_the_lock_of_the_maker_a_good_key_of_a_revoked_one_would_be_left() {
    let replicas = Replicas::start().await;
    let (root, database) = (replicas.servers[0].holder("keys:manage").await, &replicas.servers[0].database);
    // What makes a key looks first, and writes when the other has ended: it does not lock what it has seen.
    let own = database.connect().await;
    let making = own.begin().await.unwrap();
    let good = format!("SELECT 1 FROM api_keys WHERE api_key_id = '{}' AND revoked_at IS NULL", root.id);
    assert!(making.query_one_raw(statement(&good)).await.unwrap().is_some());
    replicas.clients[1].revoke_key(&root.id, true).await.unwrap();
    let make = format!(
        "INSERT INTO api_keys (api_key_id, name, scopes, created_at, created_by) VALUES ('late', 'late', '', 1, '{}')",
        root.id
    );
    making.execute_unprepared(&make).await.unwrap();
    making.commit().await.unwrap();
    assert_eq!(replicas.number(ORPHANS).await, 1);
    replicas.servers[0].damage();
}
