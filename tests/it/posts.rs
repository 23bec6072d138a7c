//! Posts: at the pool's own level or in an organization, and who holds which.

use std::time::Duration;

use roster::proto::{
    CreatePostRequest, DeleteOrganizationRequest, DeletePostRequest, GetUserRequest, ListPostsRequest, PostDto,
    RemoveOrganizationMembersRequest, SetUserPostsRequest,
};
use tonic::{Code, Status};

use crate::calls::{BOB_IDS, assert_refused, bob};
use crate::departments::{begun, organization, owned, users};
use crate::harness::{Client, Refusal, assert_invalid, refused};
use crate::races::at_once;

/// A post of this name, in the organization if one is given.
fn post(organization_id: Option<&str>, name: &str) -> PostDto {
    PostDto { organization_id: organization_id.map(ToOwned::to_owned), name: Some(name.to_owned()), ..PostDto::default() }
}

/// The request that gives the user these posts of a level, and no others.
fn setting(user_id: &str, organization_id: Option<&str>, post_ids: &[String]) -> SetUserPostsRequest {
    SetUserPostsRequest {
        user_id: Some(user_id.to_owned()),
        organization_id: organization_id.map(ToOwned::to_owned),
        post_ids: post_ids.to_vec(),
        ..SetUserPostsRequest::default()
    }
}

/// Gives the user these posts of a level, and no others.
pub(crate) async fn set(
    client: &Client,
    user_id: &str,
    organization_id: Option<&str>,
    post_ids: &[String],
) -> Result<Vec<String>, Status> {
    let answer = client.organizations().set_user_posts(setting(user_id, organization_id, post_ids)).await?;
    Ok(answer.into_inner().post_ids)
}

/// The ids of the posts of a user at a level.
async fn posts_of(client: &Client, user_id: &str, organization_id: Option<&str>) -> Vec<String> {
    let request = GetUserRequest {
        user_id: Some(user_id.to_owned()),
        organization_id: organization_id.map(ToOwned::to_owned),
        with_post: true,
        ..Default::default()
    };
    client.users().get_user(request).await.unwrap().into_inner().user.unwrap().post_id_list
}

impl Client {
    async fn create_post(&self, post: PostDto) -> Result<PostDto, Status> {
        let request = CreatePostRequest { post: Some(post) };
        Ok(self.organizations().create_post(request).await?.into_inner().post.unwrap())
    }

    /// The id of a new post.
    pub(crate) async fn made_post(&self, organization_id: Option<&str>, name: &str) -> String {
        self.create_post(post(organization_id, name)).await.unwrap().post_id.unwrap()
    }

    async fn delete_post(&self, id: &str, organization_id: Option<&str>) -> Result<(), Status> {
        let organization_id = organization_id.map(ToOwned::to_owned);
        let request = DeletePostRequest { post_id: Some(id.to_owned()), organization_id };
        self.organizations().delete_post(request).await.map(drop)
    }

    async fn posts(&self, organization_id: Option<&str>) -> Vec<PostDto> {
        let organization_id = organization_id.map(ToOwned::to_owned);
        let request = ListPostsRequest { organization_id, limit: Some(1_000), ..Default::default() };
        self.organizations().list_posts(request).await.unwrap().into_inner().posts
    }
}

#[tokio::test]
async fn posts_are_listed_as_they_were_made_level_by_level() {
    let (roster, client) = begun().await;
    let organization_id = organization(&client, "acme").await;
    for level in [None, Some(organization_id.as_str())] {
        let mut made = Vec::new();
        for code in ["c", "a", "b"] {
            let sent = PostDto { code: Some(code.to_owned()), ..post(level, "Clerk") };
            let created = client.create_post(sent.clone()).await.unwrap();
            assert_eq!(created, PostDto { post_id: created.post_id.clone(), ..sent.clone() });
            assert_refused(client.create_post(sent).await, Code::AlreadyExists, "CODE_EXISTS");
            made.push(created);
            roster.clock.advance(Duration::from_millis(1));
        }
        assert_eq!(client.posts(level).await, made);
        let page = |page_token| ListPostsRequest {
            organization_id: level.map(ToOwned::to_owned),
            limit: Some(2),
            page_token,
            ..Default::default()
        };
        let first = client.organizations().list_posts(page(String::new())).await.unwrap().into_inner();
        assert_eq!((first.posts.as_slice(), first.total_count), (&made[..2], Some(3)));
        let next = client.organizations().list_posts(page(first.next_page_token)).await.unwrap().into_inner();
        assert_eq!((next.posts.as_slice(), next.next_page_token.as_str()), (&made[2..], ""));
    }
}

