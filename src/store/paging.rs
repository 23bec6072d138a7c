//! Lists by page: by number, or behind the last item seen (keyset), whose cost does not grow with depth.

use sea_orm::sea_query::{Expr, ExprTrait, Order, Query};
use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QueryResult, QuerySelect, QueryTrait, Select,
};

use super::engine::limit::limited;
use crate::error::{Error, Result};
use crate::limits;

/// Which page of a list, and how to count the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where it begins.
    pub start: Start,
    /// The most items on it.
    pub limit: usize,
    /// How all items are counted.
    pub count: Count,
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// So many items from the list's beginning.
    Offset(u64),
    /// Behind the item of this place.
    Behind(Place),
}

/// How a list counts its items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Exactly, up to [`limits::COUNT`].
    Capped,
    /// Exactly.
    Exact,
    /// Not at all.
    None,
}

/// Where an item stands in a list: its values of what the list is ordered by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(Vec<Key>);

/// A value that a list is ordered by.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    Number(i64),
    Text(String),
}

/// How many items a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// The number, as far as was counted.
    pub count: u64,
    /// Whether there are more.
    pub capped: bool,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// The items with their places.
    pub items: Vec<(Place, T)>,
    /// Whether more follow.
    pub more: bool,
    /// Whether it ends early, since what comes next cannot be told in the same message.
    pub cut: bool,
    /// How many there are on all pages, where it was asked for.
    pub total: Option<Total>,
}

impl<T> Listed<T> {
    /// The same page of what the items are turned into.
    pub(super) fn map<U>(self, turn: impl Fn(T) -> U) -> Listed<U> {
        let items = self.items.into_iter().map(|(place, item)| (place, turn(item))).collect();
        Listed { items, more: self.more, cut: self.cut, total: self.total }
    }

    /// The items, and the page without them.
    pub(super) fn apart(self) -> (Listed<()>, Vec<T>) {
        let (places, items): (Vec<_>, _) = self.items.into_iter().unzip();
        let places = places.into_iter().map(|place| (place, ())).collect();
        (Listed { items: places, more: self.more, cut: self.cut, total: self.total }, items)
    }

    /// The same page of other items: one each, or fewer where the rest goes to the next page.
    pub(super) fn with<U>(self, items: Vec<U>) -> Listed<U> {
        let cut = self.cut || items.len() < self.items.len();
        let items = self.items.into_iter().map(|(place, _)| place).zip(items).collect();
        Listed { items, more: self.more || cut, cut, total: self.total }
    }
}

impl Place {
    /// As it goes into a page token.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let keys = self.0.iter().map(|key| match key {
            Key::Number(number) => serde_json::Value::from(*number),
            Key::Text(text) => serde_json::Value::from(text.as_str()),
        });
        keys.collect::<serde_json::Value>().to_string().into_bytes()
    }

    /// As it comes out of one.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let keys: Vec<serde_json::Value> = serde_json::from_slice(bytes).ok()?;
        let key = |key: serde_json::Value| match key {
            serde_json::Value::String(text) => Some(Key::Text(text)),
            number => number.as_i64().map(Key::Number),
        };
        keys.into_iter().map(key).collect::<Option<_>>().map(Self)
    }
}

impl From<Key> for Expr {
    fn from(key: Key) -> Self {
        match key {
            Key::Number(number) => Self::value(number),
            Key::Text(text) => Self::value(text),
        }
    }
}

/// What a list is ordered by: together they are unique, and none of them ever changes or is absent.
pub(super) struct Keyset {
    columns: Vec<Expr>,
    order: Order,
}

impl Keyset {
    pub(super) fn ascending(columns: impl IntoIterator<Item = Expr>) -> Self {
        Self { columns: columns.into_iter().collect(), order: Order::Asc }
    }

    pub(super) fn descending(columns: impl IntoIterator<Item = Expr>) -> Self {
        Self { columns: columns.into_iter().collect(), order: Order::Desc }
    }

