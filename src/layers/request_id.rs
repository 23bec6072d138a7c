//! The id under which a call is found in the log (contract §1, "request id").

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::clock::Clock;
use crate::limits;

/// The header, both ways.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The caller's id where it is a good one, else a new one.
pub(super) fn assign(headers: &HeaderMap) -> HeaderValue {
    let taken = headers.get(HEADER).filter(|id| is_good(id.as_bytes()));
    taken.cloned().unwrap_or_else(make)
}

fn is_good(id: &[u8]) -> bool {
    (1..=limits::REQUEST_ID_CHARACTERS).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

fn make() -> HeaderValue {
    // A UUID is visible ASCII, so that the fallback is never taken.
    HeaderValue::try_from(Clock::default().new_id()).unwrap_or_else(|_| HeaderValue::from_static("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assigned(id: &[u8]) -> HeaderValue {
        assign(&HeaderMap::from_iter([(HEADER, HeaderValue::from_bytes(id).unwrap())]))
    }

    #[test]
    fn takes_visible_ascii_of_up_to_128_characters() {
        for id in ["a", "trace:42/~", &"x".repeat(128)] {
            assert_eq!(assigned(id.as_bytes()), id);
        }
    }

    #[test]
    fn replaces_what_could_forge_a_log_line() {
        for id in [&b""[..], b"a b", b"a\tb", "é".as_bytes(), "x".repeat(129).as_bytes()] {
            assert_eq!(assigned(id).len(), 36, "{id:?}");
        }
        assert_eq!(assign(&HeaderMap::new()).len(), 36);
    }
}
