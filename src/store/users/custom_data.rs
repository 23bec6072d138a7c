//! Custom data: read, shown, and changed key by key, a row a top-level key.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use prost_types::{Struct, Value, value::Kind};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter};

use crate::entity::user_custom_data::{ActiveModel, Column, Entity};
use crate::error::{Error, Result};
use crate::limits;
use crate::proto::{UserDto, json};
use crate::store::engine::keys::any_of;
use crate::validate::{Violations, custom_data::check_key};

/// The path of custom data that replaces what is stored.
pub(super) const FIELD: &str = "user.custom_data";
const NOT_TOGETHER: &str = "cannot stand together with user.custom_data";

/// How a read shows custom data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CustomDataView {
    /// Not at all.
    #[default]
    None,
    /// As it was written, in `custom_data`.
    Nested,
    /// With dotted keys, in `flat_custom_data`.
    Flat,
}

/// What a write does to custom data.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Change {
    /// Nothing.
    #[default]
    Keep,
    /// This is all of it.
    Replace(Struct),
    /// Some keys are set, others removed.
    Merge {
        /// The keys to set.
        set: Struct,
        /// The keys to remove.
        unset: BTreeSet<String>,
    },
}

impl Change {
    /// What a request does: `replaced` is all of it, `set` and `unset` touch single keys, never both.
    pub(super) fn read(replaced: Option<Struct>, set: Struct, unset: Vec<String>, violations: &mut Violations) -> Self {
        for (index, key) in unset.iter().enumerate() {
            let field = format!("custom_data_unset[{index}]");
            violations.take(&field, check_key(key));
            if set.fields.contains_key(key) {
                violations.add(field, "is also in custom_data_set");
            }
        }
        if replaced.is_some() && !set.fields.is_empty() {
            violations.add("custom_data_set", NOT_TOGETHER);
        }
        if replaced.is_some() && !unset.is_empty() {
            violations.add("custom_data_unset", NOT_TOGETHER);
        }
        let change = match replaced {
            Some(replaced) => Self::Replace(replaced),
            None if set.fields.is_empty() && unset.is_empty() => Self::Keep,
            None => Self::Merge { set, unset: unset.into_iter().collect() },
        };
        // Too much by itself; whether it is too much together with what is stored, only the write can tell.
        violations.take(change.field(), Stored::default().changed(&change).check_size());
        change
    }

    /// The request's field that makes the change.
    pub(super) fn field(&self) -> &'static str {
        if let Self::Merge { .. } = self { "custom_data_set" } else { FIELD }
    }
}

/// A user's custom data as it stands in the database: top-level keys with their values as JSON text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stored(BTreeMap<String, String>);

impl Stored {
    pub(super) async fn read(connection: &impl ConnectionTrait, user_id: &str) -> Result<Self> {
        Ok(Self::of(connection, &[user_id]).await?.remove(user_id).unwrap_or_default())
    }

    /// That of each of the users; who has none is not among them.
    pub(super) async fn of(connection: &impl ConnectionTrait, user_ids: &[impl AsRef<str>]) -> Result<HashMap<String, Self>> {
        let mut found: HashMap<String, Self> = HashMap::new();
        for row in Entity::find().filter(any_of(connection, Column::UserId, user_ids)).all(connection).await? {
            found.entry(row.user_id).or_default().0.insert(row.key, row.value);
        }
        Ok(found)
    }

    /// As it stands after the change.
    pub(super) fn changed(&self, change: &Change) -> Self {
        match change {
            Change::Keep => self.clone(),
            Change::Replace(data) => Self(texts(data).collect()),
            Change::Merge { set, unset } => {
                let mut merged = self.0.clone();
                merged.retain(|key, _| !unset.contains(key));
                merged.extend(texts(set));
                Self(merged)
            }
        }
    }

    /// Its size as compact JSON, in bytes: braces, and for each key quotes, colon and comma. Keys need no escapes.
    pub(super) fn bytes(&self) -> usize {
        2 + self.0.iter().map(|(key, value)| key.len() + value.len() + 4).sum::<usize>().saturating_sub(1)
    }

