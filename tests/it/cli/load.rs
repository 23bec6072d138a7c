//! Callers that write until the server is gone, each under keys of its own, and the journal of what they were answered.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use prost::Message;
use roster::proto::{
    AddGroupMembersRequest, AddGroupMembersResponse, BatchCreateUsersItem, BatchCreateUsersRequest, BatchCreateUsersResponse,
    CreateGroupRequest, CreateGroupResponse, CreateUserResponse, DeleteUserRequest, GroupDto, ListUsersRequest,
    ListUsersResponse, UpdateUserResponse, UserDto,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tonic::Code;

use crate::calls::{creating, setting};
use crate::custom_data::object;
use crate::wire::{Answer, Wire, framed, posting};

/// The API key of all callers.
pub(crate) const KEY: &str = "a-key-of-thirty-two-characters-or-more";
/// The settings that it is good under.
pub(crate) const KEYED: &[(&str, &str)] = &[("ROSTER_BOOTSTRAP_API_KEY", KEY)];
/// The group that users join.
const GROUP: &str = "all";

/// A write, by the ids of its users.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    Create(String),
    CreateBatch(Vec<String>),
    /// Profile and custom data, to what they are in this version.
    Update(String, u32),
    /// Into the group; not replayable, but the same however often it is made.
    Join(Vec<String>),
    Delete(String),
}

/// A write and its answer; none: nobody knows whether it was made.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) write: Write,
    pub(crate) key: String,
    pub(crate) answer: Option<Answer>,
}

/// What one caller sent, one after the other: but for the last, each was answered.
#[derive(Debug)]
pub(crate) struct Journal {
    /// How the ids of all its users begin, and of nobody else's.
    pub(crate) prefix: String,
    pub(crate) sent: Vec<Sent>,
}

/// How a user must be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected {
    version: u32,
    /// As it was answered.
    etag: Option<String>,
    joined: bool,
}

pub(crate) type Model = BTreeMap<String, Expected>;
pub(crate) type Stored = BTreeMap<String, UserDto>;

/// The user in this version: whoever sees half of it notices.
fn user(user_id: &str, version: u32) -> UserDto {
    let text = format!("{user_id} in version {version}");
    let custom_data =
        object([("text", text.clone().into()), ("long", "x".repeat(300).into()), (&format!("only-in-{version}"), true.into())]);
    UserDto { nickname: Some(text), custom_data: Some(custom_data), ..UserDto::default() }
}

fn new_user(user_id: &str) -> UserDto {
    UserDto { user_id: Some(user_id.to_owned()), username: Some(user_id.to_owned()), ..user(user_id, 0) }
}

