//! What a bound key is told of the whole pool: that an identifier is taken and since when, and nothing else. What hidden users
//! have in common with those whom it sees makes no difference to it.

use roster::proto::{
    BatchUserExistsRequest, CheckUserRequest, GetUserRequest, IdentityDto, IdentityProvider, LinkIdentityRequest,
    UserExistsRequest, UserIdType,
};
use tonic::{Code, Status};

use super::names::{By, Level, Noun, Object};
use super::world::World;
use crate::harness::{Client, refused};
use crate::identities::identity;

/// Which user a sync relation finds.
async fn found(client: &Client, id: &str) -> Result<String, Status> {
    let request =
        GetUserRequest { user_id: Some(id.to_owned()), user_id_type: UserIdType::SyncRelation.into(), ..Default::default() };
    Ok(client.users().get_user(request).await?.into_inner().user.unwrap().user_id.unwrap())
}

#[tokio::test]
async fn a_sync_relation_that_hidden_users_have_too_is_not_ambiguous() {
    let world = World::new().await;
    let whole = world.client("*", Level::Pool).await;
    for (index, object) in [Object::Own, Object::Other, Object::Pool].into_iter().enumerate() {
        let identity: IdentityDto = identity(&format!("connection-{index}"), IdentityProvider::Lark, "shared");
        let request =
            LinkIdentityRequest { user_id: Some(Noun::User.name(object)), identity: Some(identity), ..Default::default() };
        whole.identities().link_identity(request).await.unwrap();
    }
    let ambiguous = refused(found(&whole, "lark:shared").await);
    assert_eq!(ambiguous.kind(), (Code::FailedPrecondition, "IDENTITY_AMBIGUOUS"));
    for (bound, own) in [(Level::A, Object::Own), (Level::B, Object::Other)] {
        let client = world.client("*", bound).await;
        assert_eq!(found(&client, "lark:shared").await.unwrap(), Noun::User.name(own));
    }
}

/// Whether the owners of a username and an email are one, as each of the two ways to ask tells.
async fn same(client: &Client, username: Object, email: Object) -> [(bool, Option<bool>); 2] {
    let (username, email) = (Some(By::Username.of(username)), Some(By::Email.of(email)));
    let check = UserExistsRequest { username, email, ..Default::default() };
    let one = client.users().user_exists(check.clone()).await.unwrap().into_inner();
    let batch = BatchUserExistsRequest { checks: vec![check] };
    let row = client.users().batch_user_exists(batch).await.unwrap().into_inner().results.remove(0);
    [(one.exists, one.same_user), (row.exists, row.same_user)]
}

#[tokio::test]
async fn whether_several_identifiers_are_one_users_is_told_of_those_alone_who_are_seen() {
    let world = World::new().await;
    let (whole, client) = (world.client("*", Level::Pool).await, world.client("users:exists", Level::A).await);
    let seen = [Object::Own, Object::Member, Object::Guest];
    for username in Noun::User.present() {
        for email in Noun::User.present() {
            assert_eq!(same(&whole, username, email).await, [(true, Some(username == email)); 2], "{username:?} {email:?}");
            let both = seen.contains(&username) && seen.contains(&email);
            let told = both.then_some(username == email);
            assert_eq!(same(&client, username, email).await, [(true, told); 2], "{username:?} {email:?}");
        }
    }
}

#[tokio::test]
async fn a_check_says_whether_a_user_is_a_member_of_the_callers_organization() {
    let world = World::new().await;
    for bound in [Level::Pool, Level::A, Level::B] {
        let client = world.client("users:exists", bound).await;
        for object in Noun::User.objects(true) {
            let there = object != Object::Absent;
            for request in [
                CheckUserRequest { email: Some(By::Email.of(object)), phone_number: None },
                CheckUserRequest { email: None, phone_number: Some(By::Phone.of(object)) },
            ] {
                let told = client.users().check_user(request).await.unwrap().into_inner();
                let member = there.then_some(object.homes().contains(&bound));
                assert_eq!((told.exists, told.exists_in_current_organization), (there, member), "{object:?} of {bound:?}");
                assert_eq!(told.created_at.is_some(), there);
            }
        }
    }
}
