//! The matrix: every RPC under every key about everything that its request may name, held against [`super::table`]. What is
//! another's is held against what is not there, too, byte by byte.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, Write};

use futures_util::future::join_all;
use roster::clock;
use tonic::Code;

use super::answers::{leaks, said, told};
use super::keys::Key;
use super::names::{Aim, By, Level, Noun, Object, Relation};
use super::table::{Results, Row, TABLE};
use super::world::World;
use super::{Method, is_read, methods};

/// What was found.
#[derive(Default)]
struct Findings {
    cells: usize,
    mismatches: Vec<String>,
}

/// A request that is sent with a key.
struct Cell<'a> {
    row: &'a Row,
    key: &'a Key,
    results: &'a Results,
    template: &'a str,
    aim: Aim,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_gets_from_every_rpc_what_the_table_says() {
    let begun = clock::monotonic();
    // Two worlds beside each other, each for every second row.
    let halves = join_all([0, 1].map(|first| rows(first, 2))).await;
    let cells: usize = halves.iter().map(|half| half.cells).sum();
    let mismatches: Vec<_> = halves.into_iter().flat_map(|half| half.mismatches).collect();
    let seconds = begun.elapsed().as_secs();
    writeln!(io::stdout(), "matrix: {cells} cells, {} mismatches, {seconds} s", mismatches.len()).unwrap();
    assert!(mismatches.is_empty(), "{}", mismatches.join("\n"));
    assert!(cells > 10_000, "{cells}");
}

/// Every so-manieth row from one on, in a world of their own.
async fn rows(first: usize, step: usize) -> Findings {
    let world = World::new().await;
    let (keys, methods) = (Key::all(&world).await, methods());
    let mut findings = Findings::default();
    for row in TABLE.iter().skip(first).step_by(step) {
        for key in &keys {
            run(&world, &methods[row.rpc], row, key, &mut findings).await;
        }
    }
    findings
}

/// All cells of a row under a key.
async fn run(world: &World, method: &Method, row: &Row, key: &Key, findings: &mut Findings) {
    let mut alike: HashMap<String, (String, Aim)> = HashMap::new();
    for cell in Cell::all(row, key) {
        let request = cell.aim.fill(cell.template);
        let answer = world.call(method, key.secret.as_deref(), &request).await;
        findings.cells += 1;
        let expected = cell.expected();
        let mut told = told(method, &answer, &cell.name(), &expected);
        if answer.status.code() == Code::Ok && !is_read(method) {
            world.restore().await;
        }
        let mut wrong = Vec::new();
        if let Some((_, Some(scope))) = key.refused(row)
            && told == expected
        {
            told = answer.refusal().metadata["scope"].clone();
            wrong.extend((told != scope).then(|| format!("lacks {told}, not {scope}")));
        } else if told != expected {
            wrong.push(format!("{told}, not {expected}"));
        }
        let refused = key.refused(row).is_some();
        let leaked = leaks(&said(&answer), &request, |object| refused || object.is_hidden_from(key.bound));
        wrong.extend(leaked.into_iter().map(|text| format!("shows {text}")));
        if let Some(class) = cell.alike() {
            let said = cell.aim.anonymous(&said(&answer));
            match alike.entry(class) {
                Entry::Vacant(entry) => drop(entry.insert((said, cell.aim))),
                Entry::Occupied(entry) if entry.get().0 == said => {}
                Entry::Occupied(entry) => {
                    let (other, of) = entry.get();
                    wrong.push(format!("told apart from {of:?}:\n  {said}\n  {other}"));
                }
            }
        }
        let named = format!("{} {{ {request} }} under {}", row.rpc, key.name);
        findings.mismatches.extend(wrong.into_iter().map(|problem| format!("{named}: {problem}")));
    }
}

