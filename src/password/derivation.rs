//! How the digest of a password is derived. What is derived here takes its time.

use argon2::{Algorithm, Argon2, Version};
use pbkdf2::pbkdf2_hmac;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

use super::Parameters;
use crate::error::Cause;

/// The most bytes of a password that bcrypt looks at.
const BCRYPT_BYTES: usize = 72;

/// A digest, and how it was derived.
#[derive(Clone)]
pub(super) struct Derivation {
    pub(super) scheme: Scheme,
    pub(super) salt: Vec<u8>,
    pub(super) digest: Vec<u8>,
}

/// How a digest is derived from a password and a salt.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scheme {
    Argon2 {
        algorithm: Algorithm,
        version: Version,
        parameters: Parameters,
    },
    /// `cost` is the binary logarithm of the number of iterations.
    Bcrypt {
        cost: u32,
    },
    /// `log` is the binary logarithm of the number of blocks.
    Scrypt {
        log: u8,
        block: u32,
        parallelism: u32,
    },
    Pbkdf2 {
        hash: Hash,
        iterations: u32,
    },
}

/// The hash of an HMAC.
#[derive(Clone, Copy, Debug)]
pub(super) enum Hash {
    Sha256,
    Sha512,
}

impl Derivation {
    /// Whether the digest is of this text.
    pub(super) fn matches(&self, password: &[u8]) -> Result<bool, Cause> {
        let mut digest = vec![0; self.digest.len()];
        self.scheme.derive(password, &self.salt, &mut digest)?;
        Ok(digest.ct_eq(&self.digest).into())
    }
}

impl Scheme {
    /// Whether all of the password counts: bcrypt reads its first 72 bytes and begins again behind a NUL, HMAC fills up with NULs.
    pub(super) fn is_exact(self, password: &[u8]) -> bool {
        match self {
            Self::Argon2 { .. } => true,
            Self::Bcrypt { .. } => password.len() < BCRYPT_BYTES && !password.contains(&0),
            Self::Scrypt { .. } | Self::Pbkdf2 { .. } => !password.contains(&0),
        }
    }

    /// Fills the digest.
    pub(super) fn derive(self, password: &[u8], salt: &[u8], digest: &mut [u8]) -> Result<(), Cause> {
        match self {
            Self::Argon2 { algorithm, version, parameters: Parameters { memory, iterations, parallelism } } => {
                let parameters = argon2::Params::new(memory, iterations, parallelism, Some(digest.len()))?;
                Argon2::new(algorithm, version, parameters).hash_password_into(password, salt, digest)?;
            }
            Self::Bcrypt { cost } => {
                // The NUL that ends it is hashed too, where it fits.
                let bytes: Vec<u8> = password.iter().copied().chain([0]).take(BCRYPT_BYTES).collect();
                let derived = bcrypt::bcrypt(cost, salt.try_into()?, &bytes);
                // The last of the 24 bytes was never written out.
                digest.copy_from_slice(&derived[..digest.len()]);
            }
            Self::Scrypt { log, block, parallelism } => {
                scrypt::scrypt(password, salt, &scrypt::Params::new(log, block, parallelism)?, digest)?;
            }
            Self::Pbkdf2 { hash: Hash::Sha256, iterations } => pbkdf2_hmac::<Sha256>(password, salt, iterations, digest),
            Self::Pbkdf2 { hash: Hash::Sha512, iterations } => pbkdf2_hmac::<Sha512>(password, salt, iterations, digest),
        }
        Ok(())
    }
}

impl Hash {
    /// How many bytes one computation gives.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}
