//! What of everybody in the world is kept apart: the hash of a password, and what a provider gave, encrypted. Only the server can
//! make them; they are put back as they were.

use roster::password::Password;
use roster::store::Context;
use roster::store::Identifier;
use roster::store::credentials::{GivenPassword, SetPassword};
use roster::store::identity_tokens::{ProviderTokens, SetProviderTokens};

use super::names::Noun;
use super::world::insert;
use crate::harness::Roster;

/// The tables, and what their rows have.
const TABLES: [(&str, &[&str]); 2] = [
    ("user_credentials", &["user_id", "password_hash"]),
    ("identity_tokens", &["identity_id", "key_id", "access_token", "refresh_token"]),
];

/// Gives everybody a password and tokens of a provider: the rows as they come to lie in the database.
pub(super) async fn of(roster: &Roster) -> String {
    for object in Noun::User.present() {
        let given = GivenPassword::Clear(Password::new(&object.text("password")));
        let credential = roster.store.credential(given).await.unwrap();
        let target = Identifier::UserId(Noun::User.name(object));
        let set = SetPassword { target, credential, reset_on_next_login: false, keep_tokens: true };
        roster.store.write(Context::default(), set).await.unwrap();
        let [access_token, refresh_token] = ["access_token", "refresh_token"].map(|field| Some(object.text(field)));
        let tokens = (Noun::Identity.name(object), ProviderTokens { access_token, refresh_token });
        roster.store.write(Context::default(), SetProviderTokens(vec![tokens])).await.unwrap();
    }
    let mut script = String::new();
    for (table, columns) in TABLES {
        for row in roster.database.query(&format!("SELECT {} FROM {table}", columns.join(", "))).await {
            let texts: Vec<_> = columns.iter().map(|column| (*column, row.try_get("", column).unwrap())).collect();
            insert(&mut script, table, &texts, &[]);
        }
    }
    script
}
