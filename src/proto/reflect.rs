//! Messages seen as lists of fields, so that what holds for every field (limits, output-only, scopes, secrets) is written once.
//! `build/reflect.rs` implements [`Reflect`] for every message from the `rule` options of its proto.

use std::{collections::BTreeMap, fmt};

use prost_types::{FieldMask, Struct};

use super::Timestamp;
use crate::scope::Scope;

/// A message whose fields can be walked.
pub trait Reflect {
    /// The message's name in the proto, without the package.
    fn name(&self) -> &'static str;

    /// What each field takes, in the order of the proto.
    fn fields(&self) -> &'static [Field];

    /// The value of `fields()[index]`.
    fn value(&self, index: usize) -> Value<'_>;

    /// Each field with its value.
    fn each(&self) -> impl Iterator<Item = (&'static Field, Value<'_>)>
    where
        Self: Sized,
    {
        self.fields().iter().enumerate().map(|(index, field)| (field, self.value(index)))
    }

    /// Empties the passwords in it, so that the rest of it may be kept.
    fn blank_passwords(&mut self) {}

    /// The value of the field of this name; absent where there is no such field.
    fn get(&self, name: &str) -> Value<'_> {
        let index = self.fields().iter().position(|field| field.name == name);
        index.map_or(Value::Absent, |index| self.value(index))
    }
}

/// What a field takes: `FieldRule` of `options.proto`.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "as the option message has them")]
pub struct Field {
    /// The name in the proto.
    pub name: &'static str,
    /// What its text may be.
    pub text: TextRule,
    /// Set by the server.
    pub output_only: bool,
    /// Chosen by the caller on Create only.
    pub create_only: bool,
    /// Has no absent state.
    pub never_absent: bool,
    /// Never echoed, printed or logged.
    pub secret: bool,
    /// The most items; 0: no limit of its own.
    pub max_items: usize,
    /// The scope needed wherever the field is named.
    pub scope: Option<Scope>,
    /// The least value of a number.
    pub minimum: Option<i64>,
    /// The most bytes of a text, or of an object as JSON; 0: no limit of its own.
    pub max_bytes: usize,
    /// Whether the keys of an object are others' choice.
    pub foreign_keys: bool,
    /// Whether it is a password, of which only a hash may be kept.
    pub password: bool,
    /// The fields of the message that it holds.
    pub children: &'static [Field],
}

impl Field {
    /// A field without rules.
    pub(crate) const PLAIN: Self = Self {
        name: "",
        text: TextRule::Unspecified,
        output_only: false,
        create_only: false,
        never_absent: false,
        secret: false,
        max_items: 0,
        scope: None,
        minimum: None,
        max_bytes: 0,
        foreign_keys: false,
        password: false,
        children: &[],
    };
}

/// Kinds of text: `TextRule` of `options.proto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextRule {
    /// No rule of its own.
    Unspecified,
    /// Short, on one line.
    Line,
    /// Short, tabs and newlines allowed.
    Block,
    /// Long, on one line.
    LongLine,
    /// Long, tabs and newlines allowed.
    LongBlock,
    /// `YYYY-MM-DD`.
    Date,
    /// An id that a caller chooses.
    ChosenId,
    /// What a group, a role and their like are called by.
    Code,
    /// The id of something else.
    Id,
    /// What somebody else made.
    Opaque,
}

