//! The codes of groups and roles on every read of users.

use roster::proto::find_user_request::By;
use roster::proto::{
    BatchGetUsersItem, BatchGetUsersRequest, FindUserRequest, GetUserRequest, ListUsersRequest, SearchUsersRequest, UserDto,
};
use tonic::Code;

use super::{Answer, Ask, Groups, Kind, Roles, Show, add, begun, both, made, setting, users};
use crate::calls::{assert_refused, masking};
use crate::dto::texts;
use crate::harness::{Client, assert_invalid};

both![codes_are_shown_sorted_where_they_are_asked_for, users_are_changed_without_their_codes];

/// Bob by every read of users there is, in a group and a role of this code.
async fn reads(client: &Client, code: &str, show: Show) -> Vec<(&'static str, Answer<UserDto>)> {
    let Show { custom_data: with_custom_data, groups: with_groups, roles: with_roles } = show;
    let user_id = Some("bob-1".to_owned());
    let get = GetUserRequest { user_id: user_id.clone(), with_custom_data, with_groups, with_roles, ..Default::default() };
    let by = Some(By::Username("bob".to_owned()));
    let find = FindUserRequest { by, with_custom_data, with_groups, with_roles, ..Default::default() };
    let users = vec![BatchGetUsersItem { user_id, user_id_type: 0 }];
    let batch = BatchGetUsersRequest { users, with_custom_data, with_groups, with_roles, ..Default::default() };
    let list = ListUsersRequest { with_custom_data, with_groups, with_roles, ..Default::default() };
    let query = Some("bob".to_owned());
    let search = SearchUsersRequest { query, with_custom_data, with_groups, with_roles, ..Default::default() };
    let mut service = client.users();
    let bob = |users: Vec<UserDto>| users.into_iter().find(|user| user.user_id() == "bob-1").unwrap();
    let got = service.get_user(get).await.map(|answer| answer.into_inner().user.unwrap());
    let found = service.find_user(find).await.map(|answer| answer.into_inner().user.unwrap());
    let batch = service.batch_get_users(batch).await.map(|answer| answer.into_inner().results[0].user.clone().unwrap());
    let listed = service.list_users(list).await.map(|answer| bob(answer.into_inner().users));
    let searched = service.search_users(search).await.map(|answer| bob(answer.into_inner().users));
    let in_group = Groups::members(client, Some(code), Ask::default(), show).await.map(|page| bob(page.items));
    let with_role = Roles::members(client, Some(code), Ask::default(), show).await.map(|page| bob(page.items));
    vec![
        ("GetUser", got),
        ("FindUser", found),
        ("BatchGetUsers", batch),
        ("ListUsers", listed),
        ("SearchUsers", searched),
        ("ListGroupMembers", in_group),
        ("ListRoleMembers", with_role),
    ]
}

/// Bob, Ann and Cat in groups and roles of many codes, Ann in one only, Cat in none.
async fn peopled(client: &Client, codes: &[&str]) {
    users(client, &["ann", "cat"]).await;
    made::<Groups>(client, codes).await;
    made::<Roles>(client, codes).await;
    for code in codes {
        add::<Groups>(client, code, &["bob-1"]).await;
        add::<Roles>(client, code, &["bob-1"]).await;
    }
    add::<Groups>(client, codes[0], &["ann"]).await;
    add::<Roles>(client, codes[0], &["ann"]).await;
}

