//! The tables, one a file: sea-orm entities and nothing else.

pub mod api_key;
pub mod api_key_secret;
mod collection;
pub mod department;
pub mod group;
pub mod idempotency_answer;
pub mod idempotency_password;
pub mod idempotency_record;
pub mod identity;
pub mod identity_token;
pub mod lock;
pub mod organization;
pub mod password_guess;
pub mod post;
pub mod role;
pub mod sealing_key;
pub mod secret_key;
pub mod secret_key_wrap;
pub mod signing_key;
mod string_list;
pub mod user;
pub mod user_credential;
pub mod user_custom_data;

use collection::collection;
pub use string_list::StringList;