/// A field's value, borrowed from its message.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// Not set; for a field without presence also empty, zero or false.
    Absent,
    /// A text.
    Text(&'a str),
    /// Several texts, at least one.
    Texts(&'a [String]),
    /// A number.
    Number(i64),
    /// A flag.
    Flag(bool),
    /// An enum's number, and whether the enum has it.
    Enum(i32, bool),
    /// A time.
    Time(Timestamp),
    /// A JSON object.
    Json(&'a Struct),
    /// A field mask.
    Mask(&'a FieldMask),
    /// A message of ours.
    Message(&'a dyn Reflect),
    /// Several of them, at least one.
    Messages(&'a dyn Messages),
    /// Present, of a kind that has no rules.
    Other,
}

impl<'a> Value<'a> {
    /// An enum's number, and whether `known` has it.
    pub(crate) fn enumeration(number: Option<i32>, known: fn(i32) -> bool) -> Self {
        number.map_or(Self::Absent, |number| Self::Enum(number, known(number)))
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(self) -> Option<&'a str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// Whether the field is named by the message.
    #[must_use]
    pub fn is_present(&self) -> bool {
        !matches!(self, Self::Absent)
    }
}

/// A list of messages, whichever their type.
pub trait Messages {
    /// The messages.
    fn each(&self) -> Box<dyn Iterator<Item = &dyn Reflect> + '_>;
}

impl<M: Reflect> Messages for Vec<M> {
    fn each(&self) -> Box<dyn Iterator<Item = &dyn Reflect> + '_> {
        Box::new(self.iter().map(|message| message as &dyn Reflect))
    }
}

/// Prints a message with secret fields: those that are set show as `<secret>`.
pub(crate) fn debug(name: &str, message: &impl Reflect, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut output = formatter.debug_struct(name);
    for (field, value) in message.each().filter(|(_, value)| value.is_present()) {
        if field.secret {
            output.field(field.name, &format_args!("<secret>"));
        } else {
            output.field(field.name, &value);
        }
    }
    output.finish()
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => fmt::Debug::fmt(text, formatter),
            Self::Texts(texts) => fmt::Debug::fmt(texts, formatter),
            Self::Number(number) => fmt::Debug::fmt(number, formatter),
            Self::Flag(flag) => fmt::Debug::fmt(flag, formatter),
            Self::Enum(number, _) => fmt::Debug::fmt(number, formatter),
            Self::Time(time) => fmt::Debug::fmt(time, formatter),
            Self::Absent | Self::Json(_) | Self::Mask(_) | Self::Message(_) | Self::Messages(_) | Self::Other => {
                formatter.write_str("…")
            }
        }
    }
}

// === how generated code reads a field ===

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<i32> for Value<'_> {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        if text.is_empty() { Self::Absent } else { Self::Text(text) }
    }
}

impl<'a> From<&'a i32> for Value<'a> {
    fn from(number: &'a i32) -> Self {
        if *number == 0 { Self::Absent } else { Self::from(*number) }
    }
}

impl<'a> From<&'a i64> for Value<'a> {
    fn from(number: &'a i64) -> Self {
        if *number == 0 { Self::Absent } else { Self::Number(*number) }
    }
}

impl<'a> From<&'a bool> for Value<'a> {
    fn from(flag: &'a bool) -> Self {
        if *flag { Self::Flag(true) } else { Self::Absent }
    }
}

impl<'a> From<&'a Option<String>> for Value<'a> {
    fn from(text: &'a Option<String>) -> Self {
        text.as_deref().map_or(Self::Absent, Self::Text)
    }
}

impl<'a> From<&'a Option<i32>> for Value<'a> {
    fn from(number: &'a Option<i32>) -> Self {
        number.map_or(Self::Absent, Self::from)
    }
}

impl<'a> From<&'a Option<i64>> for Value<'a> {
    fn from(number: &'a Option<i64>) -> Self {
        number.map_or(Self::Absent, Self::Number)
    }
}

impl<'a> From<&'a Option<bool>> for Value<'a> {
    fn from(flag: &'a Option<bool>) -> Self {
        flag.map_or(Self::Absent, Self::Flag)
    }
}

impl<'a> From<&'a Option<Timestamp>> for Value<'a> {
    fn from(time: &'a Option<Timestamp>) -> Self {
        time.map_or(Self::Absent, Self::Time)
    }
}

impl<'a> From<&'a Option<Struct>> for Value<'a> {
    fn from(json: &'a Option<Struct>) -> Self {
        json.as_ref().map_or(Self::Absent, Self::Json)
    }
}

impl<'a> From<&'a Option<FieldMask>> for Value<'a> {
    fn from(mask: &'a Option<FieldMask>) -> Self {
        mask.as_ref().map_or(Self::Absent, Self::Mask)
    }
}

impl<'a> From<&'a Option<prost_types::Duration>> for Value<'a> {
    fn from(duration: &'a Option<prost_types::Duration>) -> Self {
        duration.as_ref().map_or(Self::Absent, |_| Self::Other)
    }
}

impl<'a> From<&'a Option<tonic_types::pb::Status>> for Value<'a> {
    fn from(status: &'a Option<tonic_types::pb::Status>) -> Self {
        status.as_ref().map_or(Self::Absent, |_| Self::Other)
    }
}

impl<'a> From<&'a Vec<String>> for Value<'a> {
    fn from(texts: &'a Vec<String>) -> Self {
        if texts.is_empty() { Self::Absent } else { Self::Texts(texts) }
    }
}

impl<'a> From<&'a BTreeMap<String, prost_types::Value>> for Value<'a> {
    fn from(map: &'a BTreeMap<String, prost_types::Value>) -> Self {
        if map.is_empty() { Self::Absent } else { Self::Other }
    }
}

impl<'a, M: Reflect> From<&'a Option<M>> for Value<'a> {
    fn from(message: &'a Option<M>) -> Self {
        message.as_ref().map_or(Self::Absent, |message| Self::Message(message))
    }
}

impl<'a, M: Reflect> From<&'a Vec<M>> for Value<'a> {
    fn from(messages: &'a Vec<M>) -> Self {
        if messages.is_empty() { Self::Absent } else { Self::Messages(messages) }
    }
}
