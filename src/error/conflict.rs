//! What is taken where something has to be unique.

use std::fmt;

use crate::proto::ErrorReason;

/// An identifier that is taken, in the contract's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Conflict {
    /// The user id.
    UserId,
    /// The email.
    Email,
    /// The phone number.
    PhoneNumber,
    /// The username.
    Username,
    /// The external id.
    ExternalId,
    /// The account at a provider.
    Identity,
    /// The code of a group, a role, an organization, a department or a post.
    Code,
}

impl Conflict {
    pub(super) fn reason(self) -> ErrorReason {
        match self {
            Self::UserId => ErrorReason::UserIdExists,
            Self::Email => ErrorReason::EmailExists,
            Self::PhoneNumber => ErrorReason::PhoneNumberExists,
            Self::Username => ErrorReason::UsernameExists,
            Self::ExternalId => ErrorReason::ExternalIdExists,
            Self::Identity => ErrorReason::IdentityExists,
            Self::Code => ErrorReason::CodeExists,
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::UserId => "user id",
            Self::Email => "email",
            Self::PhoneNumber => "phone number",
            Self::Username => "username",
            Self::ExternalId => "external id",
            Self::Identity => "identity",
            Self::Code => "code",
        })
    }
}