async fn codes_are_shown_sorted_where_they_are_asked_for<K: Kind>() {
    let (_roster, client) = begun().await;
    let mut codes = ["m", "b", "a-b", "B", "0", "a.b", "_", "z", "aa", "a", "10", "9"];
    peopled(&client, &codes).await;
    codes.sort_unstable();
    for (read, bob) in reads(&client, "m", Show::default()).await {
        let bob = bob.unwrap();
        assert!(bob.group_codes.is_empty() && bob.role_codes.is_empty(), "{read}");
    }
    for (read, bob) in reads(&client, "m", K::SHOWN).await {
        let bob = bob.unwrap();
        assert_eq!(
            (K::codes(&bob), bob.group_codes.len() + bob.role_codes.len()),
            (&codes.map(String::from)[..], 12),
            "{read}"
        );
    }
    let all = Show { custom_data: true, groups: true, roles: true };
    for (read, bob) in reads(&client, "m", all).await {
        let bob = bob.unwrap();
        assert_eq!(
            (bob.group_codes, bob.role_codes),
            (codes.map(String::from).into(), codes.map(String::from).into()),
            "{read}"
        );
    }
    // Each on a page has their own.
    let list = ListUsersRequest { with_groups: K::SHOWN.groups, with_roles: K::SHOWN.roles, ..Default::default() };
    let listed = client.users().list_users(list).await.unwrap().into_inner().users;
    let counts: std::collections::BTreeMap<_, _> = listed.iter().map(|user| (user.user_id(), K::codes(user).len())).collect();
    assert_eq!(counts, [("ann", 1), ("bob-1", 12), ("cat", 0)].into());
    // A new code is shown from the next read on.
    K::update(&client, setting("b", super::coded("renamed"))).await.unwrap();
    for (read, bob) in reads(&client, "m", K::SHOWN).await {
        let bob = bob.unwrap();
        assert!(K::codes(&bob).contains(&"renamed".to_owned()) && !K::codes(&bob).contains(&"b".to_owned()), "{read}");
    }
}

async fn users_are_changed_without_their_codes<K: Kind>() {
    let (_roster, client) = begun().await;
    peopled(&client, &["m", "a"]).await;
    let show = GetUserRequest { user_id: Some("bob-1".to_owned()), with_groups: true, with_roles: true, ..Default::default() };
    let read = client.users().get_user(show.clone()).await.unwrap().into_inner().user.unwrap();
    // What was read, with other codes, sent back under a mask: the codes are not looked at.
    let other = vec!["cooks".to_owned()];
    let back = UserDto { nickname: Some("B".to_owned()), group_codes: other.clone(), role_codes: other, ..read.clone() };
    let updated = client.update(masking("bob-1", back.clone(), &["nickname"])).await.unwrap();
    assert!(updated.group_codes.is_empty() && updated.role_codes.is_empty());
    let field = format!("{}_codes", K::NAME);
    assert_invalid(client.update(masking("bob-1", back, &[&field])).await, &["update_mask"]);
    let mut named = texts(&[("nickname", "C")]);
    *(if K::SHOWN.groups { &mut named.group_codes } else { &mut named.role_codes }) = vec!["m".to_owned()];
    let field = format!("user.{field}");
    assert_invalid(client.update(crate::calls::setting("bob-1", named.clone())).await, &[&field]);
    let named = UserDto { username: Some("new".to_owned()), ..named };
    assert_invalid(client.users().create_user(crate::calls::creating(named)).await, &[&field]);
    let read = client.users().get_user(show).await.unwrap().into_inner().user.unwrap();
    assert_eq!((read.nickname(), K::codes(&read)), ("B", &["a".to_owned(), "m".to_owned()][..]));
}

#[tokio::test]
async fn codes_need_the_scope_that_reads_them() {
    let (roster, client) = begun().await;
    peopled(&client, &["m"]).await;
    let (groups, roles) = (Groups::SHOWN, Roles::SHOWN);
    let both = Show { groups: true, ..roles };
    for (scopes, show, lacking) in [
        ("users:read", groups, Some("groups:read")),
        ("users:read", roles, Some("roles:read")),
        ("users:write,roles:write", groups, Some("groups:read")),
        ("users:write,groups:write", roles, Some("roles:read")),
        ("users:read,groups:read", both, Some("roles:read")),
        ("users:read,roles:read", both, Some("groups:read")),
        ("users:read,groups:read,roles:read", both, None),
        ("users:read,groups:write,roles:write", both, None),
    ] {
        let caller = roster.client(scopes).await;
        for (read, answer) in reads(&caller, "m", show).await {
            // Some of the scopes do not open the lists of members either.
            let own = [("ListGroupMembers", "groups:"), ("ListRoleMembers", "roles:")];
            let own = own.iter().find(|(name, _)| *name == read).map(|(_, scope)| *scope);
            let own = own.filter(|scope| !scopes.contains(scope));
            match lacking {
                Some(scope) => {
                    let refusal = assert_refused(answer, Code::PermissionDenied, "SCOPE_DENIED");
                    let told = refusal.metadata["scope"].as_str();
                    assert!(own.map_or(told == scope, |own| told.starts_with(own)), "{scopes} {read}: {told}");
                }
                None => assert_eq!(answer.unwrap().group_codes, ["m"], "{scopes} {read}"),
            }
        }
    }
}
