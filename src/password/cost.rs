//! How much a hash may cost to check. Whoever imports one says how much, so that it could be a bomb.
//!
//! The times are of one core of a server, at the bound.

use super::Parameters;
use super::derivation::{Derivation, Hash, Scheme};
use super::parameters::MOST_MEMORY;

/// The most of an imported argon2 hash: memory in KiB, iterations, both multiplied (0.3 s), lanes.
const ARGON2: (u32, u32, u64, u32) = (128 * 1024, 16, 512 * 1024, 16);
/// The highest cost of an imported bcrypt hash (0.9 s).
const BCRYPT: u32 = 14;
/// The most of an imported scrypt hash: `ln`, bytes (128 MiB), and `r` times `p` times 2^`ln` (1 s).
const SCRYPT: (u8, u64, u64) = (17, 128 * 1024 * 1024, 2 * 1024 * 1024);
/// The most iterations of an imported PBKDF2 hash with SHA-256 and with SHA-512 (1 s without instructions for them), for all
/// blocks of its digest together.
const PBKDF2: (u64, u64) = (2_000_000, 1_000_000);

/// Checks that a hash costs no more than an imported one may.
///
/// # Errors
/// What is wrong, as the end of a sentence.
pub(super) fn check(derivation: &Derivation) -> Result<(), String> {
    let (fits, most) = match derivation.scheme {
        Scheme::Argon2 { parameters: Parameters { memory, iterations, parallelism }, .. } => {
            let (most_memory, most_iterations, most_work, most_lanes) = ARGON2;
            let work = u64::from(memory) * u64::from(iterations);
            let fits = memory <= most_memory && iterations <= most_iterations && parallelism <= most_lanes && work <= most_work;
            (fits, format!("m={most_memory}, t={most_iterations}, p={most_lanes} and m * t = {most_work}"))
        }
        Scheme::Bcrypt { cost } => (cost <= BCRYPT, format!("{BCRYPT}")),
        Scheme::Scrypt { log, block, parallelism } => {
            let (most_log, most_bytes, most_work) = SCRYPT;
            let fits = log <= most_log
                && scrypt_bytes(log, block, parallelism) <= most_bytes
                && mixed(log, block).saturating_mul(parallelism.into()) <= most_work;
            let most = format!("ln={most_log}, 128 * r * 2^ln = {most_bytes} and r * p * 2^ln = {most_work}");
            (fits, most)
        }
        Scheme::Pbkdf2 { hash, iterations } => {
            let blocks = u64::try_from(derivation.digest.len().div_ceil(hash.bytes())).unwrap_or(u64::MAX);
            let most = match hash {
                Hash::Sha256 => PBKDF2.0,
                Hash::Sha512 => PBKDF2.1,
            };
            let fits = blocks.saturating_mul(iterations.into()) <= most;
            (fits, format!("{most} iterations for each {} bytes of the digest together", hash.bytes()))
        }
    };
    if fits { Ok(()) } else { Err(format!("costs too much: at most {most}")) }
}

/// Whether a hash takes no more than 1 GiB, which nothing that is stored does: more could end the process.
pub(super) fn is_bearable(scheme: Scheme) -> bool {
    match scheme {
        Scheme::Argon2 { parameters, .. } => parameters.memory <= MOST_MEMORY,
        Scheme::Scrypt { log, block, parallelism } => scrypt_bytes(log, block, parallelism) <= u64::from(MOST_MEMORY) * 1024,
        Scheme::Bcrypt { .. } | Scheme::Pbkdf2 { .. } => true,
    }
}

/// The bytes of scrypt's larger buffer; the other has as many at most.
fn scrypt_bytes(log: u8, block: u32, parallelism: u32) -> u64 {
    mixed(log, block).max(u64::from(block) * u64::from(parallelism)).saturating_mul(128)
}

fn mixed(log: u8, block: u32) -> u64 {
    1_u64.checked_shl(log.into()).unwrap_or(u64::MAX).saturating_mul(block.into())
}

