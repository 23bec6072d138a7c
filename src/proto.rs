//! The wire: messages, services and descriptors of `roster.v1` as `build/` makes them from `proto/`, and the few types that
//! stand beside them.

pub mod json;
pub mod reflect;
mod timestamp;
pub(crate) mod wire;

pub use generated::*;
pub use served::{
    api_key_service_server, credential_service_server, group_service_server, identity_service_server, meta_service_server,
    organization_service_server, role_service_server, token_service_server, user_service_server,
};
pub use timestamp::Timestamp;

/// The package's descriptors with all imports, comments and custom options: what reflection and `roster descriptor` serve.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/roster.v1.bin"));

#[expect(clippy::pedantic, clippy::allow_attributes_without_reason, reason = "generated")]
mod generated {
    use crate::policy::{Access, Method, Repeat};
    use crate::proto::reflect::{self, Field, Reflect, TextRule, Value};
    use crate::scope::Scope;

    include!(concat!(env!("OUT_DIR"), "/roster.v1.rs"));
    include!(concat!(env!("OUT_DIR"), "/roster.v1.reflect.rs"));
    include!(concat!(env!("OUT_DIR"), "/roster.v1.policy.rs"));
}

/// The servers, and the answers that carry users as bytes.
#[expect(clippy::pedantic, clippy::allow_attributes, clippy::allow_attributes_without_reason, reason = "generated")]
pub(crate) mod served {
    include!(concat!(env!("OUT_DIR"), "/served/roster.v1.rs"));
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
