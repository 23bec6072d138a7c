//! Users that are sent, drawn: to be created or changed, with and without masks.

use std::sync::OnceLock;

use prost_reflect::FieldDescriptor;
use prost_types::{FieldMask, ListValue, Struct, Value, value::Kind};
use roster::proto::{self, UserDto};

use super::draw::Draw;
use super::pools;
use super::rpcs::Request;
use crate::dto::{changeable, sample, with};

/// The keys of custom data; the last ones are none.
const KEYS: &[&str] = &["a", "b", "key-1", "c", "a.b", ""];

/// What no mask may name.
const UNMASKABLE: &[&str] =
    &["*", "nope", "etag", "user_id", "created_at", "custom_data.a", "group_codes", "password", "password_last_set_at", ""];

fn fields() -> &'static [FieldDescriptor] {
    static FIELDS: OnceLock<Vec<FieldDescriptor>> = OnceLock::new();
    FIELDS.get_or_init(|| changeable().collect())
}

/// The fields whose texts are identifiers: their values come from the pools.
const IDENTIFIERS: &[&str] = &["email", "phone", "phone_country_code", "username", "external_id", "custom_data"];

impl Draw<'_> {
    pub(super) fn create_user(&mut self) -> Request {
        let user = (!self.chance.percent(1)).then(|| self.new_user());
        Request::CreateUser(proto::CreateUserRequest { user, ..Default::default() })
    }

    pub(super) fn batch_create_users(&mut self) -> Request {
        let item = |user| proto::BatchCreateUsersItem { user: Some(user), ..Default::default() };
        let count = if self.chance.percent(4) { 0 } else { 1 + self.chance.below(4) };
        let mut users: Vec<_> = (0..count).map(|_| item(self.new_user())).collect();
        if self.chance.percent(3) {
            users.push(proto::BatchCreateUsersItem { user: None, ..Default::default() });
        }
        Request::BatchCreateUsers(proto::BatchCreateUsersRequest { users, atomic: self.chance.percent(40) })
    }

    pub(super) fn update_user(&mut self) -> Request {
        let (user_id, user_id_type) = self.user_id();
        let etag = self.etag_of_user(user_id.as_deref());
        let mut user = (!self.chance.percent(8)).then(|| self.user());
        let update_mask = self.chance.percent(50).then(|| self.mask());
        if let (Some(user), Some(mask)) = (&mut user, &update_mask) {
            *user = self.filled(user, mask);
        }
        if self.chance.percent(8)
            && let Some(user) = &mut user
        {
            user.etag = self.etag_of_user(user_id.as_deref());
        }
        let merges = self.chance.percent(20);
        let custom_data_set = (merges && self.chance.percent(70)).then(|| self.custom_data());
        let count = if merges { self.chance.below(3) } else { 0 };
        let custom_data_unset = (0..count).map(|_| (*self.chance.mostly(KEYS, 4)).to_owned()).collect();
        Request::UpdateUser(proto::UpdateUserRequest {
            user_id,
            user_id_type,
            user,
            update_mask,
            etag,
            custom_data_set,
            custom_data_unset,
            ..Default::default()
        })
    }

    /// The etag that a user of the id has, or another, or none.
    pub(super) fn etag_of_user(&mut self, user_id: Option<&str>) -> Option<String> {
        let current = user_id.and_then(|user_id| self.world.users.get(user_id)).and_then(|user| user.dto.etag.clone());
        self.etag(current)
    }

    /// The user with values for most of the fields that the mask names.
    fn filled(&mut self, user: &UserDto, mask: &FieldMask) -> UserDto {
        let plain = fields().iter().filter(|field| !IDENTIFIERS.contains(&field.name()));
        let named: Vec<_> = plain.filter(|field| mask.paths.iter().any(|path| path == field.name())).collect();
        let values = named.into_iter().filter(|_| self.chance.percent(70)).map(|field| (field.name(), sample(field, 1)));
        let values: Vec<_> = values.collect();
        with(user, values)
    }

    fn mask(&mut self) -> FieldMask {
        let paths = (0..self.chance.below(5)).map(|_| match self.chance.below(100) {
            0..50 => (*self.chance.one(IDENTIFIERS)).to_owned(),
            50..97 => self.chance.one(fields()).name().to_owned(),
            _ => (*self.chance.one(UNMASKABLE)).to_owned(),
        });
        FieldMask { paths: paths.collect() }
    }

    fn new_user(&mut self) -> UserDto {
        let user_id =
            self.chance.percent(25).then(|| (*self.chance.mostly(pools::USER_IDS, pools::CHOOSABLE_USER_IDS)).to_owned());
        UserDto { user_id, ..self.user() }
    }

    fn user(&mut self) -> UserDto {
        let count = self.chance.below(5);
        let plain: Vec<_> = (0..count).map(|_| self.chance.one(fields())).collect();
        let plain = plain.into_iter().filter(|field| !IDENTIFIERS.contains(&field.name()));
        let values: Vec<_> =
            plain.map(|field| (field.name(), sample(field, if self.chance.percent(50) { 1 } else { 2 }))).collect();
        let mut user = with(&UserDto::default(), values);
        let drawn = |draw: &mut Self, percent: usize| draw.chance.percent(percent);
        user.username = drawn(self, 45).then(|| (*self.chance.mostly(pools::USERNAMES, pools::STORABLE_USERNAMES)).to_owned());
        user.email = drawn(self, 45).then(|| self.chance.mostly(pools::EMAILS, 12).0.to_owned());
        user.phone = drawn(self, 35).then(|| (*self.chance.mostly(pools::PHONES, 9)).to_owned());
        user.phone_country_code = drawn(self, 10).then(|| (*self.chance.mostly(pools::CALLING_CODES, 6)).to_owned());
        user.external_id =
            drawn(self, 30).then(|| (*self.chance.mostly(pools::EXTERNAL_IDS, pools::STORABLE_EXTERNAL_IDS)).to_owned());
        user.custom_data = drawn(self, 30).then(|| self.custom_data());
        // More often than other fields: a changed email or phone takes it away.
        let verified = [12, 12].map(|percent| drawn(self, percent).then_some(true));
        user.email_verified = verified[0].or(user.email_verified);
        user.phone_verified = verified[1].or(user.phone_verified);
        if drawn(self, 6) {
            self.spoil(&mut user);
        }
        user
    }

    /// Puts something into a user that cannot be written.
    fn spoil(&mut self, user: &mut UserDto) {
        let time = Some(proto::Timestamp { seconds: 1, nanos: -1 });
        match self.chance.below(14) {
            0 => user.status = Some(99),
            1 => user.gender = Some(0),
            2 => user.logins_count = Some(-1),
            3 => user.birthdate = Some("2023-02-30".to_owned()),
            4 => user.nickname = Some("a\u{202e}b".to_owned()),
            5 => user.last_login = time,
            6 => user.register_source = vec!["good".to_owned(), "\0".to_owned()],
            7 => user.etag = Some("sent".to_owned()),
            8 => user.group_codes = vec!["admin".to_owned()],
            9 => user.created_at = time,
            10 => user.user_id = Some("a b".to_owned()),
            11 => user.custom_data = Some(object([("a.b", Kind::BoolValue(true))])),
            12 => user.custom_data = Some(object([("a", Kind::NumberValue(f64::NAN))])),
            _ => drop(user.flat_custom_data.insert("a".to_owned(), 1.into())),
        }
    }

    fn custom_data(&mut self) -> Struct {
        let count = self.chance.below(4);
        let fields = (0..count).map(|_| {
            let key = (*self.chance.mostly(KEYS, 4)).to_owned();
            (key, Value { kind: Some(self.value()) })
        });
        Struct { fields: fields.collect() }
    }

    fn value(&mut self) -> Kind {
        let text = |text: &str| Kind::StringValue(text.to_owned());
        match self.chance.below(9) {
            0 => Kind::NullValue(0),
            1 => Kind::BoolValue(self.chance.percent(50)),
            2 => Kind::NumberValue(1.5),
            3 => Kind::NumberValue(1e21),
            4 => text("x"),
            5 => text("tab\t\"界\""),
            6 => Kind::ListValue(ListValue { values: vec![1.into(), object([("d", text("y"))]).into_value()] }),
            7 => Kind::StructValue(Struct::default()),
            _ => Kind::StructValue(object([("b", text("z")), ("c", Kind::StructValue(object([("d", Kind::NullValue(0))])))])),
        }
    }
}

/// An object as a value.
trait IntoValue {
    fn into_value(self) -> Value;
}

impl IntoValue for Struct {
    fn into_value(self) -> Value {
        Value { kind: Some(Kind::StructValue(self)) }
    }
}

fn object<const N: usize>(members: [(&str, Kind); N]) -> Struct {
    let member = |(key, kind): (&str, Kind)| (key.to_owned(), Value { kind: Some(kind) });
    Struct { fields: members.into_iter().map(member).collect() }
}