    /// What comes behind the place.
    fn behind(&self, place: Place) -> Expr {
        let (columns, place) = (Expr::tuple(self.columns.clone()), Expr::tuple(place.0.into_iter().map(Expr::from)));
        if self.order == Order::Asc { columns.gt(place) } else { columns.lt(place) }
    }
}

/// The page of what the query selects.
pub(super) async fn list<E: EntityTrait, T: FromQueryResult + Send>(
    connection: &impl ConnectionTrait,
    select: Select<E>,
    keyset: &Keyset,
    page: &Page,
) -> Result<Listed<T>> {
    let total = count(connection, select.clone(), page.count).await?;
    Ok(Listed { total, ..uncounted(connection, select, keyset, page).await? })
}

/// The page of what the query selects, without how many there are.
pub(super) async fn uncounted<E: EntityTrait, T: FromQueryResult + Send>(
    connection: &impl ConnectionTrait,
    select: Select<E>,
    keyset: &Keyset,
    page: &Page,
) -> Result<Listed<T>> {
    let mut query = select;
    for (index, column) in keyset.columns.iter().enumerate() {
        query = query.expr_as(column.clone(), key_name(index)).order_by(column.clone(), keyset.order.clone());
    }
    let offset = match &page.start {
        Start::Offset(offset) => *offset,
        Start::Behind(place) if place.0.len() == keyset.columns.len() => {
            query = query.filter(keyset.behind(place.clone()));
            0
        }
        Start::Behind(_) => return Err(Error::PageTokenInvalid),
    };
    // One more than the page takes tells whether another follows.
    let query = connection.get_database_backend().build(query.as_query());
    let rows = connection.query_all_raw(limited(query, page.limit + 1, offset)).await?;
    let more = rows.len() > page.limit;
    let names: Vec<_> = (0..keyset.columns.len()).map(key_name).collect();
    let is_text: Vec<_> = names.iter().map(|name| rows.first().is_some_and(|row| is_text(row, name))).collect();
    let key = |row: &QueryResult, (name, is_text): (&String, &bool)| {
        if *is_text { row.try_get("", name).map(Key::Text) } else { row.try_get("", name).map(Key::Number) }
    };
    let item = |row: &QueryResult| {
        let place = names.iter().zip(&is_text).map(|column| key(row, column)).collect::<std::result::Result<_, _>>()?;
        Ok((Place(place), T::from_query_result(row, "")?))
    };
    let items = rows.iter().take(page.limit).map(item).collect::<std::result::Result<_, DbErr>>()?;
    Ok(Listed { items, more, cut: false, total: None })
}

fn key_name(index: usize) -> String {
    format!("keyset_{index}")
}

/// Whether the column holds texts, in this row as in all.
fn is_text(row: &QueryResult, name: &str) -> bool {
    row.try_get::<String>("", name).is_ok()
}

/// How many there are of what the query selects.
pub(super) async fn count<E: EntityTrait>(
    connection: &impl ConnectionTrait,
    select: Select<E>,
    count: Count,
) -> Result<Option<Total>> {
    let most = match count {
        Count::None => return Ok(None),
        Count::Exact => None,
        Count::Capped => Some(limits::COUNT as u64),
    };
    let counted = select.select_only().expr_as(Expr::value(1), "one").limit(most.map(|most| most + 1)).into_query();
    let query = Query::select().expr_as(Expr::cust("COUNT(*)"), "total").from_subquery(counted, "counted").to_owned();
    let row = connection.query_one(&query).await?;
    let count = row.map(|row| row.try_get::<i64>("", "total")).transpose()?.unwrap_or_default();
    let count = u64::try_from(count).unwrap_or_default();
    Ok(Some(match most {
        Some(most) if count > most => Total { count: most, capped: true },
        _ => Total { count, capped: false },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_as_it_was_written() {
        let place = Place(vec![Key::Number(-1), Key::Text("a\"b".to_owned())]);
        assert_eq!(Place::from_bytes(&place.to_bytes()), Some(place));
        for bytes in ["", "{}", "[1.5]", "[null]"] {
            assert_eq!(Place::from_bytes(bytes.as_bytes()), None, "{bytes}");
        }
    }
}
