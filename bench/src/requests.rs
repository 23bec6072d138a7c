//! What is sent: messages that are encoded once and differ in the number of the user whom they are about.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

use crate::random::Random;

/// Stands for the number of a user wherever a user is spelled, so that it can be found again in what was made of it. No
/// loaded user has this number.
pub(crate) const TOKEN: &str = "73519264";
/// The first of the numbers of the users that are created while measuring.
const FIRST_NEW: u64 = 20_000_000;
/// The numbers of the users that were not yet there.
static NEW: AtomicU64 = AtomicU64::new(FIRST_NEW);

/// Numbers that no user has had, in this run; the first of them.
pub(crate) fn new_numbers(count: u64) -> u64 {
    NEW.fetch_add(count, Ordering::Relaxed)
}

/// A message as it goes over the wire, with places for the number.
#[derive(Debug)]
pub(crate) struct Template {
    frame: Bytes,
    places: Vec<usize>,
    /// How many users it is about: the first of the places are the first one's.
    users: usize,
}

impl Template {
    /// Of a message that spells each of so many users by [`TOKEN`], equally often.
    pub(crate) fn new(message: &impl Message, users: usize) -> Self {
        let frame = frame(message);
        let token = TOKEN.as_bytes();
        let places = (0..frame.len().saturating_sub(token.len() - 1)).filter(|place| frame[*place..].starts_with(token));
        Self { places: places.collect(), frame, users }
    }

    /// The message about the users from this number on.
    fn about(&self, first: u64) -> Bytes {
        let mut frame = BytesMut::from(&self.frame[..]);
        let each = (self.places.len() / self.users).max(1);
        for (index, place) in self.places.iter().enumerate() {
            let mut number = first + (index / each) as u64;
            for digit in frame[*place..*place + TOKEN.len()].iter_mut().rev() {
                *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
                number /= 10;
            }
        }
        frame.freeze()
    }
}

/// The message behind gRPC's five bytes: not compressed, and how long.
pub(crate) fn frame(message: &impl Message) -> Bytes {
    let encoded = message.encode_to_vec();
    let mut frame = BytesMut::with_capacity(encoded.len() + 5);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(encoded.len()).unwrap_or(u32::MAX));
    frame.put_slice(&encoded);
    frame.freeze()
}

/// One request after the other.
#[derive(Debug)]
pub(crate) enum Requests {
    /// About any of the users with numbers below this one.
    Known(Template, u64),
    /// About users whom nobody has heard of.
    New(Template),
    /// Any of these.
    Listed(Vec<Bytes>),
}

impl Requests {
    /// The next one, ready for the wire.
    pub(crate) fn next(&self, random: &mut Random) -> Bytes {
        match self {
            Self::Known(template, users) => template.about(random.below(*users)),
            Self::New(template) => template.about(new_numbers(template.users as u64)),
            Self::Listed(frames) => frames[usize::try_from(random.below(frames.len() as u64)).unwrap_or_default()].clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use roster::proto::{BatchCreateUsersItem, BatchCreateUsersRequest, UserDto};

    use super::*;

    #[test]
    fn each_user_of_a_batch_has_a_number_of_its_own_wherever_it_stands() {
        let user = UserDto { username: Some(format!("u{TOKEN}")), name: Some(format!("n{TOKEN}")), ..UserDto::default() };
        let item = BatchCreateUsersItem { user: Some(user), ..BatchCreateUsersItem::default() };
        let batch = BatchCreateUsersRequest { users: vec![item; 3], ..BatchCreateUsersRequest::default() };
        let made = Template::new(&batch, 3).about(41);
        let decoded = BatchCreateUsersRequest::decode(&made[5..]).unwrap();
        let users: Vec<_> = decoded.users.into_iter().filter_map(|item| item.user).collect();
        let names: Vec<_> = users.iter().map(|user| (user.username(), user.name())).collect();
        assert_eq!(names, [("u00000041", "n00000041"), ("u00000042", "n00000042"), ("u00000043", "n00000043")]);
    }

    #[test]
    fn a_frame_says_how_long_its_message_is() {
        let made = frame(&UserDto { username: Some("bob".to_owned()), ..UserDto::default() });
        assert_eq!(made[..5], [0, 0, 0, 0, u8::try_from(made.len() - 5).unwrap()]);
    }
}
