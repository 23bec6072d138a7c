//! How hashes are written: in the PHC string format, as bcrypt does, as Python's passlib and Django do.

use argon2::{Algorithm, Version};
use base64::Engine;
use base64::alphabet::BCRYPT;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};

use super::Parameters;
use super::derivation::{Derivation, Hash, Scheme};

/// The bits that a bcrypt salt leaves over are not always zero, and nobody reads them.
const BCRYPT_BASE64: GeneralPurpose = GeneralPurpose::new(&BCRYPT, NO_PAD.with_decode_allow_trailing_bits(true));
/// How many characters a bcrypt salt is written with, and how many the salt and digest.
const BCRYPT_SALT: usize = 22;
const BCRYPT_CHARACTERS: usize = BCRYPT_SALT + 31;

/// Reads a hash, whatever it costs; `None`: it is written in no known way.
pub(super) fn read(text: &str) -> Option<Derivation> {
    let parts: Vec<&str> = text.split('$').collect();
    match parts[..] {
        ["", name @ ("argon2id" | "argon2i"), ref version @ .., costs, salt, digest] => {
            let version = match version {
                [] | ["v=16"] => Version::V0x10,
                ["v=19"] => Version::V0x13,
                _ => return None,
            };
            argon2(name, version, costs, salt, digest)
        }
        ["", "2a" | "2b" | "2y", cost, rest] => bcrypt(cost, rest),
        ["", "scrypt", costs, salt, digest] => scrypt(costs, salt, digest),
        ["", "pbkdf2-sha256", costs, salt, digest] => pbkdf2(Hash::Sha256, costs, salt, digest),
        ["", "pbkdf2-sha512", costs, salt, digest] => pbkdf2(Hash::Sha512, costs, salt, digest),
        ["pbkdf2_sha256", iterations, salt, digest] => django(Hash::Sha256, iterations, salt, digest),
        ["pbkdf2_sha512", iterations, salt, digest] => django(Hash::Sha512, iterations, salt, digest),
        _ => None,
    }
}

/// Reads numbers written `a=1,b=2`, all of these names in this order.
pub(super) fn named<const N: usize>(text: &str, names: [&str; N]) -> Option<[u32; N]> {
    let mut parts = text.split(',');
    let mut numbers = [0; N];
    for (read, name) in numbers.iter_mut().zip(names) {
        *read = number(parts.next()?.strip_prefix(name)?.strip_prefix('=')?)?;
    }
    parts.next().is_none().then_some(numbers)
}

fn argon2(name: &str, version: Version, costs: &str, salt: &str, digest: &str) -> Option<Derivation> {
    let algorithm = if name == "argon2id" { Algorithm::Argon2id } else { Algorithm::Argon2i };
    let scheme = Scheme::Argon2 { algorithm, version, parameters: Parameters::read(costs)? };
    Some(Derivation { scheme, salt: decode(salt)?, digest: decode(digest)? })
}

fn bcrypt(cost: &str, rest: &str) -> Option<Derivation> {
    let cost = match cost.as_bytes() {
        [b'0', b'4'..=b'9'] => number(&cost[1..])?,
        [b'1' | b'2', b'0'..=b'9'] | [b'3', b'0' | b'1'] => number(cost)?,
        _ => return None,
    };
    let (salt, digest) = rest.split_at_checked(BCRYPT_SALT).filter(|_| rest.len() == BCRYPT_CHARACTERS)?;
    let decode = |text| BCRYPT_BASE64.decode(text).ok();
    Some(Derivation { scheme: Scheme::Bcrypt { cost }, salt: decode(salt)?, digest: decode(digest)? })
}

fn scrypt(costs: &str, salt: &str, digest: &str) -> Option<Derivation> {
    let [log, block, parallelism] = named(costs, ["ln", "r", "p"])?;
    let scheme = Scheme::Scrypt { log: u8::try_from(log).ok()?, block, parallelism };
    Some(Derivation { scheme, salt: decode(salt)?, digest: decode(digest)? })
}

