//! The wire: messages, services and descriptors of `roster.v1` as `build/` makes them from `proto/`, and the few types that
//! stand beside them.

pub mod json;
pub mod reflect;
mod timestamp;

pub use generated::*;
pub use timestamp::Timestamp;

/// The package's descriptors with all imports, comments and custom options: what reflection and `roster descriptor` serve.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/roster.v1.bin"));

#[expect(clippy::pedantic, clippy::allow_attributes, clippy::allow_attributes_without_reason, reason = "generated")]
mod generated {
    use crate::policy::{Access, Method, Repeat};
    use crate::proto::reflect::{self, Field, Reflect, TextRule, Value};
    use crate::scope::Scope;

    include!(concat!(env!("OUT_DIR"), "/roster.v1.rs"));
    include!(concat!(env!("OUT_DIR"), "/roster.v1.reflect.rs"));
    include!(concat!(env!("OUT_DIR"), "/roster.v1.policy.rs"));
}

/// Messages with every kind of rule, for the unit tests of what is generated.
#[cfg(test)]
#[expect(unreachable_pub, reason = "generated")]
pub(crate) mod fixture {
    use crate::proto::reflect::{self, Field, Reflect, TextRule, Value};
    use crate::scope::Scope;

    include!(concat!(env!("OUT_DIR"), "/roster.fixture.v1.rs"));
    include!(concat!(env!("OUT_DIR"), "/roster.fixture.v1.reflect.rs"));
}
