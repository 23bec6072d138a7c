//! Random sequences of all RPCs, through the wire, against a model of the contract without any SQL: every answer is compared.

mod answer;
mod caller;
mod changes;
mod draw;
mod keys;
mod pages;
mod pools;
mod profiles;
mod requests;
mod resource;
mod rpcs;
mod sets;
mod state;
mod users;

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use answer::{Made, Outcome};
use draw::Operation;
use prost_reflect::ServiceDescriptor;
use roster::proto::ApiKeyDto;
use rpcs::Response;
use state::{Bent, World};

use crate::dto::descriptor;
use crate::harness::Roster;
use crate::wire::Wire;

/// Where failing sequences are kept.
const REGRESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/model/regressions.txt");
/// How many sequences are run where nothing else is said; a campaign is 1,000.
const SEEDS: u64 = 16;
/// How often a failing sequence is tried with fewer operations.
const TRIES: usize = 300;

/// Where the server and the model part.
struct Divergence {
    /// The number of the operation.
    number: usize,
    told: String,
}

/// How often each RPC was answered how: by its path, and `OK` or the reason.
type Tally = BTreeMap<(&'static str, String), usize>;

/// A server, and the model of it.
struct Run {
    roster: Roster,
    wire: Wire,
    world: World,
    tally: Tally,
}

impl Run {
    async fn start(bent: Option<Bent>) -> Self {
        let roster = Roster::start().await;
        let root = roster.key("*", None).await;
        let wire = Wire::connect(roster.address).await;
        let api_key = ApiKeyDto { last_used_at: None, ..root.api_key };
        let world = World::new(roster.clock.now(), api_key, root.secret.expose().to_owned(), bent);
        Self { roster, wire, world, tally: Tally::new() }
    }

    /// Does one operation here and there; what differs, in words.
    async fn step(&mut self, operation: &Operation) -> Result<(), String> {
        let call = match operation {
            Operation::Advance(by) => {
                self.roster.clock.advance(*by);
                self.world.now = self.roster.clock.now();
                return Ok(());
            }
            Operation::Call(call) => call,
        };
        let actual = Outcome::of(call, &call.send(&self.wire).await);
        if let Ok(Response::GetVersion(version)) = &actual.answer {
            self.world.version.get_or_insert_with(|| version.clone());
        }
        let how = match &actual.answer {
            Ok(_) if actual.replayed => "REPLAYED".to_owned(),
            Ok(_) => "OK".to_owned(),
            Err(refused) => refused.reason.clone(),
        };
        *self.tally.entry((call.request.path(), how)).or_default() += 1;
        let expected = self.world.answer(call, &Made::of(&actual));
        if actual == expected {
            return Ok(());
        }
        Err(format!("{call:?}\n  the server: {actual:?}\n  the model:  {expected:?}"))
    }
}

/// What came of a sequence.
struct Ran {
    tally: Tally,
    done: Vec<Operation>,
    divergence: Option<Divergence>,
}

/// Runs these operations of the seed's sequence.
async fn run(seed: u64, numbers: &[usize], bent: Option<Bent>) -> Ran {
    let mut run = Run::start(bent).await;
    let (mut done, mut divergence) = (Vec::new(), None);
    for number in numbers {
        let operation = draw::operation(seed, *number, &run.world);
        let step = run.step(&operation).await;
        done.push(operation);
        if let Err(told) = step {
            divergence = Some(Divergence { number: *number, told });
            break;
        }
    }
    let Run { roster, tally, .. } = run;
    roster.stop_and_keep().await;
    Ran { tally, done, divergence }
}

/// A shorter sequence that fails too: operations are left out as long as it does.
async fn shrink(seed: u64, mut numbers: Vec<usize>, bent: Option<Bent>) -> Vec<usize> {
    let (mut tries, mut size) = (0, numbers.len().div_ceil(2));
    while size > 0 && tries < TRIES {
        let (mut at, before) = (0, numbers.len());
        while at < numbers.len() && tries < TRIES {
            let mut fewer = numbers.clone();
            fewer.drain(at..(at + size).min(fewer.len()));
            tries += 1;
            match run(seed, &fewer, bent).await.divergence {
                Some(Divergence { number, .. }) => {
                    fewer.retain(|other| *other <= number);
                    numbers = fewer;
                }
                None => at += size,
            }
        }
        size = if size == 1 && numbers.len() < before { 1 } else { size / 2 };
    }
    numbers
}

/// What is told of a divergence, with a short sequence that leads to one.
async fn report(seed: u64, numbers: Vec<usize>, bent: Option<Bent>, first: Divergence) -> (Vec<usize>, String) {
    let until: Vec<_> = numbers.into_iter().filter(|number| *number <= first.number).collect();
    // Of the wrong rules one is enough to see that it becomes short.
    let short = if matches!(bent, None | Some(Bent::UsernamesFold)) { shrink(seed, until, bent).await } else { until };
    let again = run(seed, &short, bent).await;
    let told = again.divergence.map_or_else(String::new, |divergence| divergence.told);
    let first = format!("seed {seed}, operation {}: {}", first.number, first.told);
    let done: Vec<_> = short.iter().zip(again.done).map(|(number, done)| format!("{number}: {done:?}")).collect();
    (short, format!("{first}\n\nin short:\n{}\n\n{told}", done.join("\n")))
}

fn keep(seed: u64, numbers: &[usize]) {
    let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
    let mut file = std::fs::File::options().append(true).open(REGRESSIONS).unwrap();
    writeln!(file, "{seed} {}", numbers.join(" ")).unwrap();
}

/// The sequences that failed once.
fn kept() -> Vec<(u64, Vec<usize>)> {
    let text = std::fs::read_to_string(REGRESSIONS).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let read = |line: &str| {
        let mut numbers = line.split(' ').map(|number| number.parse::<u64>().unwrap());
        let seed = numbers.next().unwrap();
        (seed, numbers.map(|number| usize::try_from(number).unwrap()).collect())
    };
    lines.map(read).collect()
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// What came of many sequences.
#[derive(Default)]
struct Found {
    tally: Tally,
    /// The first that failed: its seed, its operations in short, and what is told of it.
    failed: Option<(u64, Vec<usize>, String)>,
}

/// Runs the sequences on two threads until one of them fails.
fn campaign(sequences: &[(u64, Vec<usize>)], bent: Option<Bent>) -> Found {
    let (next, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let found = Mutex::new(Found::default());
    let work = || {
        while let Some((seed, numbers)) = sequences.get(next.fetch_add(1, Ordering::SeqCst))
            && !over.load(Ordering::SeqCst)
        {
            let ran = block_on(run(*seed, numbers, bent));
            for (how, count) in ran.tally {
                *found.lock().unwrap().tally.entry(how).or_default() += count;
            }
            if let Some(divergence) = ran.divergence
                && !over.swap(true, Ordering::SeqCst)
            {
                let (short, told) = block_on(report(*seed, numbers.clone(), bent, divergence));
                found.lock().unwrap().failed = Some((*seed, short, told));
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    found.into_inner().unwrap()
}

fn sequences(seeds: std::ops::Range<u64>) -> Vec<(u64, Vec<usize>)> {
    let operations = usize::try_from(setting("ROSTER_TEST_MODEL_OPERATIONS", 200)).unwrap();
    seeds.map(|seed| (seed, (0..operations).collect())).collect()
}

#[test]
fn whatever_is_called_is_answered_as_the_model_says() {
    let all = |(seed, numbers): (u64, Vec<usize>)| (seed, if numbers.is_empty() { (0..200).collect() } else { numbers });
    let kept: Vec<_> = kept().into_iter().map(all).collect();
    if let Some((_, _, told)) = campaign(&kept, None).failed {
        panic!("{told}");
    }
    let (first, seeds) = (setting("ROSTER_TEST_MODEL_FIRST_SEED", 0), setting("ROSTER_TEST_MODEL_SEEDS", SEEDS));
    let found = campaign(&sequences(first..first + seeds), None);
    if let Some((seed, short, told)) = found.failed {
        keep(seed, &short);
        panic!("{told}");
    }
    for ((path, how), count) in &found.tally {
        println!("{count:>8} {path} {how}");
    }
    if seeds >= SEEDS {
        assert_no_rpc_is_left_out(&found.tally);
    }
}

/// Each RPC must have been answered, and those that can be refused also that, or little was compared.
fn assert_no_rpc_is_left_out(tally: &Tally) {
    let service = |name: &str| descriptor().parent_pool().get_service_by_name(&format!("roster.v1.{name}")).unwrap();
    let services = ["UserService", "GroupService", "RoleService", "ApiKeyService", "MetaService"].map(service);
    for method in services.iter().flat_map(ServiceDescriptor::methods) {
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let ways: Vec<_> = tally.keys().filter(|(called, _)| *called == path).map(|(_, how)| how.as_str()).collect();
        assert!(ways.contains(&"OK"), "{path} was never answered OK: {ways:?}");
        assert!(ways.len() > 1 || path.contains("Meta"), "{path} was never refused");
    }
}

#[test]
fn a_model_with_a_wrong_rule_is_found_out() {
    for bent in [Bent::UsernamesFold, Bent::VerifiedStays, Bent::DeletedAreShown, Bent::EtagsIgnored, Bent::MembersStay] {
        let found = campaign(&sequences(0..40), Some(bent));
        let (seed, short, _) = found.failed.unwrap_or_else(|| panic!("{bent:?} makes no difference"));
        println!("{bent:?}: seed {seed}, {} operations", short.len());
        assert!(bent != Bent::UsernamesFold || short.len() <= 12, "{bent:?}: {short:?}");
    }
}