fn pbkdf2(hash: Hash, costs: &str, salt: &str, digest: &str) -> Option<Derivation> {
    if let Some(iterations) = number(costs) {
        let decode = |text: &str| if text.contains('+') { None } else { decode(&text.replace('.', "+")) };
        return Some(Derivation { scheme: Scheme::Pbkdf2 { hash, iterations }, salt: decode(salt)?, digest: decode(digest)? });
    }
    let digest = decode(digest)?;
    let with_length = || named(costs, ["i", "l"]).filter(|[_, length]| usize::try_from(*length) == Ok(digest.len()));
    let iterations =
        named(costs, ["i"]).map(|[iterations]| iterations).or_else(|| with_length().map(|[iterations, _]| iterations))?;
    Some(Derivation { scheme: Scheme::Pbkdf2 { hash, iterations }, salt: decode(salt)?, digest })
}

fn django(hash: Hash, iterations: &str, salt: &str, digest: &str) -> Option<Derivation> {
    let scheme = Scheme::Pbkdf2 { hash, iterations: number(iterations)? };
    let plain = salt.bytes().all(|byte| byte.is_ascii_graphic());
    let digest = BASE64_STANDARD.decode(digest).ok()?;
    plain.then(|| Derivation { scheme, salt: salt.as_bytes().to_vec(), digest })
}

