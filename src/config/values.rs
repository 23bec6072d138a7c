//! What the settings mean: each reader takes the text of one, whatever source it comes from. What it says of a bad one ends the
//! sentence "SETTING: got VALUE, …", or follows "SETTING: " where the value is a secret.

use std::{net::Ipv4Addr, net::SocketAddr, str::FromStr};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::api_key::{FOREIGN_CHARACTERS, Secret};
use crate::normalize::phone::CallingCode;
use crate::secret_key::MasterKey;

/// The most connections to a database.
const CONNECTIONS: u32 = 1_000;

/// How a line of the log reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: a JSON object a line.
    Json,
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("expected text or json".to_owned()),
    }
}

pub(super) fn reflection(text: &str) -> Result<bool, String> {
    match text {
        "open" => Ok(true),
        "off" => Ok(false),
        _ => Err("expected open or off".to_owned()),
    }
}

pub(super) fn switch(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "expected true or false".to_owned())
}

pub(super) fn max_connections(text: &str) -> Result<u32, String> {
    let number = whole(text).filter(|number| (1..=CONNECTIONS).contains(number));
    number.ok_or_else(|| format!("expected a whole number from 1 to {CONNECTIONS}"))
}

pub(super) fn statement_cache(text: &str) -> Result<usize, String> {
    whole(text).ok_or_else(|| "expected a whole number, 0 for none".to_owned())
}

/// A number in digits alone: Rust would take a `+` as well.
pub(super) fn whole<Number: FromStr>(text: &str) -> Option<Number> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    let local = || Some(SocketAddr::from((Ipv4Addr::LOCALHOST, whole(text.strip_prefix("localhost:")?)?)));
    let address = text.parse().ok().or_else(local);
    address.ok_or_else(|| "expected an IP address or localhost, and a port, such as 127.0.0.1:4000 or [::1]:4000".to_owned())
}

/// Whether only this machine can reach the address.
pub(super) fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

pub(super) fn bootstrap_api_key(text: &str) -> Result<Secret, String> {
    if text.len() < FOREIGN_CHARACTERS || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!("expected at least {FOREIGN_CHARACTERS} visible ASCII characters, without spaces"));
    }
    Secret::presented(text).ok_or_else(|| "starts with rk_ but is no whole key: its checksum is wrong".to_owned())
}

pub(super) fn secret_key(text: &str) -> Result<MasterKey, String> {
    MasterKey::parse(text).ok_or_else(|| "expected 64 hexadecimal digits, such as openssl rand -hex 32 makes".to_owned())
}

pub(super) fn phone_country_code(text: &str) -> Result<CallingCode, String> {
    CallingCode::parse(text).map_err(|_| "expected a country calling code, such as +44".to_owned())
}

pub(super) fn log(text: &str) -> Result<String, String> {
    let expected = "expected a level (off, error, warn, info, debug, trace) or directives such as info,roster::store=debug";
    // A word alone is a module to the filter, and all others would be silent: so `loud` is a level misspelled.
    let misspelled = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric()) && word.parse::<LevelFilter>().is_err();
    // No directives at all would read as `error`.
    if text.is_empty() || text.split(',').any(misspelled) || EnvFilter::try_new(text).is_err() {
        return Err(expected.to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_numbers_or_localhost_with_a_port() {
        for (text, address) in [
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("[::1]:4000", "[::1]:4000"),
            ("0.0.0.0:4000", "0.0.0.0:4000"),
            ("localhost:4000", "127.0.0.1:4000"),
        ] {
            assert_eq!(listen(text).unwrap(), address.parse().unwrap());
        }
        for text in
            ["", "127.0.0.1", ":4000", "localhost", "localhost:", "localhost:+1", "example.com:4000", "[::1]", "1.2.3.4:65536"]
        {
            assert!(listen(text).is_err(), "{text}");
        }
    }

    #[test]
    fn loopback_is_what_the_machine_keeps_to_itself() {
        for (text, loopback) in
            [("127.9.9.9:1", true), ("[::1]:1", true), ("[::ffff:127.0.0.1]:1", true), ("0.0.0.0:1", false), ("[::]:1", false)]
        {
            assert_eq!(is_loopback(text.parse().unwrap()), loopback, "{text}");
        }
    }

    #[test]
    fn numbers_keep_to_their_range() {
        assert_eq!(max_connections("1"), Ok(1));
        assert_eq!(max_connections("1000"), Ok(1_000));
        assert_eq!(statement_cache("0"), Ok(0));
        for text in ["", "0", "1001", "-1", "+1", "1.5", "1e2", "99999999999999999999"] {
            assert!(max_connections(text).is_err(), "{text}");
        }
        assert!(statement_cache("-1").is_err());
    }

    #[test]
    fn keys_are_long_and_visible() {
        let visible = "!~azAZ09".repeat(4);
        assert_eq!(bootstrap_api_key(&visible).unwrap().expose(), visible);
        for text in [&visible[1..], &format!("{visible} "), &format!("{visible}\n"), &format!("{visible}é")] {
            assert!(bootstrap_api_key(text).is_err(), "{text}");
        }
        assert!(bootstrap_api_key(&format!("rk_{visible}")).is_err());
    }

    #[test]
    fn country_codes_get_their_plus() {
        for (text, code) in [("+86", "+86"), ("86", "+86"), ("1", "+1"), ("+852", "+852")] {
            assert_eq!(phone_country_code(text).unwrap().to_string(), code);
        }
        for text in ["", "+", "++86", "0086", "+8a", "1234", "٨٦"] {
            assert!(phone_country_code(text).is_err(), "{text}");
        }
    }

    #[test]
    fn log_directives_read() {
        for text in ["info", "INFO", "off", "info,roster::store=debug", "warn,roster[request{id=5}]=trace"] {
            assert!(log(text).is_ok(), "{text}");
        }
        for text in ["", "loud", "info,inof", "roster=loud", "info,a=b=c"] {
            assert!(log(text).is_err(), "{text}");
        }
    }
}
