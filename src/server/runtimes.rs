//! The runtimes that serve: one a core, each on a thread of its own, with connections dealt to them in turn. What a call does that
//! is quick never leaves its thread; what takes longer, or is asked of the database by other ways than rounds, goes to the
//! runtime that the store was opened on.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select_all;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use super::Failed;
use crate::store::Store;

/// Connections on their way to a runtime.
const DEALT: usize = 128;
/// How long nobody is let in after the machine could not take a connection: it is out of file descriptors, say.
const PAUSE: Duration = Duration::from_millis(50);

/// How a runtime's serving ends.
type Ended = Result<(), Failed>;
/// The connections of a runtime.
pub(super) type Connections = Pin<Box<dyn tokio_stream::Stream<Item = io::Result<TcpStream>> + Send>>;
/// Resolves when no more calls are taken.
pub(super) type Stop = Pin<Box<dyn Future<Output = ()> + Send>>;
/// Serves on one runtime.
pub(super) type Serve = Arc<dyn Fn(Store, Connections, Stop) -> Pin<Box<dyn Future<Output = Ended> + Send>> + Send + Sync>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Serving,
    /// Calls under way may end.
    Draining,
    /// Whatever is left is cut off.
    Over,
}

/// The runtimes.
pub(super) struct Runtimes {
    phase: watch::Sender<Phase>,
    doors: Vec<mpsc::Sender<std::net::TcpStream>>,
    ended: Vec<oneshot::Receiver<Ended>>,
}

impl Runtimes {
    /// Starts them.
    ///
    /// # Errors
    /// When the machine has no thread or runtime to give.
    pub(super) fn start(store: &Store, serve: &Serve) -> io::Result<Self> {
        let (phase, _) = watch::channel(Phase::Serving);
        // Whoever listens to this thread's log listens to theirs.
        let log = tracing::dispatcher::get_default(Clone::clone);
        let mut runtimes = Self { phase, doors: Vec::new(), ended: Vec::new() };
        for number in 0..std::thread::available_parallelism()?.get() {
            let (door, dealt) = mpsc::channel(DEALT);
            let (end, ended) = oneshot::channel();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let serving = run(store.for_runtime(), serve.clone(), dealt, runtimes.phase.subscribe());
            let log = log.clone();
            std::thread::Builder::new().name(format!("roster-serve-{number}")).spawn(move || {
                let ended = tracing::dispatcher::with_default(&log, || runtime.block_on(serving));
                let _ = end.send(ended);
            })?;
            runtimes.doors.push(door);
            runtimes.ended.push(ended);
        }
        Ok(runtimes)
    }

    /// Deals connections, for as long as it is polled.
    pub(super) fn deal(&self, listener: TcpListener) -> impl Future<Output = ()> + use<> {
        let doors = self.doors.clone();
        async move {
            for turn in (0..doors.len()).cycle() {
                let connection = loop {
                    match listener.accept().await.and_then(|(connection, _)| detached(connection)) {
                        Ok(connection) => break connection,
                        Err(error) => {
                            tracing::warn!(%error, "taking a connection");
                            tokio::time::sleep(PAUSE).await;
                        }
                    }
                };
                hand_in(&doors, turn, connection).await;
            }
        }
    }

    /// Lets calls under way end, and takes no more.
    pub(super) fn drain(&self) {
        self.phase.send_replace(Phase::Draining);
    }

    /// Waits until they have ended.
    pub(super) async fn ended(&mut self) -> Ended {
        while !self.ended.is_empty() {
            let (ended, place, _) = select_all(self.ended.iter_mut()).await;
            self.ended.swap_remove(place);
            ended.map_err(|_| "a thread that serves is gone")??;
        }
        Ok(())
    }

    /// Ends what is still under way, and waits until all runtimes are gone.
    pub(super) async fn cut_off(mut self) {
        self.phase.send_replace(Phase::Over);
        for ended in self.ended.drain(..) {
            let _ = ended.await;
        }
    }
}

/// What a runtime does.
async fn run(store: Store, serve: Serve, dealt: mpsc::Receiver<std::net::TcpStream>, phase: watch::Receiver<Phase>) -> Ended {
    let connections = ReceiverStream::new(dealt).map(TcpStream::from_std);
    let reached = |wanted: Phase| {
        let mut phase = phase.clone();
        async move { drop(phase.wait_for(|phase| *phase >= wanted).await) }
    };
    let ended = tokio::select! {
        ended = serve(store.clone(), Box::pin(connections), Box::pin(reached(Phase::Draining))) => ended,
        () = reached(Phase::Over) => Ok(()),
    };
    // Of a server that stands still its connections are not given back.
    drop(tokio::time::timeout(super::CLOSE, store.close_for_runtime()).await);
    ended
}

/// Hands a connection in at the door of this turn, or at the next one where that is crowded or closed.
async fn hand_in(doors: &[mpsc::Sender<std::net::TcpStream>], turn: usize, mut connection: std::net::TcpStream) {
    for door in doors.iter().cycle().skip(turn).take(doors.len()) {
        connection = match door.try_send(connection) {
            Ok(()) => return,
            Err(TrySendError::Full(refused) | TrySendError::Closed(refused)) => refused,
        };
    }
    let _ = doors[turn].send(connection).await;
}

/// The connection without its place in this runtime.
fn detached(connection: TcpStream) -> io::Result<std::net::TcpStream> {
    connection.set_nodelay(true)?;
    connection.into_std()
}
