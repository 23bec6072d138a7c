//! API keys made and read: what a new key may do, that its secret is shown once, and how keys are listed.

use std::time::Duration;

use prost::Message;
use roster::proto::{ApiKeyDto, CreateApiKeyRequest, GetApiKeyRequest, ListApiKeysRequest, Timestamp};
use roster::scope::Scope;
use tonic::Code;
use uuid::Uuid;

use crate::harness::{Roster, assert_invalid, named, refused};
use crate::key_calls::{assert_denied, assert_ended, assert_no_key, called, changing, ending, for_scopes, owned};

const HOUR: Duration = Duration::from_hours(1);

fn every_scope() -> Vec<&'static str> {
    Scope::all().map(Scope::name).collect()
}

#[tokio::test]
async fn a_new_key_works_at_once_and_does_what_its_scopes_say() {
    let roster = Roster::start().await;
    let maker = roster.holder("*").await;
    let asked = ApiKeyDto { name: Some("reader".to_owned()), ..for_scopes(&["users:read"]) };
    let (created, secret) = maker.client.create_key(asked.clone()).await.unwrap();
    let id = Uuid::parse_str(created.api_key_id()).unwrap();
    assert_eq!((id.get_version_num(), id.hyphenated().to_string().as_str()), (7, created.api_key_id()));
    let expected = ApiKeyDto {
        api_key_id: created.api_key_id.clone(),
        created_at: Some(roster.clock.now()),
        created_by: Some(maker.id.clone()),
        ..asked
    };
    assert_eq!(created, expected);
    assert_eq!(maker.client.get_key(created.api_key_id()).await.unwrap(), expected);
    let client = roster.client_with_key(Some(&secret)).await;
    assert_eq!(client.get("nobody").await.unwrap_err().kind(), (Code::NotFound, "USER_NOT_FOUND"));
    assert_eq!(client.create(named("bob")).await.unwrap_err().kind(), (Code::PermissionDenied, "SCOPE_DENIED"));
}

