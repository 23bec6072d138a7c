//! Hashes that were made elsewhere, or when a hash cost less: they are good, and the first right password replaces them.

use roster::proto::{CreateUserRequest, UpdateUserRequest};

use super::{Caller, IMPORTED, RIGHT, WRONG, giving, importing, user};
use crate::calls::creating;
use crate::harness::{Client, Roster, assert_invalid};

/// How hashes of the tests begin.
const CURRENT: &str = "$argon2id$v=19$m=8,t=1,p=1$";

/// Hashes that nobody would want to check.
const BOMBS: [&str; 6] = [
    "$argon2id$v=19$m=4294967295,t=1,p=1$c2l4dGVlbiBieXRlcyBvaw$0D3Kk0YpgOA4Q/Vpab3k2FTzHKin2Tf4+8sXJpUufzU",
    "$argon2id$v=19$m=131072,t=16,p=1$c2l4dGVlbiBieXRlcyBvaw$0D3Kk0YpgOA4Q/Vpab3k2FTzHKin2Tf4+8sXJpUufzU",
    "$2b$31$HZIM3iVzo2o4y2y7nVtiU.urb4Lce/3WkSy1b4gkqHUfFiRXTyMZ6",
    "$scrypt$ln=31,r=8,p=2$c2l4dGVlbiBieXRlcyBvaw$x14QD5xP1rhW5mOYAef0GBsurRyFzXCFd5OncDLOE24",
    "$pbkdf2-sha256$i=4294967295$c2l4dGVlbiBieXRlcyBvaw$9G6UnLnl0+NqKoUG31f3Be9Pdssw0S5TL6vZsb6fEpo",
    "pbkdf2_sha256$999999999$salt$Xa4dinUFKYP66lvfOkRFmGGPDSF2dN6y0URhAAxbh9A=",
];

#[tokio::test]
async fn a_hash_of_each_scheme_is_good_and_the_first_right_password_replaces_it() {
    let caller = Caller::new(&[]).await;
    caller.client.create(user("ann")).await.unwrap();
    for hash in IMPORTED {
        caller.client.set_password(importing("ann", hash)).await.unwrap();
        assert!(!caller.client.is_password("ann", WRONG).await, "{hash}");
        assert_eq!(caller.hash().await, hash, "a wrong one replaces nothing");
        assert!(caller.client.is_password("ann", "Pa\u{308}ssword 1").await, "{hash}");
        let replaced = caller.hash().await;
        assert!(replaced.starts_with(CURRENT), "{replaced}");
        assert!(caller.client.is_password("ann", RIGHT).await && !caller.client.is_password("ann", WRONG).await, "{hash}");
        assert_eq!(caller.hash().await, replaced, "once");
    }
}

#[tokio::test]
async fn an_imported_hash_of_today_s_cost_stays() {
    let caller = Caller::new(&[]).await;
    caller.client.create(user("ann")).await.unwrap();
    let today = "$argon2id$v=19$m=8,t=1,p=1$c2l4dGVlbiBieXRlcyBvaw$oBiTKJVg14YB0bdQsEWxo5ZpM0kbP45v4xbDyGnDk6k";
    caller.client.set_password(importing("ann", today)).await.unwrap();
    assert!(caller.client.is_password("ann", RIGHT).await);
    assert_eq!(caller.hash().await, today);
}

#[tokio::test]
async fn who_checks_while_the_password_changes_does_not_bring_the_old_one_back() {
    let caller = Caller::new(&[("password_guesses", "off")]).await;
    caller.client.create(user("ann")).await.unwrap();
    for round in 0..crate::races::rounds(20) {
        caller.client.set_password(importing("ann", IMPORTED[round % IMPORTED.len()])).await.unwrap();
        let other = caller.client.clone();
        let (_, set) = tokio::join!(other.verify_password("ann", RIGHT), caller.client.set_password(giving("ann", "new")));
        set.unwrap();
        assert!(!caller.client.is_password("ann", RIGHT).await && caller.client.is_password("ann", "new").await);
    }
}

#[tokio::test]
async fn what_costs_too_much_is_not_imported() {
    let caller = Caller::new(&[]).await;
    caller.client.create(user("ann")).await.unwrap();
    caller.client.set_password(giving("ann", RIGHT)).await.unwrap();
    let (before, computed) = (caller.hash().await, caller.roster.store.computed_hashes());
    for bomb in BOMBS {
        assert_invalid(caller.client.set_password(importing("ann", bomb)).await, &["password_hash"]);
        let create = CreateUserRequest { password_hash: Some(bomb.to_owned()), ..creating(user("bob")) };
        assert_invalid(caller.client.users().create_user(create).await, &["password_hash"]);
    }
    assert_eq!((caller.hash().await, caller.roster.store.computed_hashes()), (before, computed));
}

/// Makes a user whose hash is the server's, and gives a client of another server, whose hashes cost this.
async fn on_another(caller: &Caller, argon2: &str) -> (Roster, Client) {
    caller.client.create(user("ann")).await.unwrap();
    caller.client.update(UpdateUserRequest { keep_tokens: true, ..super::updating("ann", RIGHT) }).await.unwrap();
    assert!(caller.hash().await.starts_with(CURRENT));
    let other = Roster::start_on(&caller.roster.database.url, &[("password_argon2", argon2)]).await;
    let client = other.client_with_key(Some(&caller.api_key)).await;
    (other, client)
}

#[tokio::test]
async fn when_hashes_cost_more_the_next_right_password_is_hashed_anew() {
    for argon2 in ["m=16,t=1,p=1", "m=8,t=2,p=1", "m=16,t=1,p=2"] {
        let caller = Caller::new(&[]).await;
        let (_other, client) = on_another(&caller, argon2).await;
        let before = caller.hash().await;
        assert!(!client.is_password("ann", WRONG).await);
        assert_eq!(caller.hash().await, before, "not by a wrong one");
        assert!(client.is_password("ann", RIGHT).await);
        let raised = caller.hash().await;
        assert!(raised.starts_with(&format!("$argon2id$v=19${argon2}$")), "{raised}");
        // A server that still makes cheaper ones leaves it alone.
        assert!(caller.client.is_password("ann", RIGHT).await && client.is_password("ann", RIGHT).await);
        assert_eq!(caller.hash().await, raised);
    }
}
