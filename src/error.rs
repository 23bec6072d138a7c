//! Every way a call can fail, and the only place that chooses status codes and reasons (contract §1, "Errors").
//!
//! An error says to the caller what they can act on; a cause is for the log alone.

mod conflict;

use std::collections::HashMap;
use std::{borrow::Cow, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt, pb};

use crate::limits;
use crate::proto::ErrorReason;
use crate::telemetry;
use crate::validate::{Violations, quote};
pub use conflict::Conflict;

/// The domain of every `google.rpc.ErrorInfo`.
pub const DOMAIN: &str = "roster";

/// When to try again after a conflict, and while the database is away or too many wait for it.
const RETRY_CONFLICT: Duration = Duration::from_millis(50);
const RETRY_STORE: Duration = Duration::from_secs(1);

/// What stands behind an internal fault.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The result of whatever a call does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No `x-api-key`.
    #[error("the metadata x-api-key is missing")]
    ApiKeyMissing,
    /// A key that nobody has.
    #[error("the API key is not valid")]
    ApiKeyInvalid,
    /// A key whose time is over.
    #[error("the API key has expired or was replaced by a rotation")]
    ApiKeyExpired,
    /// A key that was revoked.
    #[error("the API key was revoked")]
    ApiKeyRevoked,
    /// The key lacks a scope.
    #[error("the API key lacks the scope {0}")]
    ScopeDenied(&'static str),
    /// The key is bound to an organization, and the method is not for such a key.
    #[error("this method is not for a key that is bound to an organization")]
    PoolOnly,
    /// The key is bound to an organization that does not own the user.
    #[error("the organization that the API key is bound to does not own the user")]
    NotOwned,
    /// The request breaks rules.
    #[error("{}", summary(.0))]
    Invalid(Violations),
    /// The request does not name what it must, and a seed says how that is told.
    #[error("{message}")]
    Required {
        /// The seed's words.
        message: &'static str,
        /// The field that could have been given.
        field: &'static str,
    },
    /// The request is no message.
    #[error("the request message is not valid: {0}")]
    InvalidMessage(Cow<'static, str>),
    /// The page token is not one that was given to this question within a day.
    #[error("the page token was not given to this question within 24 hours: ask for the first page again")]
    PageTokenInvalid,
    /// Nobody has the id.
    #[error("no such user")]
    UserNotFound,
    /// No group has the code.
    #[error("no such group: {}", quote(.0))]
    GroupNotFound(String),
    /// No role has the code.
    #[error("no such role: {}", quote(.0))]
    RoleNotFound(String),
    /// No organization has the id.
    #[error("no such organization")]
    OrganizationNotFound,
    /// No department within reach has the id.
    #[error("no such department")]
    DepartmentNotFound,
    /// No post within reach has the id.
    #[error("no such post")]
    PostNotFound,
    /// Others are parts of the department.
    #[error("other departments are parts of this one: move or delete them first")]
    NotEmpty,
    /// The department would come to stand under itself.
    #[error("a department cannot be a part of itself, nor of one that is below it")]
    DepartmentCycle,
    /// No identity within the caller's reach has the id.
    #[error("no such identity")]
    IdentityNotFound,
    /// Several users have the id of type `SYNC_RELATION`.
    #[error("several users have this identity: name the user by another type of id, such as IDENTITY")]
    IdentityAmbiguous,
    /// The user token is missing, not good, or another user's.
    #[error("the metadata authorization must carry a good user token of the user concerned: authorization: Bearer TOKEN")]
    UserTokenInvalid,
    /// The user cannot log in.
    #[error("the user is not activated, or is blocked")]
    UserNotActive,
    /// Too many wrong passwords were tried for the id.
    #[error("too many wrong passwords for this id; try again later")]
    RateLimited {
        /// When it can be tried again.
        after: Duration,
    },
    /// The user is not a member of the organization.
    #[error("the user is not a member of the organization")]
    NotAMember,
    /// The organization owns the user, whose membership a key that is bound to it cannot end.
    #[error("the organization owns the user: only a key of the whole pool can end the membership")]
    OwnedMember,
    /// No key within the caller's reach has the id.
    #[error("no such API key")]
    ApiKeyNotFound,
    /// The key was revoked, and what is asked of it cannot be done any more.
    #[error("no such API key: it was revoked")]
    ApiKeyEnded,
    /// The idempotency key was used for something else.
    #[error("the idempotency key was used for another method or request within 24 hours")]
    IdempotencyKeyReused,
    /// The method takes no idempotency key.
    #[error("this method takes no idempotency-key: it hands out or checks a secret")]
    IdempotencyUnsupported,
    /// Identifiers are taken: at least one, in the contract's order.
    #[error("{}", taken(.0))]
    AlreadyExists(Vec<Conflict>),
    /// The resource has changed since its etag was read.
    #[error("the resource has changed since its etag was read")]
    EtagMismatch,
    /// Another call was in the way.
    #[error("another call was in the way; repeat the call")]
    ConflictRetry,
    /// The write would leave a user without any identifier.
    #[error("a user keeps at least one of username, email, phone, external_id and identities")]
    LastIdentifier,
    /// A message is larger than allowed.
    #[error("the message is larger than {} bytes{}", limits::MESSAGE_BYTES, fitting(*.fit))]
    MessageTooLarge {
        /// How many items of an answer would fit, counted from its first one, where it has items.
        fit: Option<usize>,
    },
    /// One item makes a batch fail as a whole.
    #[error("{item}: {error}")]
    Item {
        /// Its path, such as `users[3]`.
        item: String,
        /// What is wrong with it.
        error: Box<Error>,
    },
    /// The database does not answer.
    #[error("{}", unavailable(*.outcome_unknown))]
    StoreUnavailable {
        /// Whether a commit was under way, so that the write may have happened.
        outcome_unknown: bool,
        /// What the database said.
        #[source]
        cause: Cause,
    },
    /// Too many calls wait for the database, or for passwords to be hashed.
    #[error("too many calls are waiting; try again")]
    Overloaded,
    /// The master key is not at hand, or is not the one that something was encrypted with.
    #[error("the server lacks the master key that this is encrypted with; its log says what to do")]
    SecretKeyMissing,
    /// There is no such method.
    #[error("there is no such method")]
    UnknownMethod,
    /// The deadline has passed.
    #[error("the deadline has passed")]
    Deadline,
    /// A fault of ours.
    #[error("internal error")]
    Internal(#[source] Cause),
}

impl From<Violations> for Error {
    fn from(violations: Violations) -> Self {
        Self::Invalid(violations)
    }
}

impl Error {
    /// A request with one problem.
    pub fn invalid(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::Invalid(Violations::one(field, description))
    }

    /// A fault of ours.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal(cause.into())
    }

    /// The code and reason of the contract's table.
    fn answer(&self) -> (Code, ErrorReason) {
        match self {
            Self::ApiKeyMissing => (Code::Unauthenticated, ErrorReason::ApiKeyMissing),
            Self::ApiKeyInvalid => (Code::Unauthenticated, ErrorReason::ApiKeyInvalid),
            Self::ApiKeyExpired => (Code::Unauthenticated, ErrorReason::ApiKeyExpired),
            Self::ApiKeyRevoked => (Code::Unauthenticated, ErrorReason::ApiKeyRevoked),
            Self::ScopeDenied(_) => (Code::PermissionDenied, ErrorReason::ScopeDenied),
            Self::PoolOnly | Self::NotOwned => (Code::PermissionDenied, ErrorReason::OrganizationDenied),
            Self::Invalid(_) | Self::Required { .. } => (Code::InvalidArgument, ErrorReason::InvalidField),
            Self::InvalidMessage(_) => (Code::InvalidArgument, ErrorReason::InvalidMessage),
            Self::PageTokenInvalid => (Code::InvalidArgument, ErrorReason::PageTokenInvalid),
            Self::UserNotFound => (Code::NotFound, ErrorReason::UserNotFound),
            Self::GroupNotFound(_) => (Code::NotFound, ErrorReason::GroupNotFound),
            Self::RoleNotFound(_) => (Code::NotFound, ErrorReason::RoleNotFound),
            Self::OrganizationNotFound => (Code::NotFound, ErrorReason::OrganizationNotFound),
            Self::DepartmentNotFound => (Code::NotFound, ErrorReason::DepartmentNotFound),
            Self::PostNotFound => (Code::NotFound, ErrorReason::PostNotFound),
            Self::NotEmpty => (Code::FailedPrecondition, ErrorReason::NotEmpty),
            Self::DepartmentCycle => (Code::FailedPrecondition, ErrorReason::DepartmentCycle),
            Self::IdentityNotFound => (Code::NotFound, ErrorReason::IdentityNotFound),
            Self::IdentityAmbiguous => (Code::FailedPrecondition, ErrorReason::IdentityAmbiguous),
            Self::UserTokenInvalid => (Code::Unauthenticated, ErrorReason::UserTokenInvalid),
            Self::UserNotActive => (Code::FailedPrecondition, ErrorReason::UserNotActive),
            Self::RateLimited { .. } => (Code::ResourceExhausted, ErrorReason::RateLimited),
            Self::NotAMember => (Code::FailedPrecondition, ErrorReason::NotAMember),
            Self::OwnedMember => (Code::FailedPrecondition, ErrorReason::OwnedMember),
            Self::ApiKeyNotFound | Self::ApiKeyEnded => (Code::NotFound, ErrorReason::ApiKeyNotFound),
            Self::AlreadyExists(conflicts) => {
                (Code::AlreadyExists, conflicts.first().map_or(ErrorReason::Internal, |first| first.reason()))
            }
            Self::IdempotencyKeyReused => (Code::FailedPrecondition, ErrorReason::IdempotencyKeyReused),
            Self::IdempotencyUnsupported => (Code::InvalidArgument, ErrorReason::IdempotencyUnsupported),
            Self::EtagMismatch => (Code::Aborted, ErrorReason::EtagMismatch),
            Self::ConflictRetry => (Code::Aborted, ErrorReason::ConflictRetry),
            Self::LastIdentifier => (Code::FailedPrecondition, ErrorReason::LastIdentifier),
            Self::MessageTooLarge { .. } => (Code::ResourceExhausted, ErrorReason::MessageTooLarge),
            Self::Item { error, .. } => error.answer(),
            Self::StoreUnavailable { .. } => (Code::Unavailable, ErrorReason::StoreUnavailable),
            Self::Overloaded => (Code::ResourceExhausted, ErrorReason::Overloaded),
            Self::SecretKeyMissing => (Code::FailedPrecondition, ErrorReason::SecretKeyMissing),
            Self::UnknownMethod => (Code::Unimplemented, ErrorReason::UnknownMethod),
            Self::Deadline => (Code::DeadlineExceeded, ErrorReason::Deadline),
            Self::Internal(_) => (Code::Internal, ErrorReason::Internal),
        }
    }

    fn details(&self, reason: ErrorReason) -> ErrorDetails {
        let mut details = ErrorDetails::new();
        let mut metadata = HashMap::new();
        self.describe(&mut details, &mut metadata);
        details.set_error_info(wire_reason(reason), DOMAIN, metadata);
        details
    }

    fn describe(&self, details: &mut ErrorDetails, metadata: &mut HashMap<String, String>) {
        match self {
            Self::ScopeDenied(scope) => drop(metadata.insert("scope".to_owned(), (*scope).to_owned())),
            Self::GroupNotFound(code) | Self::RoleNotFound(code) => {
                metadata.insert("code".to_owned(), code.chars().take(limits::ECHO_CHARACTERS).collect());
            }
            Self::PageTokenInvalid => drop(details.add_bad_request_violation("page_token", self.to_string())),
            Self::MessageTooLarge { fit: Some(fit) } => drop(metadata.insert("fit".to_owned(), fit.to_string())),
            Self::Item { item, error } => {
                error.describe(details, metadata);
                metadata.insert("item".to_owned(), item.clone());
            }
            Self::Invalid(violations) => {
                metadata.insert("violations".to_owned(), violations.count().to_string());
                for violation in violations.list() {
                    details.add_bad_request_violation(&violation.field, &violation.description);
                }
            }
            Self::Required { message, field } => {
                metadata.insert("violations".to_owned(), "1".to_owned());
                details.add_bad_request_violation(*field, *message);
            }
            Self::AlreadyExists(conflicts) => {
                let reasons: Vec<_> = conflicts.iter().map(|conflict| wire_reason(conflict.reason())).collect();
                metadata.insert("conflicts".to_owned(), reasons.join(","));
            }
            Self::ConflictRetry => drop(details.set_retry_info(Some(RETRY_CONFLICT))),
            Self::Overloaded => drop(details.set_retry_info(Some(RETRY_STORE))),
            Self::RateLimited { after } => drop(details.set_retry_info(Some(*after))),
            Self::StoreUnavailable { outcome_unknown, .. } => {
                details.set_retry_info(Some(RETRY_STORE));
                if *outcome_unknown {
                    metadata.insert("outcome".to_owned(), "unknown".to_owned());
                }
            }
            _ => {}
        }
    }

    /// Writes what the caller is not told to the log, and whose request it was.
    fn log(&self) {
        match self {
            Self::Internal(cause) => {
                let (method, request_id, api_key_id) = telemetry::call();
                tracing::error!(%cause, method, request_id, api_key_id, "internal error");
            }
            // That it is away, the store says once; not for each call.
            Self::StoreUnavailable { cause, outcome_unknown } => {
                tracing::debug!(%cause, outcome_unknown, "the database does not answer");
            }
            _ => tracing::debug!(error = %self, "refused"),
        }
    }
}

/// The reason as it stands in `ErrorInfo`: the enum value without its prefix.
fn wire_reason(reason: ErrorReason) -> &'static str {
    reason.as_str_name().trim_start_matches("ERROR_REASON_")
}

