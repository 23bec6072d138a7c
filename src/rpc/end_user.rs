//! The user on whose behalf a service calls (contract §1, "end user"): their token in the metadata `authorization`.

use tonic::metadata::MetadataMap;

use crate::error::{Error, Result};
use crate::store::{Store, Tenant};

/// What stands before the token (RFC 6750); case does not matter (RFC 9110).
const SCHEME: &str = "bearer";

/// The metadata `authorization`, which most methods take no notice of. Never shown.
pub(crate) enum Authorization {
    /// There is none.
    Missing,
    /// It is none, or there are several.
    Malformed,
    /// A token, which may be any text.
    Token(String),
}

impl Authorization {
    pub(super) fn of(metadata: &MetadataMap) -> Self {
        let mut values = metadata.get_all("authorization").iter();
        let Some(first) = values.next() else { return Self::Missing };
        let parts = first.to_str().ok().and_then(|text| text.split_once(' '));
        match parts.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME) && values.next().is_none()) {
            Some((_, token)) => Self::Token(token.trim().to_owned()),
            None => Self::Malformed,
        }
    }

    /// The id of the user whose good token it is; `None`: nobody is named.
    ///
    /// # Errors
    /// [`Error::UserTokenInvalid`].
    pub(super) async fn user(&self, store: &Store, tenant: &Tenant) -> Result<Option<String>> {
        match self {
            Self::Missing => Ok(None),
            Self::Malformed => Err(Error::UserTokenInvalid),
            Self::Token(token) => match store.verify_user_token(tenant, token).await? {
                Ok(user) => Ok(Some(user.user_id)),
                Err(_) => Err(Error::UserTokenInvalid),
            },
        }
    }
}
