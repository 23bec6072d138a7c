//! A short list of texts in one TEXT column, as a JSON array: the same on every engine.

use std::{fmt, str::FromStr};

use sea_orm::DeriveValueType;

/// The items of a repeated text field.
#[derive(Clone, Debug, Default, PartialEq, Eq, DeriveValueType)]
#[sea_orm(value_type = "String")]
pub struct StringList(pub Vec<String>);

impl fmt::Display for StringList {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&serde_json::to_string(&self.0).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for StringList {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(text).map(Self)
    }
}
