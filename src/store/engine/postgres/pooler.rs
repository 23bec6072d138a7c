//! Whether a pooler stands between us and the server that hands each transaction another connection. Prepared statements would be
//! mixed up there with those of other clients, and answers with them.

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection};
use sea_orm::sqlx::{self, AssertSqlSafe, Connection, Row};

/// How often it is looked: beside other clients of the pooler one look may miss it.
const LOOKS: u32 = 3;

/// Two connections each note a value of their own on the server's side; who does not find it again is not alone there.
pub(super) async fn stands_between(options: &PgConnectOptions) -> Result<bool, sqlx::Error> {
    let mut connections = [PgConnection::connect_with(options).await?, PgConnection::connect_with(options).await?];
    let mut found = false;
    for _ in 0..LOOKS {
        for (connection, own) in connections.iter_mut().zip(["first", "second"]) {
            ask(connection, format!("SELECT set_config('roster.connection', '{own}', false)")).await?;
        }
        let again = ask(&mut connections[0], "SELECT current_setting('roster.connection', true)".to_owned()).await?;
        found |= again.as_deref() != Some("first");
    }
    for connection in connections {
        drop(connection.close().await);
    }
    Ok(found)
}

/// In the simple protocol, which prepares nothing.
async fn ask(connection: &mut PgConnection, sql: String) -> Result<Option<String>, sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).fetch_one(connection).await?.try_get(0)
}