#[cfg(test)]
mod tests {
    use crate::password::PasswordHash;

    /// A hash of these costs, whose digest has so many bytes.
    fn text(costs: &str, digest: usize) -> String {
        use base64::Engine;
        format!("{costs}$c2FsdHNhbHQ${}", base64::prelude::BASE64_STANDARD_NO_PAD.encode(vec![7; digest]))
    }

    fn bcrypt(cost: u32) -> String {
        format!("$2b${cost:02}$HZIM3iVzo2o4y2y7nVtiU.urb4Lce/3WkSy1b4gkqHUfFiRXTyMZ6")
    }

    #[test]
    fn what_a_server_can_bear_is_imported() {
        for text in [
            text("$argon2id$v=19$m=131072,t=4,p=16", 64),
            text("$argon2i$v=19$m=32768,t=16,p=1", 64),
            text("$scrypt$ln=17,r=8,p=2", 64),
            text("$scrypt$ln=1,r=524288,p=2", 64),
            text("$scrypt$ln=1,r=1,p=1048576", 64),
            text("$pbkdf2-sha256$i=2000000", 32),
            text("$pbkdf2-sha256$i=1000000", 33),
            text("$pbkdf2-sha256$1000000", 64),
            text("$pbkdf2-sha512$i=1000000", 64),
            bcrypt(14),
        ] {
            PasswordHash::import(&text).unwrap_or_else(|problem| panic!("{text} {problem}"));
        }
    }

    #[test]
    fn what_costs_more_is_not_imported() {
        for text in [
            text("$argon2id$v=19$m=131073,t=1,p=1", 32),
            text("$argon2id$v=19$m=8,t=17,p=1", 32),
            text("$argon2id$v=19$m=131072,t=5,p=1", 32),
            text("$argon2id$v=19$m=136,t=1,p=17", 32),
            text("$argon2i$m=4294967295,t=4294967295,p=16777215", 32),
            text("$scrypt$ln=18,r=1,p=1", 32),
            text("$scrypt$ln=255,r=4294967295,p=4294967295", 32),
            text("$scrypt$ln=64,r=1,p=1", 32),
            text("$scrypt$ln=17,r=9,p=1", 32),
            text("$scrypt$ln=17,r=8,p=3", 32),
            text("$scrypt$ln=1,r=1,p=1048577", 32),
            text("$scrypt$ln=1,r=65536,p=65536", 32),
            text("$scrypt$ln=1,r=4294967295,p=1", 32),
            text("$pbkdf2-sha256$i=2000001", 32),
            text("$pbkdf2-sha256$i=1000001", 33),
            text("$pbkdf2-sha256$1000001", 64),
            text("$pbkdf2-sha512$i=1000001", 64),
            text("$pbkdf2-sha512$4294967295", 64),
            "pbkdf2_sha256$2000001$salt$MDEyMzQ1Njc4OWFiY2RlZg==".to_owned(),
            bcrypt(15),
            bcrypt(31),
        ] {
            let problem = PasswordHash::import(&text).unwrap_err();
            assert!(problem.starts_with("costs too much: at most "), "{text} {problem}");
        }
    }

    #[test]
    fn what_is_stored_may_cost_more_but_no_more_memory_than_there_is() {
        for text in [
            text("$argon2id$v=19$m=1048576,t=100,p=16", 32),
            text("$scrypt$ln=18,r=8,p=100", 32),
            text("$pbkdf2-sha256$4294967295", 64),
            bcrypt(31),
        ] {
            assert!(PasswordHash::stored(&text).is_some(), "{text}");
        }
        for text in [
            text("$argon2id$v=19$m=1048577,t=1,p=1", 32),
            text("$scrypt$ln=255,r=4294967295,p=4294967295", 32),
            text("$scrypt$ln=1,r=65536,p=65536", 32),
            text("$scrypt$ln=63,r=1,p=1", 32),
        ] {
            assert!(PasswordHash::stored(&text).is_none(), "{text}");
        }
    }
}