#[tokio::test]
async fn what_cannot_be_is_told_by_its_field() {
    let (_roster, client) = begun().await;
    users(&client, None, &["ann"]).await;
    let text = |text: &str| Some(text.to_owned());
    for (bad, field) in [
        (PostDto { post_id: text("x"), ..Default::default() }, "post.post_id"),
        (PostDto { organization_id: text(""), ..Default::default() }, "post.organization_id"),
        (PostDto { code: text(""), ..Default::default() }, "post.code"),
        (PostDto { name: text("a\n"), ..Default::default() }, "post.name"),
    ] {
        assert_invalid(client.create_post(bad).await, &[field]);
    }
    assert_invalid(client.organizations().create_post(CreatePostRequest::default()).await, &["post"]);
    assert_invalid(client.delete_post("", None).await, &["post_id"]);
    let many = vec!["x".to_owned(); 1_001];
    assert_invalid(set(&client, "ann", None, &many).await, &["post_ids"]);
    assert_invalid(set(&client, "ann", None, &owned(&["x", "", &"x".repeat(257)])).await, &["post_ids[1]", "post_ids[2]"]);
    assert_invalid(set(&client, "", Some(""), &[]).await, &["organization_id", "user_id"]);
}

#[tokio::test]
async fn a_user_holds_what_was_set_last_at_each_level() {
    let (_roster, client) = begun().await;
    let organization_id = organization(&client, "acme").await;
    users(&client, Some(&organization_id), &["ann", "cat"]).await;
    client.create(bob()).await.unwrap();
    crate::departments::join(&client, &organization_id, &["bob-1"]).await;
    let mut held = Vec::new();
    for level in [None, Some(organization_id.as_str())] {
        let mut posts = Vec::new();
        for name in ["a", "b", "c", "d"] {
            posts.push(client.made_post(level, name).await);
        }
        posts.sort();
        for (sent, expected) in [
            (&[2, 0, 2][..], &[0, 2][..]),
            (&[0, 2], &[0, 2]),
            (&[3, 1, 2], &[1, 2, 3]),
            (&[], &[]),
            (&[], &[]),
            (&[1, 0, 3], &[0, 1, 3]),
        ] {
            let chosen = |numbers: &[usize]| numbers.iter().map(|number| posts[*number].clone()).collect::<Vec<_>>();
            for (kind, id) in BOB_IDS {
                let request = SetUserPostsRequest { user_id_type: (*kind).into(), ..setting(id, level, &chosen(sent)) };
                let answer = client.organizations().set_user_posts(request).await.unwrap().into_inner();
                assert_eq!(answer.post_ids, chosen(expected));
            }
            assert_eq!(posts_of(&client, "bob-1", level).await, chosen(expected));
        }
        held.push(posts_of(&client, "bob-1", level).await);
        assert!(posts_of(&client, "ann", level).await.is_empty());
    }
    // What was set at one level left the other alone.
    assert_eq!(posts_of(&client, "bob-1", None).await, held[0]);
}