impl Write {
    pub(crate) fn path(&self) -> &'static str {
        match self {
            Self::Create(_) => "/roster.v1.UserService/CreateUser",
            Self::CreateBatch(_) => "/roster.v1.UserService/BatchCreateUsers",
            Self::Update(..) => "/roster.v1.UserService/UpdateUser",
            Self::Join(_) => "/roster.v1.GroupService/AddGroupMembers",
            Self::Delete(_) => "/roster.v1.UserService/DeleteUser",
        }
    }

    pub(crate) fn request(&self) -> Vec<u8> {
        match self {
            Self::Create(id) => creating(new_user(id)).encode_to_vec(),
            Self::CreateBatch(ids) => {
                let users =
                    ids.iter().map(|id| BatchCreateUsersItem { user: Some(new_user(id)), ..Default::default() }).collect();
                BatchCreateUsersRequest { users, ..Default::default() }.encode_to_vec()
            }
            Self::Update(id, version) => setting(id, user(id, *version)).encode_to_vec(),
            Self::Join(ids) => {
                let code = Some(GROUP.to_owned());
                AddGroupMembersRequest { code, user_ids: ids.clone(), ..Default::default() }.encode_to_vec()
            }
            Self::Delete(id) => DeleteUserRequest { user_id: Some(id.clone()), ..Default::default() }.encode_to_vec(),
        }
    }

    /// Makes it under the key, or finds the server gone.
    pub(crate) async fn attempt(&self, wire: &Wire, key: &str) -> Result<Answer, h2::Error> {
        let headers = [("x-api-key", KEY), ("idempotency-key", key)];
        wire.attempt(posting(self.path(), &headers), framed(&self.request())).await
    }

    /// What the write does to those who are there.
    fn apply(&self, model: &mut Model, answer: Option<&Answer>) {
        let etags = answer.map(|answer| self.etags(answer)).unwrap_or_default();
        let etag = |index: usize| etags.get(index).cloned().flatten();
        match self {
            Self::Create(id) => drop(model.insert(id.clone(), Expected { etag: etag(0), ..Expected::default() })),
            Self::CreateBatch(ids) => {
                let users = ids.iter().enumerate();
                model.extend(users.map(|(index, id)| (id.clone(), Expected { etag: etag(index), ..Expected::default() })));
            }
            Self::Update(id, version) => {
                let user = model.get_mut(id).unwrap();
                (user.version, user.etag) = (*version, etag(0));
            }
            Self::Join(ids) => ids.iter().for_each(|id| model.get_mut(id).unwrap().joined = true),
            Self::Delete(id) => drop(model.remove(id)),
        }
    }

    /// The etags that the answer tells, once it is seen that all went well.
    pub(crate) fn etags(&self, answer: &Answer) -> Vec<Option<String>> {
        let etag = |user: Option<UserDto>| vec![user.and_then(|user| user.etag)];
        match self {
            Self::Create(_) => etag(answer.message::<CreateUserResponse>().user),
            Self::Update(..) => etag(answer.message::<UpdateUserResponse>().user),
            Self::CreateBatch(ids) => {
                let results = answer.message::<BatchCreateUsersResponse>().results;
                assert_eq!(results.len(), ids.len());
                results.into_iter().inspect(|result| assert_eq!(result.error, None)).map(|result| result.etag).collect()
            }
            Self::Join(ids) => {
                let results = answer.message::<AddGroupMembersResponse>().results;
                assert!(results.len() == ids.len() && results.iter().all(|result| result.error.is_none()), "{results:?}");
                Vec::new()
            }
            Self::Delete(_) => Vec::new(),
        }
    }
}

impl Sent {
    /// Whether an answer to it can be given again, and whom it shows.
    pub(crate) fn shows(&self) -> Option<&str> {
        match &self.write {
            Write::Create(id) | Write::Update(id, _) => Some(id),
            _ => None,
        }
    }
}

/// Who must be there after these writes.
pub(crate) fn model<'a>(sent: impl IntoIterator<Item = &'a Sent>) -> Model {
    let mut model = Model::new();
    for sent in sent {
        sent.write.apply(&mut model, sent.answer.as_ref());
    }
    model
}

impl Journal {
    /// How many writes were acknowledged.
    pub(crate) fn acknowledged(&self) -> usize {
        self.sent.iter().take_while(|sent| sent.answer.is_some()).count()
    }

    /// How many of its writes are stored, the first `least` in any case; or what is wrong with what is.
    pub(crate) fn find(&self, least: usize, stored: &Stored) -> Result<usize, Vec<String>> {
        let own: Stored = stored.iter().filter(|(id, _)| id.starts_with(&self.prefix)).map(owned).collect();
        let mut found = (least..=self.sent.len()).map(|count| (count, differences(&model(&self.sent[..count]), &own)));
        let (_, wrong) = match found.next().unwrap() {
            (count, wrong) if wrong.is_empty() => return Ok(count),
            first => first,
        };
        found.find(|(_, wrong)| wrong.is_empty()).map(|(count, _)| count).ok_or(wrong)
    }
}

fn owned((id, user): (&String, &UserDto)) -> (String, UserDto) {
    (id.clone(), user.clone())
}

/// What is not as it must be, in words.
pub(crate) fn differences(model: &Model, stored: &Stored) -> Vec<String> {
    let missing = model.keys().filter(|id| !stored.contains_key(*id)).map(|id| format!("{id} is lost"));
    let wrong = stored.iter().filter_map(|(id, user)| match model.get(id) {
        None => Some(format!("{id} should not be there")),
        Some(expected) => (!expected.is(id, user)).then(|| format!("{id} should be {expected:?} and is {user:?}")),
    });
    missing.chain(wrong).collect()
}

