//! How passwords are hashed and checked. How long a check takes does not tell whether there is anything to check.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Parameters, Password, PasswordHash};
use crate::clock;
use crate::error::Cause;

/// Bytes of a salt and of a digest.
const SALT: usize = 16;
const DIGEST: usize = 32;

/// Hashes and checks passwords with argon2id. A call keeps the thread busy.
#[derive(Debug)]
pub struct Argon2id {
    parameters: Parameters,
    computed: AtomicU64,
}

/// What a check has found.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Whether the password is the one.
    pub matches: bool,
    /// What to keep of it instead: it matches, and what is kept is weaker than what is made now.
    pub upgraded: Option<PasswordHash>,
}

impl Argon2id {
    /// What makes hashes that cost this.
    #[must_use]
    pub fn new(parameters: Parameters) -> Self {
        Self { parameters, computed: AtomicU64::new(0) }
    }

    /// A new hash, with a salt of its own.
    ///
    /// # Errors
    /// The memory is not to be had.
    pub fn hash(&self, password: &Password) -> Result<PasswordHash, Cause> {
        let hash = PasswordHash::derive(self.parameters, password, &clock::random::<SALT>(), DIGEST)?;
        self.count();
        Ok(hash)
    }

    /// Checks a password against what is kept; `None`: nothing is, and nothing matches.
    ///
    /// In any case it takes at least as long as a new hash.
    ///
    /// # Errors
    /// The memory is not to be had.
    pub fn check(&self, stored: Option<&PasswordHash>, password: &Password) -> Result<Checked, Cause> {
        if let Some(current) = stored.filter(|stored| self.is_current(stored)) {
            let matches = current.matches(password)?;
            self.count();
            return Ok(Checked { matches, upgraded: None });
        }
        // Not only for those who match: the others would be answered sooner, and nobody at once.
        let hash = self.hash(password)?;
        let matches = stored.map_or(Ok(false), |stored| stored.matches_in_pieces(password))?;
        // Another password may match as well; the user's own must go on matching.
        let exact = stored.is_some_and(|stored| stored.is_exact(password));
        Ok(Checked { matches, upgraded: (matches && exact).then_some(hash) })
    }

    /// Whether a hash costs at least as much as those that are made now, in memory, iterations and lanes.
    #[must_use]
    pub fn is_current(&self, hash: &PasswordHash) -> bool {
        hash.parameters().is_some_and(|parameters| parameters.reach(self.parameters))
    }