    /// Checks the size.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence.
    pub(super) fn check_size(&self) -> std::result::Result<(), String> {
        if self.bytes() <= limits::CUSTOM_DATA_BYTES {
            return Ok(());
        }
        Err(format!("makes {} bytes of custom data as JSON; at most {} fit", self.bytes(), limits::CUSTOM_DATA_BYTES))
    }

    /// Writes what differs from `before`.
    pub(super) async fn write(&self, connection: &impl ConnectionTrait, user_id: &str, before: &Self) -> Result<()> {
        let removed: Vec<_> = before.0.keys().filter(|key| !self.0.contains_key(*key)).collect();
        if !removed.is_empty() {
            let whose = Column::UserId.eq(user_id).and(Column::Key.is_in(removed));
            Entity::delete_many().filter(whose).exec(connection).await?;
        }
        let rows = self.0.iter().filter(|(key, value)| before.0.get(*key) != Some(value));
        upsert(connection, rows.map(|(key, value)| (user_id, key, value)).collect()).await
    }

    /// Puts it into an answer. A user without any shows none.
    pub(super) fn show(&self, view: CustomDataView, user: &mut UserDto) -> Result<()> {
        if view == CustomDataView::None || self.0.is_empty() {
            return Ok(());
        }
        let parse = |(key, text): (&String, &String)| json::from_text(text).map(|value| (key.clone(), value));
        let data = Struct { fields: self.0.iter().map(parse).collect::<std::result::Result<_, _>>().map_err(Error::internal)? };
        if view == CustomDataView::Flat {
            flatten(data, "", &mut user.flat_custom_data);
        } else {
            user.custom_data = Some(data);
        }
        Ok(())
    }
}

/// Writes that of users who have none yet.
pub(super) async fn insert<'d>(
    connection: &impl ConnectionTrait,
    data: impl Iterator<Item = (&'d str, &'d Stored)>,
) -> Result<()> {
    let rows = data.flat_map(|(user_id, stored)| stored.0.iter().map(move |(key, value)| (user_id, key, value)));
    upsert(connection, rows.collect()).await
}

/// Writes values of keys of users.
async fn upsert(connection: &impl ConnectionTrait, rows: Vec<(&str, &String, &String)>) -> Result<()> {
    // Bounded, since an engine takes some ten thousand parameters a statement.
    for rows in rows.chunks(1_000) {
        let rows = rows.iter().map(|(user_id, key, value)| ActiveModel {
            user_id: Set((*user_id).to_owned()),
            key: Set((*key).clone()),
            value: Set((*value).clone()),
        });
        let upsert = OnConflict::columns([Column::UserId, Column::Key]).update_column(Column::Value).to_owned();
        Entity::insert_many(rows).on_conflict(upsert).exec_without_returning(connection).await?;
    }
    Ok(())
}

fn texts(data: &Struct) -> impl Iterator<Item = (String, String)> + '_ {
    data.fields.iter().map(|(key, value)| (key.clone(), json::to_text(value)))
}

/// Members of objects under dotted keys; lists and empty objects stay values.
fn flatten(data: Struct, prefix: &str, flat: &mut BTreeMap<String, Value>) {
    for (key, value) in data.fields {
        let key = format!("{prefix}{key}");
        match value.kind {
            Some(Kind::StructValue(inner)) if !inner.fields.is_empty() => flatten(inner, &format!("{key}."), flat),
            kind => drop(flat.insert(key, Value { kind })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_that_of_the_compact_json() {
        let value = |kind| Value { kind: Some(kind) };
        let data = Struct {
            fields: [
                ("a".to_owned(), value(Kind::StringValue("x".to_owned()))),
                ("bc".to_owned(), value(Kind::BoolValue(true))),
            ]
            .into(),
        };
        let stored = Stored::default().changed(&Change::Replace(data));
        assert_eq!(stored.bytes(), r#"{"a":"x","bc":true}"#.len());
        assert_eq!(Stored::default().bytes(), "{}".len());
    }
}