impl<'a> Cell<'a> {
    /// Those of a row and a key. Whole keys are tried with things of every sort, by ids of all kinds and in all forms of the
    /// request; a key that is not refused anyway names every level.
    fn all(row: &'a Row, key: &'a Key) -> Vec<Self> {
        let (refused, whole) = (key.refused(row).is_some(), key.is_whole());
        let mut cells = Vec::new();
        for template in if whole { row.requests } else { &row.requests[..1] } {
            for results in row.results {
                let noun = results.noun;
                let by_all = whole && noun == Noun::User && template.contains("{user");
                let aims = noun.objects(whole).into_iter().flat_map(|object| {
                    let first = levels(key.bound, noun, object, refused, template).into_iter().map(|named| (By::Id, named));
                    let others = By::ALL[1..].iter().filter(|_| by_all).map(|by| (*by, None));
                    first.chain(others).map(move |(by, named)| (object, by, named)).collect::<Vec<_>>()
                });
                cells.extend(aims.map(|(object, by, named)| {
                    let level = if key.bound == Level::Pool { named.unwrap_or(Level::Pool) } else { key.bound };
                    Self { row, key, results, template, aim: Aim { noun, object, by, level, named } }
                }));
            }
        }
        cells
    }

    /// What the thing is to whoever asks.
    fn relation(&self) -> Relation {
        match self.aim.noun {
            Noun::Nothing => Relation::Own,
            _ => self.aim.object.to(self.key.bound),
        }
    }

    /// Whether the request names an organization that the caller may not see.
    fn is_nowhere(&self) -> bool {
        self.aim.named.is_some_and(|named| named == Level::Nowhere || self.key.bound != Level::Pool && named != self.key.bound)
    }

    fn expected(&self) -> String {
        if let Some((reason, _)) = self.key.refused(self.row) {
            return reason.to_owned();
        }
        if self.is_nowhere() {
            return "ORGANIZATION_NOT_FOUND".to_owned();
        }
        let [bound, pool] = [self.results.bound, self.results.pool].map(|of| of.split(' ').collect::<Vec<_>>());
        let place = match (self.key.bound, self.relation()) {
            (Level::Pool, Relation::Absent) => return pool[1].to_owned(),
            (Level::Pool, _) if self.is_strange() => return pool.get(2).unwrap_or(&pool[0]).to_string(),
            (Level::Pool, _) => return pool[0].to_owned(),
            (_, Relation::Own) => 0,
            (_, Relation::Member) => 1,
            (_, Relation::Other) => 2,
            (_, Relation::Absent) => 3,
        };
        bound.get(place).unwrap_or(&bound[bound.len() - 1]).to_string()
    }

    /// Whether it names an organization that the thing is not in.
    fn is_strange(&self) -> bool {
        self.aim.noun != Noun::Nothing && self.aim.named.is_some_and(|named| !self.aim.object.homes().contains(&named))
    }

    /// Those that must be answered alike, byte by byte.
    fn alike(&self) -> Option<String> {
        let Aim { object, by, named, .. } = self.aim;
        let hidden = matches!(self.relation(), Relation::Other | Relation::Absent);
        let tells = self.results.bound.split(' ').count() > 3;
        if self.key.refused(self.row).is_some() {
            Some("refused".to_owned())
        } else if self.is_nowhere() {
            Some(format!("{} {:?} {object:?} {by:?} nowhere", self.template, self.results.noun))
        } else if self.key.bound != Level::Pool && hidden && !tells {
            Some(format!("{} {:?} {named:?} {by:?}", self.template, self.results.noun))
        } else {
            None
        }
    }

    /// What answers call the thing.
    fn name(&self) -> String {
        self.aim.noun.name(self.aim.object)
    }
}

/// The levels that a request about the thing names, one after the other.
fn levels(bound: Level, noun: Noun, object: Object, refused: bool, template: &str) -> Vec<Option<Level>> {
    let home = object.homes().first().copied();
    let located = ["department_id: ", "post_id: "].iter().any(|id| template.starts_with(id));
    match bound {
        _ if refused || !template.contains("{level}") => vec![None],
        // What has an id of its own is found by it wherever it stands.
        Level::Pool if noun.is_of_level() && !located => vec![home, Some(Level::Nowhere)],
        _ => vec![None, Some(Level::A), Some(Level::B), Some(Level::Nowhere)],
    }
}