    /// How many hashes were computed that cost at least as much as those that are made now.
    #[must_use]
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::SeqCst)
    }

    fn count(&self) {
        self.computed.fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of argon2id `m=8,t=1,p=1`, of argon2i, and of PBKDF2; all of `Pässword 1`.
    const WEAK: [&str; 3] = [
        "$argon2id$v=19$m=8,t=1,p=1$c2l4dGVlbiBieXRlcyBvaw$oBiTKJVg14YB0bdQsEWxo5ZpM0kbP45v4xbDyGnDk6k",
        "$argon2i$v=19$m=64,t=2,p=4$c2l4dGVlbiBieXRlcyBva3NpeHRlZW4gYnl0ZXMgb2tzaXh0ZWVuIGJ5dGVzIG9rc2l4dGVlbiBieXRlcyBvaw\
         $A18PAxJVDCBuQjkZP+DMrt0NH7mAZ4kddvVdjmWepXZX0xh8cmvCx5b43lH2brERJHloHe9zfCqb6FtxMCzO3A",
        "$pbkdf2-sha256$i=1000$c2l4dGVlbiBieXRlcyBvaw$9G6UnLnl0+NqKoUG31f3Be9Pdssw0S5TL6vZsb6fEpo",
    ];

    fn argon2id(parameters: &str) -> Argon2id {
        Argon2id::new(Parameters::parse(parameters).unwrap())
    }

    fn password() -> Password {
        Password::new("Pässword 1")
    }

    #[test]
    fn a_hash_is_of_its_password_alone_and_has_a_salt_of_its_own() {
        let argon2id = argon2id("m=16,t=2,p=2");
        let hash = argon2id.hash(&password()).unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=16,t=2,p=2$"));
        assert_ne!(argon2id.hash(&password()).unwrap().as_str(), hash.as_str());
        let kept = PasswordHash::stored(hash.as_str()).unwrap();
        for hash in [&hash, &kept, &PasswordHash::import(hash.as_str()).unwrap()] {
            assert!(argon2id.is_current(hash));
            for (written, matches) in [("Pässword 1", true), ("Pa\u{308}ssword 1", true), ("Password 1", false), ("", false)] {
                let checked = argon2id.check(Some(hash), &Password::new(written)).unwrap();
                assert!(checked.matches == matches && checked.upgraded.is_none(), "{written}");
            }
        }
    }

    #[test]
    fn no_check_does_less_than_one_hash() {
        let argon2id = argon2id("m=16,t=2,p=1");
        let current = argon2id.hash(&password()).unwrap();
        let weak = WEAK.map(|text| PasswordHash::import(text).unwrap());
        let stored = std::iter::once(None).chain([Some(&current)]).chain(weak.iter().map(Some));
        for stored in stored {
            for password in [password(), Password::new("another")] {
                let before = argon2id.computed();
                let checked = argon2id.check(stored, &password).unwrap();
                assert_eq!(argon2id.computed() - before, 1, "{:?}", stored.map(PasswordHash::as_str));
                assert!(stored.is_some() || !checked.matches);
            }
        }
    }

    #[test]
    fn what_is_weaker_is_upgraded_when_it_matches() {
        let argon2id = argon2id("m=16,t=2,p=1");
        for text in WEAK {
            let weak = PasswordHash::stored(text).unwrap();
            assert!(!argon2id.is_current(&weak));
            let other = argon2id.check(Some(&weak), &Password::new("another")).unwrap();
            assert!(!other.matches && other.upgraded.is_none(), "{text}");
            let checked = argon2id.check(Some(&weak), &password()).unwrap();
            let upgraded = checked.upgraded.unwrap();
            assert!(checked.matches && argon2id.is_current(&upgraded), "{text}");
            assert!(argon2id.check(Some(&upgraded), &password()).unwrap().matches, "{text}");
        }
    }

    #[test]
    fn what_was_made_elsewhere_of_characters_in_pieces_matches_and_is_made_anew() {
        let argon2id = argon2id("m=16,t=2,p=1");
        let pieces =
            Argon2id::new(Parameters::parse("m=8,t=1,p=1").unwrap()).hash(&Password("Pa\u{308}ssword 1".to_owned())).unwrap();
        for (written, matches) in [("Pässword 1", true), ("Pa\u{308}ssword 1", true), ("Password 1", false)] {
            let checked = argon2id.check(Some(&pieces), &Password::new(written)).unwrap();
            assert_eq!((checked.matches, checked.upgraded.is_some()), (matches, matches), "{written}");
        }
    }

    #[test]
    fn a_password_that_may_be_another_than_the_user_s_own_upgrades_nothing() {
        let long = "$2b$04$RBybth3cJS6KVMisCccEue8c5mhW1/IFGJ5PxHYhQ4DRs2YilsV1y";
        let first = "0123456789".repeat(7) + "ab";
        let others = [(long, first.clone()), (long, format!("{first}typo")), (WEAK[2], "Pässword 1\0".to_owned())];
        let argon2id = argon2id("m=16,t=2,p=1");
        for (text, written) in others {
            let checked = argon2id.check(PasswordHash::stored(text).as_ref(), &Password::new(&written)).unwrap();
            assert!(checked.matches && checked.upgraded.is_none(), "{written:?}");
        }
    }

    #[test]
    fn what_costs_more_stays() {
        let stronger = argon2id("m=32,t=2,p=1").hash(&password()).unwrap();
        assert!(argon2id("m=16,t=2,p=1").is_current(&stronger));
        for parameters in ["m=33,t=2,p=1", "m=16,t=3,p=1", "m=16,t=2,p=2"] {
            assert!(!argon2id(parameters).is_current(&stronger), "{parameters}");
        }
    }

    #[test]
    fn nothing_shows_a_hash() {
        let checked = argon2id("m=9,t=1,p=1").check(PasswordHash::stored(WEAK[0]).as_ref(), &password()).unwrap();
        assert_eq!(format!("{checked:?}"), "Checked { matches: true, upgraded: Some(<password hash>) }");
    }
}
