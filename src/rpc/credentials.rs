//! `CredentialService`: passwords, set and checked.

use tonic::Request;

use super::{Call, Reply, identifiers, reply, write};
use crate::limits;
use crate::password::Password;
use crate::proto::credential_service_server::CredentialService;
use crate::proto::{SetPasswordRequest, SetPasswordResponse, VerifyPasswordRequest, VerifyPasswordResponse};
use crate::store::Store;
use crate::store::credentials::{GivenPassword, SetPassword, Verified};

/// Implements `CredentialService`.
#[derive(Clone, Debug)]
pub struct Credentials {
    store: Store,
}

impl Credentials {
    /// The service on the store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

#[tonic::async_trait]
impl CredentialService for Credentials {
    async fn set_password(&self, request: Request<SetPasswordRequest>) -> Reply<SetPasswordResponse> {
        let Call { message, mut violations, context, .. } = Call::open(request)?;
        let target = identifiers::user(&message, &self.store, &mut violations);
        let given = GivenPassword::read(&message, &mut violations);
        if message.password.is_none() && message.password_hash.is_none() {
            violations.add("password", "must be given, or password_hash");
        }
        let (target, given) = violations.none_or_some(target.zip(given))?;
        let credential = self.store.credential(given).await?;
        let (reset_on_next_login, keep_tokens) = (message.reset_password_on_next_login, message.keep_tokens);
        let set = SetPassword { target, credential, reset_on_next_login, keep_tokens };
        write(&self.store, context, set, |()| SetPasswordResponse {}).await
    }

    async fn verify_password(&self, request: Request<VerifyPasswordRequest>) -> Reply<VerifyPasswordResponse> {
        let Call { message, mut violations, caller, .. } = Call::open(request)?;
        let target = identifiers::user(&message, &self.store, &mut violations);
        let password = match message.password.as_deref() {
            None => violations.refuse("password", "must be given"),
            Some("") => violations.refuse("password", "must not be empty"),
            Some(password) => Some(password).filter(|password| password.len() <= limits::PASSWORD_BYTES).map(Password::new),
        };
        let (target, password) = violations.none_or_some(target.zip(password))?;
        let Verified { verified, reset_required } = self.store.verify_password(&caller.tenant, &target, password).await?;
        reply(VerifyPasswordResponse { verified, reset_required })
    }
}
