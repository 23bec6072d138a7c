//! Changes that are made at once, and share a transaction where the engine has one writer: none meets the fate of another.

use std::time::Duration;

use futures_util::future::join_all;
use roster::error::{Conflict, Error, Result};
use roster::proto::{UserDto, UserIdType};
use roster::store::users::CreateUser;
use roster::store::{Context, Mutation, Store, Tenant, Tx};
use roster::validate::Violations;

use crate::calls::assert_not_found;
use crate::collections::begun;
use crate::dto::texts;
use crate::harness::database::on_postgres;
use crate::harness::{Client, Roster, named};

/// How a change ends once it has created its user.
#[derive(Clone, Copy)]
enum End {
    Well,
    Refused,
    Panics,
}

struct Create(CreateUser, End);

impl Mutation for Create {
    type Answer = UserDto;

    async fn apply(&self, tx: &Tx) -> Result<UserDto> {
        let user = self.0.apply(tx).await?;
        match self.1 {
            End::Well => Ok(user),
            End::Refused => Err(Error::EtagMismatch),
            End::Panics => panic!("as the test wants it"),
        }
    }

    async fn explain(&self, store: &Store, error: Error) -> Error {
        self.0.explain(store, error).await
    }
}

async fn create(roster: &Roster, user: UserDto, end: End) -> Result<UserDto> {
    let create = CreateUser::read(Some(user), &Tenant::Pool, roster.store.calling_code(), Violations::default());
    roster.store.write(Context::default(), Create(create.unwrap(), end)).await
}

/// Makes the changes while somebody else holds the lock, so that they queue behind it.
async fn together<T>(roster: &Roster, changes: impl Future<Output = T>) -> T {
    let other = roster.database.stop_writers().await;
    let free = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        sea_orm::ConnectionTrait::execute_unprepared(&other, "ROLLBACK").await.unwrap();
    };
    tokio::join!(changes, free).0
}

async fn assert_stored(client: &Client, username: &str, stored: bool) {
    let found = client.get_by(UserIdType::Username, username).await;
    if stored {
        found.unwrap();
    } else {
        assert_not_found(found);
    }
}

#[tokio::test]
async fn a_change_that_is_refused_or_panics_undoes_itself_alone() {
    let (roster, client) = begun().await;
    let ends = [End::Well, End::Refused, End::Well, End::Panics];
    let name = |number: usize| format!("user-{number}");
    let changes = (0..40).map(|number| create(&roster, named(&name(number)), ends[number % 4]));
    let answers = together(&roster, join_all(changes)).await;
    for (number, answer) in answers.into_iter().enumerate() {
        match (ends[number % 4], answer) {
            (End::Well, Ok(_)) | (End::Refused, Err(Error::EtagMismatch)) | (End::Panics, Err(Error::Internal { .. })) => {}
            (_, answer) => panic!("{number}: {answer:?}"),
        }
        assert_stored(&client, &name(number), number % 2 == 0).await;
    }
    // What they would have taken is free.
    create(&roster, named("user-1"), End::Well).await.unwrap();
}

#[tokio::test]
async fn of_those_who_want_one_email_at_once_one_gets_it_and_the_others_are_told() {
    let (roster, client) = begun().await;
    let user = |number: usize| texts(&[("email", "ann@example.com"), ("external_id", &format!("ann-{}", number / 2))]);
    let answers = together(&roster, join_all((0..16).map(|number| create(&roster, user(number), End::Well)))).await;
    let created: Vec<_> = (0..16).filter(|number| answers[*number].is_ok()).collect();
    assert_eq!(created.len(), 1);
    for (number, answer) in answers.into_iter().enumerate() {
        let Err(error) = answer else { continue };
        let Error::AlreadyExists(conflicts) = error else { panic!("{error:?}") };
        let both = number / 2 == created[0] / 2;
        assert_eq!(conflicts, if both { vec![Conflict::Email, Conflict::ExternalId] } else { vec![Conflict::Email] });
    }
    assert!(client.get_by(UserIdType::Email, "ann@example.com").await.is_ok());
}

#[tokio::test]
async fn who_gives_up_before_the_turn_has_changed_nothing() {
    let (roster, client) = begun().await;
    let name = |number: usize| format!("user-{number}");
    let changes = (0..40).map(|number| {
        let change = create(&roster, named(&name(number)), End::Well);
        let patience = Duration::from_millis(if number % 2 == 0 { 50 } else { 10_000 });
        async move { tokio::time::timeout(patience, change).await }
    });
    for answer in together(&roster, join_all(changes)).await.into_iter().flatten() {
        answer.unwrap();
    }
    let mut stored = 0;
    for number in 0..40 {
        let found = client.get_by(UserIdType::Username, &name(number)).await.is_ok();
        assert!(found || number % 2 == 0, "{number} waited for it");
        stored += usize::from(found && number % 2 == 0);
    }
    // There are eight connections that write, whose changes had begun.
    assert!(stored <= if on_postgres() { 8 } else { 0 }, "{stored}");
}
