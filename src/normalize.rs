//! Identifiers in the one form that is stored and the one form that is matched (contract §2). Create, update, every lookup and
//! search come through here, so that what one of them wrote the others find.

pub mod email;
pub mod external_id;
pub mod identity;
pub mod phone;
pub mod username;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// What is wrong with a text in which [`is_invisible`] found something.
const INVISIBLE: &str = "must not contain white space, control or format characters";

/// Whether a character shows nothing of itself, so that two identifiers could differ without looking different.
fn is_invisible(character: char) -> bool {
    // ASCII first: it is most of the input, and the category is a search in a table.
    if character.is_ascii() {
        return !character.is_ascii_graphic();
    }
    character.is_whitespace() || character.is_control() || character.general_category() == GeneralCategory::Format
}
