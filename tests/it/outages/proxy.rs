//! What stands between Roster and PostgreSQL and lets the server refuse, for a share of what is asked, as it would when another
//! transaction, an operator or a standby is in the way. The server itself is made to fail, so that what it says is true.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the first message of a client asks for where it asks for TLS.
const TLS_REQUEST: u32 = 80_877_103;

/// How a statement fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// With this SQLSTATE; the connection stays.
    State(&'static str),
    /// The connection is ended by an operator, `57P01`, before the statement is run.
    Ended,
    /// As that, but a COMMIT is made first, and its answer lost.
    EndedBehind,
}

/// Where Roster finds the server, and what it meets there.
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    faults: Arc<Faults>,
}

#[derive(Debug, Default)]
struct Faults {
    /// Changed as a whole: a statement meets what was there before or what comes, never a share of no kind.
    plan: Mutex<Plan>,
    injected: AtomicUsize,
    /// How many of those were a COMMIT, and the failure none that says that it was not made.
    unknown: AtomicUsize,
}

/// What fails from now on.
#[derive(Debug, Default)]
struct Plan {
    /// Of ten thousand statements, so many fail.
    share: u32,
    kinds: Vec<Fault>,
    /// Whether only a COMMIT fails.
    commits_alone: bool,
}

impl Proxy {
    /// In front of the server at this port of this machine; at first all goes well.
    pub(super) async fn start(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, faults) = (listener.local_addr().unwrap(), Arc::<Faults>::default());
        let shared = faults.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let faults = shared.clone();
                tokio::spawn(async move {
                    let server = TcpStream::connect(("127.0.0.1", port)).await?;
                    client.set_nodelay(true)?;
                    server.set_nodelay(true)?;
                    let connection = Connection { client: Side::new(client), server: Side::new(server), status: b'I', faults };
                    connection.run().await
                });
            }
        });
        Self { address, faults }
    }

    /// The URL of a database behind it, with a parameter of the session's, each as `name=value`.
    pub(super) fn url(&self, option: Option<&str>) -> String {
        let option = option.map(|option| option.split_once('=').unwrap());
        let option = option.map(|(name, value)| format!("?options[{name}]={value}")).unwrap_or_default();
        format!("postgres://roster@{}/postgres{option}", self.address)
    }

    /// From now on so many of ten thousand statements fail, in one of these ways.
    pub(super) fn inject(&self, share: u32, kinds: &[Fault]) {
        *self.faults.plan.lock().unwrap() = Plan { share, kinds: kinds.to_vec(), commits_alone: false };
    }

    /// From now on every COMMIT fails, in one of these ways.
    pub(super) fn inject_into_commits(&self, kinds: &[Fault]) {
        *self.faults.plan.lock().unwrap() = Plan { share: 10_000, kinds: kinds.to_vec(), commits_alone: true };
    }

    /// How many statements failed.
    pub(super) fn injected(&self) -> usize {
        self.faults.injected.load(Ordering::SeqCst)
    }

    /// How many of these were a COMMIT, and the failure none that says that it was not made.
    pub(super) fn unknown(&self) -> usize {
        self.faults.unknown.load(Ordering::SeqCst)
    }
}

impl Faults {
    /// Whether a statement is to fail, and how.
    fn draw(&self, commit: bool) -> Option<Fault> {
        let number = || u32::from_le_bytes(roster::clock::random());
        let plan = self.plan.lock().unwrap();
        let fails = number() % 10_000 < plan.share && (commit || !plan.commits_alone);
        fails.then(|| plan.kinds[number() as usize % plan.kinds.len()])
    }
}

/// One end of a connection, and what has come from it.
struct Side {
    stream: TcpStream,
    received: BytesMut,
}

impl Side {
    fn new(stream: TcpStream) -> Self {
        Self { stream, received: BytesMut::new() }
    }

    /// Waits for more; may be given up.
    async fn receive(&mut self) -> std::io::Result<()> {
        match self.stream.read_buf(&mut self.received).await? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// The next message whole: its kind, where `head` is 1, its length, and what it says.
    fn take(&mut self, head: usize) -> Option<Bytes> {
        let length = self.received.get(head..head + 4)?.get_u32() as usize + head;
        (self.received.len() >= length).then(|| self.received.split_to(length).freeze())
    }

    async fn next(&mut self, head: usize) -> std::io::Result<Bytes> {
        loop {
            if let Some(message) = self.take(head) {
                return Ok(message);
            }
            self.receive().await?;
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes).await
    }
}

/// What a client asks at once: the messages up to the one that the server answers with "ready".
struct Batch {
    bytes: BytesMut,
    /// The statement of a simple query, else empty.
    sql: String,
}

impl Batch {
    fn is_commit(&self) -> bool {
        self.sql.starts_with("COMMIT")
    }
}

struct Connection {
    client: Side,
    server: Side,
    /// What the server said last of its transaction: `I` none, `T` one, `E` a failed one.
    status: u8,
    faults: Arc<Faults>,
}

impl Connection {
    async fn run(mut self) -> std::io::Result<()> {
        let mut hello = self.client.next(0).await?;
        if (&hello[4..]).get_u32() == TLS_REQUEST {
            self.client.send(b"N").await?;
            hello = self.client.next(0).await?;
        }
        self.server.send(&hello).await?;
        self.relay().await?;
        loop {
            let batch = self.batch().await?;
            match self.faults.draw(batch.is_commit()).filter(|fault| self.can_fail(&batch, *fault)) {
                None => self.forward(&batch).await?,
                Some(fault) => {
                    self.faults.injected.fetch_add(1, Ordering::SeqCst);
                    self.fail(&batch, fault).await?;
                }
            }
        }
    }