#[tokio::test]
async fn one_post_that_is_not_there_and_nothing_changes() {
    let (_roster, client) = begun().await;
    let (one, other) = (organization(&client, "one").await, organization(&client, "other").await);
    users(&client, Some(&one), &["ann"]).await;
    let of_pool = client.made_post(None, "a").await;
    let of_one = client.made_post(Some(&one), "a").await;
    let of_other = client.made_post(Some(&other), "a").await;
    set(&client, "ann", None, std::slice::from_ref(&of_pool)).await.unwrap();
    set(&client, "ann", Some(&one), std::slice::from_ref(&of_one)).await.unwrap();
    for (level, good) in [(None, &of_pool), (Some(one.as_str()), &of_one)] {
        let others = [&of_pool, &of_one, &of_other].into_iter().filter(|other| *other != good).map(String::as_str);
        for bad in others.chain(["nothing", "a\0"]) {
            let answer = set(&client, "ann", level, &[good.clone(), bad.to_owned()]).await;
            assert_refused(answer, Code::NotFound, "POST_NOT_FOUND");
            assert_eq!(posts_of(&client, "ann", level).await, std::slice::from_ref(good));
        }
    }
    assert_refused(set(&client, "nobody", None, &[of_pool]).await, Code::NotFound, "USER_NOT_FOUND");
    assert_refused(set(&client, "ann", Some("nowhere"), &[]).await, Code::NotFound, "ORGANIZATION_NOT_FOUND");
    // Who is no member has no posts, and needs none taken.
    let stranger = set(&client, "ann", Some(&other), std::slice::from_ref(&of_other)).await;
    assert_refused(stranger, Code::FailedPrecondition, "NOT_A_MEMBER");
    assert!(set(&client, "ann", Some(&other), &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_post_that_goes_is_held_by_nobody() {
    let (roster, client) = begun().await;
    let organization_id = organization(&client, "acme").await;
    users(&client, Some(&organization_id), &["ann"]).await;
    let level = Some(organization_id.as_str());
    let (a, b) = (client.made_post(level, "a").await, client.made_post(level, "b").await);
    set(&client, "ann", level, &[a.clone(), b.clone()]).await.unwrap();
    client.delete_post(&a, None).await.unwrap();
    assert_refused(client.delete_post(&a, None).await, Code::NotFound, "POST_NOT_FOUND");
    assert_eq!(posts_of(&client, "ann", level).await, std::slice::from_ref(&b));
    // Nor by who has left.
    let leave = RemoveOrganizationMembersRequest {
        organization_id: Some(organization_id.clone()),
        user_ids: owned(&["ann"]),
        ..Default::default()
    };
    client.organizations().remove_organization_members(leave).await.unwrap();
    crate::departments::join(&client, &organization_id, &["ann"]).await;
    assert!(posts_of(&client, "ann", level).await.is_empty());
    set(&client, "ann", level, std::slice::from_ref(&b)).await.unwrap();
    let delete = DeleteOrganizationRequest { organization_id: Some(organization_id.clone()), etag: None };
    client.organizations().delete_organization(delete).await.unwrap();
    assert_refused(client.delete_post(&b, None).await, Code::NotFound, "POST_NOT_FOUND");
    crate::organizations::cleared(&roster).await;
    for table in ["posts", "post_members"] {
        assert!(roster.database.query(&format!("SELECT 1 FROM {table}")).await.is_empty(), "{table}");
    }
}

#[tokio::test]
async fn a_bound_key_finds_its_own_and_tells_no_other_from_none() {
    let (roster, client) = begun().await;
    let (own, other) = (organization(&client, "own").await, organization(&client, "other").await);
    users(&client, Some(&own), &["ann"]).await;
    users(&client, None, &["bob"]).await;
    let bound = roster.bound_client("*", &own).await;
    let mine = bound.create_post(post(None, "a")).await.unwrap();
    assert_eq!((mine.organization_id(), bound.posts(None).await), (own.as_str(), vec![mine.clone()]));
    assert_eq!(set(&bound, "ann", None, &[mine.post_id().to_owned()]).await.unwrap(), [mine.post_id()]);
    let message = |refusal: Refusal| (refusal.code, refusal.reason, refusal.message, refusal.metadata);
    let absent = message(refused(bound.delete_post("nothing", None).await));
    for id in [client.made_post(Some(&other), "a").await, client.made_post(None, "a").await] {
        assert_eq!(message(refused(bound.delete_post(&id, None).await)), absent);
        assert_refused(set(&bound, "ann", None, std::slice::from_ref(&id)).await, Code::NotFound, "POST_NOT_FOUND");
        assert_refused(bound.delete_post(&id, Some(&other)).await, Code::NotFound, "ORGANIZATION_NOT_FOUND");
    }
    assert_refused(set(&bound, "bob", None, &[]).await, Code::NotFound, "USER_NOT_FOUND");
    assert_refused(set(&bound, "ann", Some(&other), &[]).await, Code::NotFound, "ORGANIZATION_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_that_set_at_once_the_user_holds_what_one_gave() {
    let (_roster, client) = begun().await;
    users(&client, None, &["ann"]).await;
    let mut posts = Vec::new();
    for name in ["a", "b", "c", "d"] {
        posts.push(client.made_post(None, name).await);
    }
    posts.sort();
    for _ in 0..8 {
        let act = |index: usize| {
            let (client, pair) = (client.clone(), posts[index % 2 * 2..index % 2 * 2 + 2].to_vec());
            async move { (set(&client, "ann", None, &pair).await.unwrap(), pair) }
        };
        for (answer, pair) in at_once(8, act).await {
            assert_eq!(answer, pair);
        }
        let held = posts_of(&client, "ann", None).await;
        assert!(held == posts[..2] || held == posts[2..], "{held:?}");
    }
}