#[tokio::test]
async fn a_secret_is_shown_once() {
    let roster = Roster::start().await;
    let maker = roster.holder("*").await;
    let (created, first) = maker.client.create_key(for_scopes(&["*"])).await.unwrap();
    let id = created.api_key_id();
    let (rotated, second) = maker.client.rotate_key(id, None).await.unwrap();
    let updated = maker.client.update_key(changing(id, called("other"))).await.unwrap();
    let read = maker.client.get_key(id).await.unwrap();
    let own = roster.client_with_key(Some(&second)).await.own_key().await.unwrap();
    let (listed, ..) = maker.client.list_keys(ListApiKeysRequest::default()).await.unwrap();
    let revoked = maker.client.revoke_key(id, true).await.unwrap();
    let refusal = format!("{:?}", refused(roster.client_with_key(Some(&first)).await.own_key().await));
    let mut shown = refusal.into_bytes();
    for answer in listed.iter().chain([&created, &rotated, &updated, &read, &own, &revoked]) {
        shown.extend(answer.encode_to_vec());
    }
    for file in std::fs::read_dir(roster.directory.path()).unwrap() {
        shown.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    for secret in [&first, &second] {
        let told = secret.rsplit('_').next().unwrap().as_bytes();
        assert!(!shown.windows(told.len()).any(|window| window == told), "{secret} is in an answer or in the database");
    }
}

#[tokio::test]
async fn a_secret_is_not_printed() {
    let roster = Roster::start().await;
    let client = roster.client("*").await;
    let request = CreateApiKeyRequest { api_key: Some(called("printed")) };
    let answer = client.api_keys().create_api_key(request).await.unwrap().into_inner();
    let (printed, told) = (format!("{answer:?}"), answer.secret.rsplit('_').next().unwrap());
    assert!(printed.contains("secret") && !printed.contains(told), "{printed}");
}

#[tokio::test]
async fn each_unknown_scope_is_told_by_its_place() {
    let roster = Roster::start().await;
    let client = roster.client("*").await;
    let scopes = ["users:read", "users:fly", "", "USERS:READ", "users:read users:write", " users:read", "**", "users:", "*"];
    let answer = client.create_key(for_scopes(&scopes)).await;
    let unknown = (1..8).map(|index| format!("api_key.scopes[{index}]")).collect::<Vec<_>>();
    assert_invalid(answer, &unknown.iter().map(String::as_str).collect::<Vec<_>>());
    assert_invalid(client.create_key(for_scopes(&["users:read"; 33])).await, &["api_key.scopes"]);
    assert_eq!(roster.all_keys().await.len(), 2, "nothing was made");
}

#[tokio::test]
async fn every_scope_can_be_given_alone_together_and_twice() {
    let roster = Roster::start().await;
    let client = roster.client("*").await;
    for scope in every_scope().into_iter().chain(["*"]) {
        assert_eq!(client.create_key(for_scopes(&[scope])).await.unwrap().0.scopes, [scope]);
    }
    let all = every_scope();
    assert_eq!(client.create_key(for_scopes(&all)).await.unwrap().0.scopes, all);
    let twice = for_scopes(&["keys:manage", "users:read", "keys:manage"]);
    assert_eq!(client.create_key(twice).await.unwrap().0.scopes, ["users:read", "keys:manage"], "in the contract's order");
}

#[tokio::test]
async fn a_key_for_everything_can_do_everything_and_give_it() {
    let roster = Roster::start().await;
    let child = roster.child(&roster.holder("*").await, &["*"]).await;
    let grandchild = roster.child(&child, &["*"]).await;
    grandchild.client.create(named("bob")).await.unwrap();
    assert_eq!(grandchild.client.own_key().await.unwrap().scopes, ["*"]);
}

#[tokio::test]
async fn a_key_without_scopes_can_do_what_any_key_may_and_nothing_else() {
    let roster = Roster::start().await;
    let none = roster.child(&roster.holder("*").await, &[]).await;
    let client = &none.client;
    client.ping().await.unwrap();
    client.meta().get_limits(roster::proto::GetLimitsRequest {}).await.unwrap();
    let own = client.own_key().await.unwrap();
    assert_eq!((own.api_key_id(), own.scopes.len()), (none.id.as_str(), 0));
    client.rotate_key(&none.id, None).await.unwrap();
    assert_denied(client.get_key(&none.id).await, "keys:manage");
    assert_denied(client.list_keys(ListApiKeysRequest::default()).await, "keys:manage");
    assert_denied(client.create_key(ApiKeyDto::default()).await, "keys:manage");
    assert_denied(client.update_key(changing(&none.id, called("x"))).await, "keys:manage");
    assert_denied(client.revoke_key(&none.id, false).await, "keys:manage");
    assert_eq!(client.get("nobody").await.unwrap_err().kind(), (Code::PermissionDenied, "SCOPE_DENIED"));
}

#[tokio::test]
async fn a_scope_that_the_maker_lacks_cannot_be_given() {
    let roster = Roster::start().await;
    let all = every_scope().join(",");
    for (held, asked, lacked) in [
        ("keys:manage", &["users:exists"][..], "users:exists"),
        ("keys:manage,users:read", &["users:read", "users:write"], "users:write"),
        ("keys:manage,users:write", &["users:password"], "users:password"),
        ("keys:manage,groups:read", &["keys:manage", "groups:write"], "groups:write"),
        ("keys:manage", &["*"], "*"),
        (all.as_str(), &["*"], "*"),
        (all.as_str(), &["users:read", "*"], "*"),
    ] {
        let client = roster.client(held).await;
        assert_denied(client.create_key(for_scopes(asked)).await, lacked);
        // What else is wrong is not told to whoever lacks the scope.
        let worse = ApiKeyDto { revoked_at: Some(roster.clock.now()), ..for_scopes(asked) };
        assert_denied(client.create_key(worse).await, lacked);
    }
    assert!(roster.all_keys().await.iter().all(|key| key.created_by.is_none()), "nothing was made");
}

#[tokio::test]
async fn what_a_scope_includes_can_be_given() {
    let roster = Roster::start().await;
    for (held, included) in [
        ("users:write", &["users:write", "users:read", "users:exists"][..]),
        ("users:read", &["users:exists"]),
        ("groups:write", &["groups:read"]),
        ("roles:write", &["roles:read"]),
        ("organizations:write", &["organizations:read"]),
        ("identities:write", &["identities:read"]),
    ] {
        let client = roster.client(&format!("keys:manage,{held}")).await;
        for scope in included {
            assert_eq!(client.create_key(for_scopes(&[scope])).await.unwrap().0.scopes, [*scope]);
        }
    }
}

#[tokio::test]
async fn a_new_key_ends_with_its_maker_unless_it_is_to_end_sooner() {
    let roster = Roster::start().await;
    let own = roster.clock.now().plus(2 * HOUR);
    let maker = roster.holder_until("*", Some(own)).await;
    let sooner = roster.clock.now().plus(HOUR);
    assert_eq!(maker.client.create_key(ApiKeyDto::default()).await.unwrap().0.expires_at, Some(own));
    assert_eq!(maker.client.create_key(ending(own)).await.unwrap().0.expires_at, Some(own));
    let (created, secret) = maker.client.create_key(ending(sooner)).await.unwrap();
    assert_eq!(created.expires_at, Some(sooner));
    let client = roster.client_with_key(Some(&secret)).await;
    client.ping().await.unwrap();
    roster.clock.advance(HOUR);
    assert_ended(client.ping().await, "API_KEY_EXPIRED");
}

#[tokio::test]
async fn a_new_key_cannot_outlive_its_maker() {
    let roster = Roster::start().await;
    let own = roster.clock.now().plus(HOUR);
    let client = roster.holder_until("*", Some(own)).await.client;
    for later in [own.plus(Duration::from_micros(1)), own.plus(1_000_000 * HOUR)] {
        assert_invalid(client.create_key(ending(later)).await, &["api_key.expires_at"]);
    }
    let lasting = roster.client("*").await;
    assert_eq!(lasting.create_key(ApiKeyDto::default()).await.unwrap().0.expires_at, None);
    let far = Timestamp { seconds: 253_402_300_799, nanos: 0 };
    assert_eq!(lasting.create_key(ending(far)).await.unwrap().0.expires_at, Some(far));
}

#[tokio::test]
async fn what_the_server_sets_is_refused_in_a_new_key() {
    let roster = Roster::start().await;
    let now = Some(roster.clock.now());
    let id = || Some("0190c0ff-ee00-7000-8000-000000000001".to_owned());
    let sent = ApiKeyDto {
        api_key_id: id(),
        created_by: id(),
        created_at: now,
        last_used_at: now,
        revoked_at: now,
        ..ApiKeyDto::default()
    };
    let fields = ["api_key_id", "created_at", "created_by", "last_used_at", "revoked_at"].map(|name| format!("api_key.{name}"));
    let client = roster.client("*").await;
    assert_invalid(client.create_key(sent).await, &fields.each_ref().map(String::as_str));
}

#[tokio::test]
async fn what_is_wrong_with_a_new_key_is_told_at_once() {
    let roster = Roster::start().await;
    let client = roster.client("*").await;
    assert_invalid(client.api_keys().create_api_key(CreateApiKeyRequest { api_key: None }).await, &["api_key"]);
    for name in ["a\nb", "a\0", "\u{202e}x", &"é".repeat(257)] {
        assert_invalid(client.create_key(called(name)).await, &["api_key.name"]);
    }
    let never = Timestamp { seconds: 253_402_300_800, nanos: 0 };
    let worst = ApiKeyDto { scopes: owned(&["x"]), ..ApiKeyDto { name: Some("\t".to_owned()), ..ending(never) } };
    let mut fields = refused(client.create_key(worst).await).violations.into_iter().map(|(field, _)| field).collect::<Vec<_>>();
    fields.sort_unstable();
    assert_eq!(fields, ["api_key.expires_at", "api_key.name", "api_key.scopes[0]"]);
    for name in ["x", &"é".repeat(256), "密钥 مفتاح"] {
        assert_eq!(client.create_key(called(name)).await.unwrap().0.name(), name);
    }
    assert_eq!(client.create_key(ApiKeyDto::default()).await.unwrap().0.name, None);
}

#[tokio::test]
async fn a_key_tells_who_made_it() {
    let roster = Roster::start().await;
    let root = roster.holder("*").await;
    let child = roster.child(&root, &["*"]).await;
    let grandchild = roster.child(&child, &["users:read"]).await;
    let maker = async |id: &str| root.client.get_key(id).await.unwrap().created_by;
    assert_eq!(maker(&root.id).await, None, "made at the command line");
    assert_eq!(maker(&child.id).await, Some(root.id.clone()));
    assert_eq!(maker(&grandchild.id).await, Some(child.id.clone()));
    child.client.rotate_key(&grandchild.id, None).await.unwrap();
    root.client.update_key(changing(&grandchild.id, called("other"))).await.unwrap();
    assert_eq!(maker(&grandchild.id).await, Some(child.id), "also after others have changed it");
}

#[tokio::test]
async fn a_key_is_read_by_its_id() {
    let roster = Roster::start().await;
    let holder = roster.holder("keys:manage").await;
    assert_eq!(holder.client.get_key(&holder.id).await.unwrap(), holder.client.own_key().await.unwrap());
    for unknown in ["0190c0ff-ee00-7000-8000-000000000001", &holder.id.to_uppercase(), "%", &holder.secret, &"x".repeat(256)] {
        assert_no_key(holder.client.get_key(unknown).await);
    }
    for bad in [None, Some(String::new()), Some("x".repeat(257))] {
        let request = GetApiKeyRequest { api_key_id: bad };
        assert_invalid(holder.client.api_keys().get_api_key(request).await, &["api_key_id"]);
    }
}

#[tokio::test]
async fn whoever_calls_can_read_the_own_key() {
    let roster = Roster::start().await;
    for scopes in ["", "users:exists", "keys:manage", "*"] {
        let holder = roster.holder_until(scopes, Some(roster.clock.now().plus(HOUR))).await;
        let expected = roster.all_keys().await.into_iter().find(|key| key.api_key_id() == holder.id);
        assert_eq!(Some(holder.client.own_key().await.unwrap()), expected, "{scopes}");
    }
}

#[tokio::test]
async fn when_a_key_was_last_used_is_told() {
    let roster = Roster::start().await;
    let reader = roster.holder("*").await;
    let (used, unused) = (roster.holder("").await, roster.holder("").await);
    roster.clock.advance(HOUR);
    let at = roster.clock.now();
    used.client.ping().await.unwrap();
    roster.clock.advance(HOUR);
    roster.store.flush_last_used().await;
    assert_eq!(reader.client.get_key(&used.id).await.unwrap().last_used_at, Some(at));
    assert_eq!(reader.client.get_key(&unused.id).await.unwrap().last_used_at, None);
    roster.clock.advance(HOUR);
    let at = roster.clock.now();
    let (_, rotated) = used.client.rotate_key(&used.id, None).await.unwrap();
    roster.store.flush_last_used().await;
    assert_eq!(reader.client.get_key(&used.id).await.unwrap().last_used_at, Some(at));
    roster.clock.advance(HOUR);
    roster.client_with_key(Some(&rotated)).await.ping().await.unwrap();
    roster.store.flush_last_used().await;
    let own = used.client.own_key().await.unwrap();
    assert_eq!(own.last_used_at, Some(roster.clock.now()), "whichever secret was used");
}