/// A number from one on, without sign or leading zeros.
fn number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    if plain { text.parse().ok() } else { None }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARGON2: &str = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$MDEyMzQ1Njc4OWFiY2RlZg";
    const BCRYPT: &str = "$2b$04$HZIM3iVzo2o4y2y7nVtiU.urb4Lce/3WkSy1b4gkqHUfFiRXTyMZ6";
    const SCRYPT: &str = "$scrypt$ln=4,r=8,p=1$c2FsdHNhbHQ$MDEyMzQ1Njc4OWFiY2RlZg";
    const PBKDF2: &str = "$pbkdf2-sha256$i=10,l=16$c2FsdHNhbHQ$MDEyMzQ1Njc4OWFiY2RlZg";
    const PASSLIB: &str = "$pbkdf2-sha512$10$c2FsdHNhbHQ$MDEyMzQ1Njc4OWFiY2RlZg";
    const DJANGO: &str = "pbkdf2_sha256$10$saltsalt$MDEyMzQ1Njc4OWFiY2RlZg==";
    const ALL: [&str; 6] = [ARGON2, BCRYPT, SCRYPT, PBKDF2, PASSLIB, DJANGO];

    #[test]
    fn no_shortened_lengthened_or_recased_text_is_read() {
        let is_read = |text: &str| crate::password::PasswordHash::stored(text).is_some();
        for text in ALL {
            assert!(is_read(text), "{text}");
            assert!(text == BCRYPT || read(text).unwrap().salt == b"saltsalt", "{text}");
            for (index, _) in text.match_indices('$') {
                assert!(!is_read(&text[..index]) && !is_read(&text[..=index]), "{text} {index}");
                assert!(!is_read(&format!("{}{}", &text[..index], &text[index + 1..])), "{text} {index}");
                assert!(!is_read(&format!("{}${}", &text[..index], &text[index..])), "{text} {index}");
            }
            for (before, after) in
                [(" ", ""), ("$", ""), ("", " "), ("", "$"), ("", "="), ("", "\n"), ("", "\0"), ("", "é"), ("", "!")]
            {
                assert!(!is_read(&format!("{before}{text}{after}")), "{before:?}{text}{after:?}");
            }
            for name in ["argon2id", "$2b", "scrypt", "pbkdf2-sha256", "pbkdf2-sha512", "pbkdf2_sha256"] {
                let recased = text.replace(name, &name.to_uppercase());
                assert!(recased == text || !is_read(&recased), "{recased}");
            }
        }
    }

    #[test]
    fn other_kinds_are_not_read() {
        for (text, from, to) in [
            (ARGON2, "argon2id", "argon2d"),
            (ARGON2, "argon2id", "argon2"),
            (ARGON2, "v=19", "v=18"),
            (ARGON2, "v=19", ""),
            (ARGON2, "v=19", "19"),
            (ARGON2, "v=19", "v=019"),
            (ARGON2, "v=19", "v=19$v=19"),
            (ARGON2, "p=1", "p=1,keyid=AAAA"),
            (ARGON2, "p=1", "p=1,data=AAAA"),
            (ARGON2, "m=8,t=1,p=1", "t=1,m=8,p=1"),
            (BCRYPT, "2b", "2x"),
            (BCRYPT, "2b", "2"),
            (SCRYPT, "scrypt$", "scrypt$v=1$"),
            (PBKDF2, "sha256", "sha1"),
            (PBKDF2, "-sha256", ""),
            (PBKDF2, "l=16", "l=17"),
            (PBKDF2, "i=10,l=16", "l=16,i=10"),
            (DJANGO, "sha256", "sha1"),
        ] {
            assert!(text.contains(from) && read(&text.replacen(from, to, 1)).is_none(), "{text} {to}");
        }
    }

    #[test]
    fn numbers_are_written_plainly() {
        let numbers = [(ARGON2, "m=8"), (ARGON2, "t=1"), (ARGON2, "p=1"), (SCRYPT, "ln=4"), (SCRYPT, "r=8"), (SCRYPT, "p=1")];
        for (text, written) in
            numbers.into_iter().chain([(PBKDF2, "i=10"), (PBKDF2, "l=16"), (PASSLIB, "$10$"), (DJANGO, "$10$")])
        {
            let digits: String = written.chars().filter(char::is_ascii_digit).collect();
            for bad in ["", "0", "-1", "+1", "01", " 1", "1 ", "1e1", "0x1", "１", "1,", "4294967296", &"9".repeat(99)] {
                let changed = text.replacen(written, &written.replace(&digits, bad), 1);
                assert!(read(&changed).is_none(), "{changed}");
            }
        }
        for bad in ["", "4", "03", "00", "32", "99", "004", "+4", " 4", "4 ", "0x", "４"] {
            assert!(read(&BCRYPT.replace("$04$", &format!("${bad}$"))).is_none(), "{bad}");
        }
        for cost in ["04", "09", "10", "29", "31"] {
            let text = BCRYPT.replace("$04$", &format!("${cost}$"));
            assert!(matches!(read(&text).unwrap().scheme, Scheme::Bcrypt { cost: read } if Ok(read) == cost.parse()), "{cost}");
        }
        for possible in ["m=16,t=1,p=2", "m=4294967295,t=4294967295,p=16777215"] {
            assert!(read(&ARGON2.replace("m=8,t=1,p=1", possible)).is_some(), "{possible}");
        }
        for impossible in ["m=7,t=1,p=1", "m=15,t=1,p=2", "m=4294967295,t=1,p=16777216"] {
            assert!(read(&ARGON2.replace("m=8,t=1,p=1", impossible)).is_none(), "{impossible}");
        }
    }

    #[test]
    fn base64_is_that_of_the_format() {
        for text in [ARGON2, SCRYPT, PBKDF2, PASSLIB, DJANGO] {
            for (from, to) in
                [("MDEy", "MD*y"), ("MDEy", "MD-y"), ("MDEy", "M Ey"), ("MDEy", "MDE"), ("RlZg", "RlZh"), ("MDEy", "éEy")]
            {
                assert!(read(&text.replace(from, to)).is_none(), "{text} {to}");
            }
        }
        for text in [ARGON2, SCRYPT, PBKDF2] {
            assert!(read(&text.replace("MDEy", "MD+/")).is_some() && read(&text.replace("MDEy", "MD./")).is_none(), "{text}");
        }
        assert!(read(&PASSLIB.replace("MDEy", "MD./")).is_some() && read(&PASSLIB.replace("MDEy", "MD+/")).is_none());
        assert!(read(&DJANGO.replace("MDEy", "MD+/")).is_some() && read(&DJANGO.replace("==", "")).is_none());
        for (from, to) in [("urb4", "ur+4"), ("urb4", "ur=4"), ("urb4", "éb4"), ("U.urb4", "Uéb4"), ("$HZ", "$é")] {
            assert!(BCRYPT.contains(from) && read(&BCRYPT.replace(from, to)).is_none(), "{to}");
        }
    }

    #[test]
    fn a_salt_of_django_is_ascii() {
        assert_eq!(read(&DJANGO.replace("saltsalt", "s~!{}/+=.,")).unwrap().salt, b"s~!{}/+=.,");
        for salt in ["salt salt", "sält", "salt\0", "salt\n"] {
            assert!(read(&DJANGO.replace("saltsalt", salt)).is_none(), "{salt}");
        }
    }
}
