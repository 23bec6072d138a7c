//! The tables, one a file: sea-orm entities and nothing else.

pub mod api_key;
pub mod api_key_secret;
mod string_list;
pub mod user;
pub mod user_custom_data;

pub use string_list::StringList;
