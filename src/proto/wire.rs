//! Users as bytes, straight from the columns of their row: what `UserDto` would be encoded to, without one in between.

use prost::Message;
use prost::bytes::{BufMut, BytesMut};
use prost::encoding::{WireType, encode_key, encode_varint};

use super::Timestamp;

include!(concat!(env!("OUT_DIR"), "/user_fields.rs"));

/// A field of a message that is a column of its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// Its name, and the column's.
    pub(crate) name: &'static str,
    /// Its number.
    pub(crate) number: u32,
    /// How it is written.
    pub(crate) kind: Kind,
    /// Whether it has no absent state, so that 0 and the empty text are not written.
    pub(crate) implicit: bool,
}

/// How a column is stored and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text.
    Text,
    /// Several texts, stored as a JSON array.
    Texts,
    /// A whole number of 32 bits, an enum or a boolean.
    Number,
    /// A time, stored as microseconds since 1970.
    Time,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    /// Nothing.
    Null,
    /// UTF-8.
    Text(&'a [u8]),
    /// A whole number or a boolean.
    Number(i64),
}

/// A column that holds what its field cannot be.
#[derive(Debug, thiserror::Error)]
#[error("the column {0} holds something else than its field")]
pub(crate) struct Mismatch(&'static str);

impl Field {
    /// Writes the field with the column's value.
    ///
    /// # Errors
    /// [`Mismatch`].
    pub(crate) fn write(&self, cell: Cell<'_>, to: &mut BytesMut) -> Result<(), Mismatch> {
        match (self.kind, cell) {
            (_, Cell::Null) => {}
            (Kind::Text, Cell::Text(text)) => {
                if !(self.implicit && text.is_empty()) {
                    self.block(text, to);
                }
            }
            (Kind::Texts, Cell::Text(text)) => {
                let texts: Vec<String> = serde_json::from_slice(text).map_err(|_| Mismatch(self.name))?;
                for text in texts {
                    self.block(text.as_bytes(), to);
                }
            }
            (Kind::Number, Cell::Number(number)) => {
                i32::try_from(number).map_err(|_| Mismatch(self.name))?;
                if !(self.implicit && number == 0) {
                    encode_key(self.number, WireType::Varint, to);
                    // As protobuf has it: negative numbers have their sign in all 64 bits.
                    encode_varint(number.cast_unsigned(), to);
                }
            }
            (Kind::Time, Cell::Number(micros)) => {
                let time = Timestamp::from_micros(micros);
                encode_key(self.number, WireType::LengthDelimited, to);
                encode_varint(time.encoded_len() as u64, to);
                time.encode_raw(to);
            }
            _ => return Err(Mismatch(self.name)),
        }
        Ok(())
    }

    /// Writes bytes behind their length.
    fn block(&self, bytes: &[u8], to: &mut BytesMut) {
        encode_key(self.number, WireType::LengthDelimited, to);
        encode_varint(bytes.len() as u64, to);
        to.put_slice(bytes);
    }
}