    /// What is given up or set fails with its connection alone, and a failed transaction refuses everything anyway.
    fn can_fail(&self, batch: &Batch, fault: Fault) -> bool {
        let tidies = ["ROLLBACK", "SET"].iter().any(|word| batch.sql.starts_with(word)) || self.status == b'E';
        !(tidies && matches!(fault, Fault::State(_)))
    }

    async fn batch(&mut self) -> std::io::Result<Batch> {
        let mut batch = Batch { bytes: BytesMut::new(), sql: String::new() };
        loop {
            while let Some(message) = self.client.take(1) {
                batch.bytes.put_slice(&message);
                match message[0] {
                    b'Q' => batch.sql = String::from_utf8_lossy(&message[5..message.len() - 1]).into_owned(),
                    b'S' => {}
                    b'X' => {
                        self.server.send(&batch.bytes).await?;
                        return Err(std::io::ErrorKind::ConnectionAborted.into());
                    }
                    _ => continue,
                }
                return Ok(batch);
            }
            tokio::select! {
                more = self.client.receive() => more?,
                more = self.server.receive() => {
                    more?;
                    // Nobody has asked: a notice, or the end.
                    let said = self.server.received.split();
                    self.client.send(&said).await?;
                }
            }
        }
    }

    async fn forward(&mut self, batch: &Batch) -> std::io::Result<()> {
        self.server.send(&batch.bytes).await?;
        self.relay().await
    }

    /// Hands on what the server says until it is ready.
    async fn relay(&mut self) -> std::io::Result<()> {
        let said = self.listen().await?;
        self.client.send(&said).await
    }

    /// What the server says until it is ready; one that is not ready yet may need to be answered.
    async fn listen(&mut self) -> std::io::Result<BytesMut> {
        let mut said = BytesMut::new();
        loop {
            let message = self.server.next(1).await?;
            said.put_slice(&message);
            if message[0] == b'Z' {
                self.status = message[5];
                return Ok(said);
            }
        }
    }

    async fn fail(&mut self, batch: &Batch, fault: Fault) -> std::io::Result<()> {
        let commit = batch.is_commit();
        let state = match fault {
            Fault::State(state) => Some(state),
            Fault::Ended | Fault::EndedBehind => None,
        };
        if commit && state.is_none_or(|state| !matches!(state, "40001" | "40P01")) {
            self.faults.unknown.fetch_add(1, Ordering::SeqCst);
        }
        let Some(state) = state else {
            if commit && fault == Fault::EndedBehind {
                self.server.send(&batch.bytes).await?;
                self.listen().await?;
            }
            self.client.send(&ended_by_an_operator()).await?;
            return Err(std::io::ErrorKind::ConnectionAborted.into());
        };
        let raise = format!("DO $$ BEGIN RAISE EXCEPTION 'SELECT injected' USING ERRCODE = '{state}'; END $$");
        self.server.send(&query(&raise)).await?;
        let mut said = self.listen().await?;
        assert_eq!(said[0], b'E', "the server fails as it is told");
        if commit {
            // A transaction whose COMMIT fails is over.
            let error = 1 + (&said[1..5]).get_u32() as usize;
            said.truncate(error);
            self.server.send(&query("ROLLBACK")).await?;
            self.listen().await?;
            said.put_slice(&[b'Z', 0, 0, 0, 5, self.status]);
        }
        self.client.send(&said).await
    }
}

/// A simple query.
fn query(sql: &str) -> Bytes {
    message(b'Q', format!("{sql}\0").as_bytes())
}

/// `FATAL`, as `pg_terminate_backend` makes a server say it.
fn ended_by_an_operator() -> Bytes {
    message(b'E', b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0")
}

fn message(kind: u8, body: &[u8]) -> Bytes {
    let mut message = BytesMut::new();
    message.put_u8(kind);
    message.put_u32(u32::try_from(body.len()).unwrap() + 4);
    message.put_slice(body);
    message.freeze()
}
