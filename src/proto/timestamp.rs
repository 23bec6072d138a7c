//! `google.protobuf.Timestamp` as the database keeps it: microseconds since 1970 in a BIGINT.

use prost::bytes::{Buf, BufMut};
use prost::encoding::{self, DecodeContext, WireType};
use sea_orm::sea_query::{ArrayType, ColumnType, Nullable, Value, ValueType, ValueTypeErr};
use sea_orm::{ActiveValue, ColIdx, IntoActiveValue, QueryResult, TryGetError, TryGetable};

/// A time on the wire (`google.protobuf.Timestamp`) and in a BIGINT column (UTC microseconds).
///
/// What a caller sends may be out of range until [`Timestamp::is_valid`] says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Nanoseconds of the second, 0 to 999,999,999. Only whole microseconds are kept.
    pub nanos: i32,
}

impl Timestamp {
    /// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, in seconds: what protobuf and contract §1 allow.
    const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

    /// Whether it lies in the years 1 to 9999.
    #[must_use]
    pub fn is_valid(self) -> bool {
        Self::SECONDS.contains(&self.seconds) && (0..1_000_000_000).contains(&self.nanos)
    }

    /// Microseconds since 1970, rounded down.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.seconds.saturating_mul(1_000_000).saturating_add(i64::from(self.nanos / 1_000))
    }

    /// So much later; as late as can be told where that is too late.
    #[must_use]
    pub fn plus(self, duration: std::time::Duration) -> Self {
        let duration: i64 = duration.as_micros().try_into().unwrap_or(i64::MAX);
        Self::from_micros(self.micros().saturating_add(duration))
    }

    /// So much earlier; as early as can be told where that is too early.
    #[must_use]
    pub fn minus(self, duration: std::time::Duration) -> Self {
        let duration: i64 = duration.as_micros().try_into().unwrap_or(i64::MAX);
        Self::from_micros(self.micros().saturating_sub(duration))
    }

    /// The time so many microseconds after 1970.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        // The remainder is below a million, so its thousandfold fits.
        let nanos: Result<i32, _> = (micros.rem_euclid(1_000_000) * 1_000).try_into();
        let nanos = nanos.unwrap_or_default();
        Self { seconds: micros.div_euclid(1_000_000), nanos }
    }
}

impl prost::Message for Timestamp {
    fn encode_raw(&self, buffer: &mut impl BufMut) {
        if self.seconds != 0 {
            encoding::int64::encode(1, &self.seconds, buffer);
        }
        if self.nanos != 0 {
            encoding::int32::encode(2, &self.nanos, buffer);
        }
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), prost::DecodeError> {
        match tag {
            1 => encoding::int64::merge(wire_type, &mut self.seconds, buffer, context),
            2 => encoding::int32::merge(wire_type, &mut self.nanos, buffer, context),
            _ => encoding::skip_field(wire_type, tag, buffer, context),
        }
    }

    fn encoded_len(&self) -> usize {
        let seconds = if self.seconds == 0 { 0 } else { encoding::int64::encoded_len(1, &self.seconds) };
        let nanos = if self.nanos == 0 { 0 } else { encoding::int32::encoded_len(2, &self.nanos) };
        seconds + nanos
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

// === a BIGINT column ===

impl From<Timestamp> for Value {
    fn from(time: Timestamp) -> Self {
        Self::BigInt(Some(time.micros()))
    }
}

impl Nullable for Timestamp {
    fn null() -> Value {
        Value::BigInt(None)
    }
}

impl ValueType for Timestamp {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        <i64 as ValueType>::try_from(value).map(Self::from_micros)
    }

    fn type_name() -> String {
        "Timestamp".to_owned()
    }

    fn array_type() -> ArrayType {
        ArrayType::BigInt
    }

    fn column_type() -> ColumnType {
        ColumnType::BigInteger
    }
}

impl TryGetable for Timestamp {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        i64::try_get_by(row, index).map(Self::from_micros)
    }
}

impl IntoActiveValue<Timestamp> for Timestamp {
    fn into_active_value(self) -> ActiveValue<Timestamp> {
        ActiveValue::Set(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_microseconds_on_both_sides_of_1970() {
        for (seconds, nanos) in [(0, 0), (5, 7_000), (-1, 999_999_000), (-62_135_596_800, 0), (253_402_300_799, 999_999_000)] {
            let time = Timestamp { seconds, nanos };
            assert!(time.is_valid());
            assert_eq!(Timestamp::from_micros(time.micros()), time);
        }
    }

    #[test]
    fn knows_what_is_out_of_range() {
        for (seconds, nanos) in [(i64::MAX, 0), (i64::MIN, 0), (253_402_300_800, 0), (0, -1), (0, 1_000_000_000)] {
            let time = Timestamp { seconds, nanos };
            assert!(!time.is_valid());
            let _ = time.micros();
        }
    }
}
