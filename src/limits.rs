//! How much Roster takes (contract §1). Requests beyond these are refused, never clamped; `GetLimits` tells them.

/// The most bytes of a message, either way.
pub const MESSAGE_BYTES: usize = 4 * 1024 * 1024;
/// The most items in a batch.
pub const BATCH_ITEMS: usize = 1_000;
/// The most items on a page, and how many it has where the request does not say (the seeds' number).
pub const PAGE_LIMIT: usize = 1_000;
/// See [`PAGE_LIMIT`].
pub const DEFAULT_PAGE_LIMIT: usize = 10;
/// The most items before a page that is had by its number: what lies deeper is had by token.
pub const PAGE_OFFSET: usize = 10_000;
/// The most bytes of a page token.
pub const PAGE_TOKEN_BYTES: usize = 4 * 1024;
/// How long a page token is good for.
pub const PAGE_TOKEN_AGE: std::time::Duration = std::time::Duration::from_hours(24);
/// How far a list counts what is on its pages where the request does not say.
pub const COUNT: usize = 10_000;
/// The most characters of a search query.
pub const QUERY_CHARACTERS: usize = 256;
/// The most words of a search query.
pub const QUERY_WORDS: usize = 16;
/// The most characters in a code of a group, a role, an organization, a department or a post.
pub const CODE_CHARACTERS: usize = 64;
/// The most levels of a tree of departments.
pub const DEPARTMENT_LEVELS: usize = 100;
/// The most roles that one question can ask for.
pub const ASKED_ROLES: usize = 100;
/// The most scopes that a request names; the proto's `max_items`.
pub const SCOPES: usize = 32;
/// The longest that a rotated secret may live on, and how long it does where the request does not say.
pub const OVERLAP: std::time::Duration = std::time::Duration::from_hours(7 * 24);
/// See [`OVERLAP`].
pub const DEFAULT_OVERLAP: std::time::Duration = std::time::Duration::from_hours(24);
/// The most characters in an email address (RFC 5321).
pub const EMAIL_CHARACTERS: usize = 254;
/// The most characters in a username.
pub const USERNAME_CHARACTERS: usize = 128;
/// The most characters in a user id that a caller chooses.
pub const CHOSEN_ID_CHARACTERS: usize = 128;
/// The most characters in an external id, and in any id of a lookup.
pub const ID_CHARACTERS: usize = 256;
/// The most characters in a short profile text.
pub const TEXT_CHARACTERS: usize = 256;
/// The most characters in a long profile text.
pub const LONG_TEXT_CHARACTERS: usize = 2_048;
/// The most bytes in a user's custom data as compact JSON.
pub const CUSTOM_DATA_BYTES: usize = 64 * 1024;
/// The most objects and lists inside each other in custom data, the outermost object included.
pub const CUSTOM_DATA_DEPTH: usize = 8;
/// The most characters in a key of custom data.
pub const CUSTOM_DATA_KEY_CHARACTERS: usize = 64;
/// The most items in `register_source`; the proto's `max_items`.
pub const REGISTER_SOURCE_ITEMS: usize = 32;
/// The most identities of a user; the proto's `max_items`.
pub const IDENTITIES: usize = 64;
/// The most bytes in what a provider says of a user, as compact JSON; the proto's `max_bytes`.
pub const USER_INFO_BYTES: usize = 16 * 1024;
/// The most bytes in a token of a provider; the proto's `max_bytes`.
pub const PROVIDER_TOKEN_BYTES: usize = 16 * 1024;
/// The most items in `origin_conn_ids`; the proto's `max_items`.
pub const ORIGIN_CONN_IDS_ITEMS: usize = 32;
/// The most bytes in a password.
pub const PASSWORD_BYTES: usize = 512;
/// The most bytes in a password's hash that is imported, as it is written.
pub const PASSWORD_HASH_BYTES: usize = 512;
/// The most users of a batch who have a password: each is hashed.
pub const BATCH_PASSWORDS: usize = 50;
/// The most bytes in a user token.
pub const USER_TOKEN_BYTES: usize = 8 * 1024;
/// The most characters in an idempotency key.
pub const IDEMPOTENCY_KEY_CHARACTERS: usize = 128;
/// How long a call can be repeated under its idempotency key.
pub const IDEMPOTENCY_AGE: std::time::Duration = std::time::Duration::from_hours(24);
/// The most characters in a request id.
pub const REQUEST_ID_CHARACTERS: usize = 128;
/// The most violations that one error lists.
pub const VIOLATIONS: usize = 20;
/// The most bytes that the violations of one error take: proxies cut longer trailers.
pub const VIOLATION_BYTES: usize = 4 * 1024;
/// The most characters of input that an error shows.
pub const ECHO_CHARACTERS: usize = 64;
