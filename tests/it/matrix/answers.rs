//! Answers as the matrix looks at them: what became of a call in the words of its table, all that an answer says as one text, and
//! whatever in a text is of somebody whom the caller may not see.

use std::collections::BTreeSet;

use http::HeaderMap;
use prost::Message;
use prost_reflect::{DynamicMessage, ReflectMessage, Value};
use tonic::Code;
use tonic_types::pb;

use super::Method;
use super::names::{CANARY, OBJECTS, Object};
use crate::existence::row_error;
use crate::wire::Answer;

/// What became of the call, as far as what is expected asks for it; `name` is what it was about.
pub(super) fn told(method: &Method, answer: &Answer, name: &str, expected: &str) -> String {
    if answer.status.code() != Code::Ok {
        return word(&answer.refusal().reason);
    }
    let message = message(method, answer);
    if let Some(problem) = miscounted(&message) {
        return problem;
    }
    let row = message.get_field_by_name("results").map(|results| results.as_list().unwrap()[0].as_message().unwrap().clone());
    let row = row.unwrap_or_else(|| message.clone());
    if row.has_field_by_name("error") {
        let error = row.get_field_by_name("error").unwrap().as_message().unwrap().encode_to_vec();
        return format!("row:{}", word(&row_error(pb::Status::decode(error.as_slice()).unwrap()).reason));
    }
    match expected {
        "yes" | "no" => flag(&row),
        "listed" | "unlisted" if contains(&answer.body, name) => "listed".to_owned(),
        "listed" | "unlisted" => "unlisted".to_owned(),
        _ => "ok".to_owned(),
    }
}

/// The message of an answer that is one.
pub(super) fn message(method: &Method, answer: &Answer) -> DynamicMessage {
    DynamicMessage::decode(method.output(), &answer.body[5..]).unwrap()
}

/// A reason in the words of the table.
fn word(reason: &str) -> String {
    if reason.ends_with("_EXISTS") { "taken" } else { reason }.to_owned()
}

/// The first flag of the message.
fn flag(message: &DynamicMessage) -> String {
    let kind = message.descriptor();
    let flag = kind.fields().find_map(|field| message.get_field(&field).as_bool());
    flag.map_or("nothing", |flag| if flag { "yes" } else { "no" }).to_owned()
}

/// That a list on one page has not as many items as it says.
fn miscounted(message: &DynamicMessage) -> Option<String> {
    let next = message.get_field_by_name("next_page_token")?;
    let total = message.get_field_by_name("total_count").and_then(|total| total.as_i32())?;
    let items = message.fields().find_map(|(_, items)| Some(items.as_list()?.len())).unwrap_or_default();
    let whole = next.as_ref() == &Value::String(String::new());
    (whole && usize::try_from(total) != Ok(items)).then(|| format!("{items} items, and {total} are told of"))
}

/// All that the answer says, but for the request id and the date.
pub(super) fn said(answer: &Answer) -> String {
    let left_out = ["x-request-id", "date", "grpc-status-details-bin"];
    let headers = |headers: &HeaderMap| {
        let headers = headers.iter().filter(|(name, _)| !left_out.contains(&name.as_str()));
        let mut headers: Vec<_> = headers.map(|(name, value)| format!("{name}={}", value.as_bytes().escape_ascii())).collect();
        headers.sort_unstable();
        headers.join(" ")
    };
    let Answer { headers: head, status, body, trailers } = answer;
    let (code, details) = (status.code(), status.details().escape_ascii());
    let (head, trailers) = (headers(head), headers(trailers));
    format!("{code:?} {:?} {details} | {} | {head} | {trailers}", status.message(), body.escape_ascii())
}

/// The texts in it that are of hidden things, but for those that the request has itself.
pub(super) fn leaks(text: &str, request: &str, hidden: impl Fn(Object) -> bool) -> BTreeSet<String> {
    let hidden: Vec<_> = OBJECTS.into_iter().filter(|object| *object != Object::Absent && hidden(*object)).collect();
    let phones = hidden.iter().map(|object| object.phone()).filter(|phone| text.contains(phone));
    let canaries = text.match_indices(CANARY).filter_map(|(start, _)| {
        let (field, rest) = text[start + CANARY.len()..].strip_prefix('-')?.split_once('-')?;
        let object = hidden.iter().find(|object| rest.starts_with(object.tag()))?;
        let plain = field.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        plain.then(|| object.text(field))
    });
    phones.chain(canaries).filter(|text| !request.contains(text)).collect()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
