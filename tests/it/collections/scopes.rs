//! What a key may do with groups and roles: its scopes decide before anything is looked at.

use tonic::Code;

use super::{Answer, Ask, Holding, Kind, Show, add, begun, both, coded, made, setting, users};
use crate::calls::assert_refused;
use crate::harness::Client;

both![
    a_list_of_members_needs_both_scopes,
    reading_does_not_open_writing,
    writing_opens_reading,
    without_the_scope_a_caller_learns_nothing,
];

#[track_caller]
fn assert_denied<T>(answer: Answer<T>, scope: &str) {
    let refusal = assert_refused(answer, Code::PermissionDenied, "SCOPE_DENIED");
    assert_eq!(refusal.metadata["scope"], scope);
    assert!(refusal.message.contains(scope) && refusal.violations.is_empty(), "{refusal:?}");
}

async fn a_list_of_members_needs_both_scopes<K: Kind>() {
    let (roster, client) = begun().await;
    users(&client, &[]).await;
    made::<K>(&client, &["eng"]).await;
    add::<K>(&client, "eng", &["bob-1"]).await;
    let (read, write) = (format!("{}:read", K::PLURAL), format!("{}:write", K::PLURAL));
    for (scopes, lacking) in [
        (read.clone(), Some("users:read")),
        (write.clone(), Some("users:read")),
        (format!("{write},users:exists,users:verify"), Some("users:read")),
        ("users:read".to_owned(), Some(read.as_str())),
        ("users:write".to_owned(), Some(&read)),
        (format!("{read},users:read"), None),
        (format!("{write},users:write"), None),
    ] {
        let caller = roster.client(&scopes).await;
        for code in [Some("eng"), Some("ops"), None] {
            let answer = K::members(&caller, code, Ask::default(), Show::default()).await;
            match lacking {
                Some(scope) => assert_denied(answer, scope),
                None if code == Some("eng") => assert_eq!(answer.unwrap().items.len(), 1),
                None => assert!(answer.is_err()),
            }
        }
    }
}

/// All that changes something, done to `eng` and Bob.
async fn writes<K: Kind>(client: &Client) -> [Answer<()>; 7] {
    let ids = || vec!["bob-1".to_owned()];
    [
        K::create(client, Some(coded("new"))).await.map(drop),
        K::update(client, setting("eng", coded("eng"))).await.map(drop),
        K::change_members(client, Holding::Add, Some("eng"), ids(), 0).await.map(drop),
        K::change_members(client, Holding::Remove, Some("eng"), ids(), 0).await.map(drop),
        K::hold(client, Holding::Add, Some("bob-1"), 0, "eng").await,
        K::hold(client, Holding::Remove, Some("bob-1"), 0, "eng").await,
        K::delete(client, Some("eng"), None).await,
    ]
}

/// All that only reads, but the list of members.
async fn reads<K: Kind>(client: &Client) -> [Answer<()>; 3] {
    [
        K::get(client, Some("eng")).await.map(drop),
        K::list(client, Ask::default()).await.map(drop),
        K::of_user(client, Some("bob-1"), 0, Ask::default()).await.map(drop),
    ]
}

async fn reading_does_not_open_writing<K: Kind>() {
    let (roster, client) = begun().await;
    users(&client, &[]).await;
    made::<K>(&client, &["eng"]).await;
    let other = if K::PLURAL == "groups" { "roles" } else { "groups" };
    let caller = roster.client(&format!("{}:read,{other}:write,users:write", K::PLURAL)).await;
    for answer in writes::<K>(&caller).await {
        assert_denied(answer, &format!("{}:write", K::PLURAL));
    }
    for answer in reads::<K>(&caller).await {
        answer.unwrap();
    }
}

async fn writing_opens_reading<K: Kind>() {
    let (roster, client) = begun().await;
    users(&client, &[]).await;
    made::<K>(&client, &["eng"]).await;
    let caller = roster.client(&format!("{}:write", K::PLURAL)).await;
    for answer in reads::<K>(&caller).await.into_iter().chain(writes::<K>(&caller).await) {
        answer.unwrap();
    }
}

async fn without_the_scope_a_caller_learns_nothing<K: Kind>() {
    let (roster, client) = begun().await;
    users(&client, &[]).await;
    let other = if K::PLURAL == "groups" { "roles" } else { "groups" };
    let caller = roster.client(&format!("{other}:write,users:write,keys:manage")).await;
    for there in [false, true] {
        if there {
            made::<K>(&client, &["eng", "new"]).await;
        }
        for answer in writes::<K>(&caller).await {
            assert_denied(answer, &format!("{}:write", K::PLURAL));
        }
        for answer in reads::<K>(&caller).await {
            assert_denied(answer, &format!("{}:read", K::PLURAL));
        }
    }
}