fn summary(violations: &Violations) -> String {
    let Some(first) = violations.list().first() else { return "the request is not valid".to_owned() };
    let more = violations.count() - 1;
    let tail = if more == 0 { String::new() } else { format!(" (and {more} more)") };
    format!("{} {}{tail}", first.field, first.description)
}

fn fitting(fit: Option<usize>) -> String {
    fit.map_or_else(String::new, |fit| format!("; {fit} of its items would fit"))
}

fn unavailable(outcome_unknown: bool) -> &'static str {
    if outcome_unknown {
        "the database did not say whether the write was made: repeat it under its idempotency-key, or read first"
    } else {
        "the database cannot be used now; try again"
    }
}

fn taken(conflicts: &[Conflict]) -> String {
    let names: Vec<_> = conflicts.iter().map(ToString::to_string).collect();
    format!("already taken: {}", names.join(", "))
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        error.log();
        let (code, reason) = error.answer();
        Self::with_error_details(code, error.to_string(), error.details(reason))
    }
}

impl From<Violations> for Status {
    fn from(violations: Violations) -> Self {
        Error::from(violations).into()
    }
}

impl From<Error> for pb::Status {
    /// The error of one item of a batch.
    fn from(error: Error) -> Self {
        let status = Status::from(error);
        <Self as prost::Message>::decode(status.details()).unwrap_or_default()
    }
}
