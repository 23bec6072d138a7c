//! Field masks (contract §1, AIP-134): which fields of a resource an update sets.

use prost_types::FieldMask;

use super::{Violations, quote};
use crate::proto::reflect::Field;

/// Why a field cannot be written, whether a mask names it or a request without one has it.
pub(super) const OUTPUT_ONLY: &str = "is set by the server and cannot be written";
pub(super) const CREATE_ONLY: &str = "is chosen on create and cannot be changed";

/// The fields that an update names, each of them one that may be written.
#[derive(Clone, Debug, Default)]
pub struct Mask {
    names: Vec<&'static str>,
}

impl Mask {
    /// Reads a mask over a resource's fields; none and an empty one mean that every field present is set.
    pub fn read(mask: Option<&FieldMask>, fields: &'static [Field], violations: &mut Violations) -> Option<Self> {
        let mask = mask.filter(|mask| !mask.paths.is_empty())?;
        let mut read = Self::default();
        for path in &mask.paths {
            match field(path, fields) {
                Ok(field) if read.names(field.name) => {}
                Ok(field) => read.names.push(field.name),
                Err(problem) => violations.add("update_mask", problem),
            }
        }
        Some(read)
    }

    /// Whether it names the field.
    #[must_use]
    pub fn names(&self, field: &str) -> bool {
        self.names.contains(&field)
    }
}

fn field(path: &str, fields: &'static [Field]) -> Result<&'static Field, String> {
    let shown = quote(path);
    if path == "*" {
        return Err("must name fields: `*` is not taken, an absent mask sets every field present".to_owned());
    }
    if path.starts_with("custom_data.") {
        return Err(format!("{shown} reaches inside custom_data: use custom_data_set and custom_data_unset"));
    }
    let known = fields.iter().find(|field| field.name == path);
    match known.ok_or_else(|| format!("{shown} is not a field; names are as in the proto, in snake_case"))? {
        field if field.output_only => Err(format!("{shown} {OUTPUT_ONLY}")),
        field if field.create_only => Err(format!("{shown} {CREATE_ONLY}")),
        field => Ok(field),
    }
}