impl Expected {
    fn is(&self, user_id: &str, stored: &UserDto) -> bool {
        let whole = user(user_id, self.version);
        let groups: &[&str] = if self.joined { &[GROUP] } else { &[] };
        (&stored.nickname, &stored.custom_data) == (&whole.nickname, &whole.custom_data)
            && stored.username.as_deref() == Some(user_id)
            && stored.group_codes == groups
            && self.etag.as_ref().is_none_or(|etag| stored.etag.as_ref() == Some(etag))
    }
}

/// Everybody who is there.
pub(crate) async fn stored(wire: &Wire) -> Stored {
    let (mut stored, mut page_token) = (Stored::new(), String::new());
    loop {
        let limit = Some(1_000);
        let request = ListUsersRequest { limit, page_token, with_custom_data: true, with_groups: true, ..Default::default() };
        let answer = wire.call("/roster.v1.UserService/ListUsers", &[("x-api-key", KEY)], &request).await;
        let page: ListUsersResponse = answer.message();
        for user in page.users {
            let twice = stored.insert(user.user_id().to_owned(), user);
            assert_eq!(twice, None, "listed twice");
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return stored;
        }
    }
}

/// Makes the group that users join, unless it is there.
pub(crate) async fn make_group(wire: &Wire) {
    let group = Some(GroupDto { code: Some(GROUP.to_owned()), ..GroupDto::default() });
    let headers = [("x-api-key", KEY), ("idempotency-key", "the-group")];
    let answer = wire.call("/roster.v1.GroupService/CreateGroup", &headers, &CreateGroupRequest { group }).await;
    answer.message::<CreateGroupResponse>();
}

/// Callers at work.
pub(crate) struct Load {
    callers: JoinSet<()>,
    journals: Vec<Journal>,
    answered: UnboundedReceiver<(usize, Sent)>,
}

impl Load {
    /// Starts callers, each on a connection of its own, that make what `script` says for the prefix of their ids and the step.
    pub(crate) async fn start(address: SocketAddr, name: &str, callers: usize, script: fn(&str, usize) -> Write) -> Self {
        let (send, answered) = unbounded_channel();
        let (mut running, mut journals) = (JoinSet::new(), Vec::new());
        for number in 0..callers {
            let (wire, prefix) = (Wire::connect(address).await, format!("{name}-{number}-"));
            journals.push(Journal { prefix: prefix.clone(), sent: Vec::new() });
            running.spawn(write_until_gone(wire, number, prefix, script, send.clone()));
        }
        Self { callers: running, journals, answered }
    }

    /// Waits until so many more writes are acknowledged.
    pub(crate) async fn acknowledge(&mut self, count: usize) {
        for done in 1..=count {
            let (caller, sent) = self.answered.recv().await.expect("the callers write until the server is gone");
            assert!(sent.answer.is_some(), "the server is gone too early");
            self.journals[caller].sent.push(sent);
            if done % 1_000 == 0 {
                eprintln!("  {done} of {count} writes acknowledged");
            }
        }
    }

    /// How many writes of each caller are acknowledged by now.
    pub(crate) fn acknowledged(&mut self) -> Vec<usize> {
        while let Ok((caller, sent)) = self.answered.try_recv() {
            self.journals[caller].sent.push(sent);
        }
        self.journals.iter().map(Journal::acknowledged).collect()
    }

    /// What was sent, once the server is gone.
    pub(crate) async fn end(mut self) -> Vec<Journal> {
        while let Some((caller, sent)) = self.answered.recv().await {
            self.journals[caller].sent.push(sent);
        }
        while let Some(ended) = self.callers.join_next().await {
            ended.unwrap();
        }
        self.journals
    }
}

async fn write_until_gone(
    wire: Wire,
    caller: usize,
    prefix: String,
    script: fn(&str, usize) -> Write,
    send: UnboundedSender<(usize, Sent)>,
) {
    for step in 0.. {
        let (write, key) = (script(&prefix, step), format!("{prefix}{step}"));
        let answer = write.attempt(&wire, &key).await.ok();
        if let Some(refused) = answer.as_ref().filter(|answer| answer.status.code() != Code::Ok) {
            panic!("{write:?}: {:?}", refused.status);
        }
        let gone = answer.is_none();
        if send.send((caller, Sent { write, key, answer })).is_err() || gone {
            return;
        }
    }
}
