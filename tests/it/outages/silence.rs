//! Links that go silent: what is sent over them is lost and nobody says so, as when a server loses its power or a firewall forgets a
//! connection. New ones are made as ever.

use std::net::SocketAddr;
use std::time::Duration;

use roster::proto::{GetUserResponse, GetVersionResponse};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tonic::Code;

use super::pauses::{read, write};
use super::{SOON, cluster, now, roster_on};
use crate::cli::load::KEY;
use crate::wire::{Answer, Wire};

/// Stands between Roster and PostgreSQL.
struct Links {
    address: SocketAddr,
    /// How often all links have gone silent.
    silenced: watch::Sender<u32>,
}

impl Links {
    async fn start(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (silenced, listening) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut silenced = listening.clone();
                silenced.mark_unchanged();
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                        _ = silenced.changed() => std::future::pending().await,
                    }
                });
            }
        });
        Self { address, silenced }
    }

    fn url(&self) -> String {
        format!("postgres://roster@{}/postgres", self.address)
    }

    fn silence(&self) {
        self.silenced.send_modify(|silenced| *silenced += 1);
    }
}

/// Calls what asks for the key alone.
async fn version(wire: &Wire) -> Answer {
    wire.call("/roster.v1.MetaService/GetVersion", &[("x-api-key", KEY), ("grpc-timeout", "1S")], &()).await
}

/// Whether callers are answered once links have gone silent.
async fn answered_after_silence(settings: &[(&str, &str)]) {
    let cluster = cluster();
    let links = Links::start(cluster.port()).await;
    let roster = roster_on(&links.url(), settings).await;
    let wire = Wire::connect(roster.address).await;
    write(&wire, "ann").await;
    for _ in 0..2 {
        read(&wire).await.message::<GetUserResponse>();
        version(&wire).await.message::<GetVersionResponse>();
        links.silence();
        // One of the links is waited for in vain; the others are not trusted then.
        let silenced = now();
        while version(&wire).await.status.code() != Code::Ok {
            assert!(silenced.elapsed() < SOON + Duration::from_secs(5), "it does not find back");
        }
        eprintln!("keys are read again {:?} after the links went silent", silenced.elapsed());
        for _ in 0..50 {
            read(&wire).await.message::<GetUserResponse>();
            version(&wire).await.message::<GetVersionResponse>();
        }
    }
    roster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "on PostgreSQL alone"]
async fn links_that_went_silent_are_replaced_and_hold_nobody_up_after_that() {
    answered_after_silence(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "on PostgreSQL alone"]
async fn links_to_a_pooler_that_went_silent_are_replaced_too() {
    answered_after_silence(&[("database_statement_cache", "0")]).await;
}
