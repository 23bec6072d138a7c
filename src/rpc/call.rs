//! How a handler gets its request: only after the scopes of the fields that the request names (contract §5).

use prost::Message;
use tonic::Request;
use tonic::metadata::MetadataMap;

use super::end_user::Authorization;
use crate::error::{Error, Result};
use crate::limits;
use crate::policy::{Access, Method, Repeat};
use crate::proto::reflect::{Field, Reflect, Value};
use crate::scope::Scope;
use crate::store::{Caller, Context, RepeatKey, Tenant};
use crate::validate::{Violations, fields};

/// A call that may be answered.
pub(crate) struct Call<T> {
    /// Who calls.
    pub(crate) caller: Caller,
    /// What they sent.
    pub(crate) message: T,
    /// What is wrong with it so far: the rules that hold field by field have been checked.
    pub(crate) violations: Violations,
    /// On whose behalf the call writes, and what it may be repeated by.
    pub(crate) context: Context,
    /// What came as the token of an end user.
    pub(crate) authorization: Authorization,
}

impl<T: Reflect + Message + Clone> Call<T> {
    /// Opens the call.
    ///
    /// # Errors
    /// [`Error::ScopeDenied`] when the caller's key lacks the scope of a field that the message names;
    /// [`Error::IdempotencyUnsupported`] when the call names an idempotency key where the method takes none.
    pub(crate) fn open(request: Request<T>) -> Result<Self> {
        let caller = request.extensions().get::<Caller>().cloned();
        let method = request.extensions().get::<Method>().copied();
        let (Some(caller), Some(method)) = (caller, method) else {
            return Err(Error::internal("a call came past the gate"));
        };
        let (metadata, _, message) = request.into_parts();
        if method.access == Access::AnyKey && !is_about_itself(&message, &caller) {
            caller.require(Scope::KeysManage)?;
        }
        require_scopes(&message, &mut |scope| caller.require(scope))?;
        if method.pool_only && caller.tenant != Tenant::Pool {
            return Err(Error::PoolOnly);
        }
        let mut violations = Violations::default();
        let key = idempotency_key(&metadata, method.repeat, &mut violations)?;
        fields::request(&message, &mut violations);
        let repeat = key.map(|key| {
            let mut kept = message.clone();
            kept.blank_passwords();
            RepeatKey::new(&caller, &key, method.path, &kept.encode_to_vec())
        });
        let context = Context { caller: Some(caller.clone()), repeat };
        let authorization = Authorization::of(&metadata);
        Ok(Self { caller, message, violations, context, authorization })
    }
}

/// The metadata `idempotency-key`, where the method takes notice of it.
fn idempotency_key(metadata: &MetadataMap, repeat: Repeat, violations: &mut Violations) -> Result<Option<String>> {
    const NAME: &str = "idempotency-key";
    let mut keys = metadata.get_all(NAME).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    match repeat {
        Repeat::Anyway => return Ok(None),
        Repeat::Refused => return Err(Error::IdempotencyUnsupported),
        Repeat::Replayable => {}
    }
    let visible = |key: &&str| {
        (1..=limits::IDEMPOTENCY_KEY_CHARACTERS).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let key = key.to_str().ok().filter(visible).filter(|_| keys.next().is_none());
    if key.is_none() {
        let most = limits::IDEMPOTENCY_KEY_CHARACTERS;
        violations.add(NAME, format!("must be given once, with 1 to {most} visible ASCII characters"));
    }
    Ok(key.map(ToOwned::to_owned))
}

/// What any key may do to a key, it may do to itself alone.
fn is_about_itself(message: &impl Reflect, caller: &Caller) -> bool {
    const NAME: &str = "api_key_id";
    let names_one = message.fields().iter().any(|field| field.name == NAME);
    !names_one || message.get(NAME).as_text() == Some(caller.api_key_id.as_ref())
}

/// Asks for the scope of every field that the message names: by a value, inside a resource, or in the mask of one. Under a mask
/// nothing of the resource is looked at that the mask does not name (contract §1).
fn require_scopes(message: &dyn Reflect, require: &mut impl FnMut(Scope) -> Result<()>) -> Result<()> {
    let fields = message.fields();
    let mask = fields.iter().enumerate().find_map(|(index, _)| match message.value(index) {
        Value::Mask(mask) if !mask.paths.is_empty() => Some(mask),
        _ => None,
    });
    for (index, field) in fields.iter().enumerate() {
        let value = message.value(index);
        if let Some(scope) = field.scope.filter(|_| value.is_present()) {
            require(scope)?;
        }
        match value {
            Value::Message(child) if mask.is_none() => require_scopes(child, require)?,
            Value::Messages(children) => children.each().try_for_each(|child| require_scopes(child, require))?,
            _ => {}
        }
    }
    let Some(mask) = mask else { return Ok(()) };
    let masked = fields.iter().flat_map(|field: &Field| field.children);
    let scoped = masked.filter_map(|field| Some((field.name, field.scope?)));
    let mut named = scoped.filter(|(name, _)| mask.paths.iter().any(|path| path == name));
    named.try_for_each(|(_, scope)| require(scope))
}

#[cfg(test)]
mod tests {
    use prost_types::FieldMask;

    use super::*;
    use crate::proto::fixture::{ThingDto, UpdateThingRequest};

    fn open(scopes: &str, message: UpdateThingRequest) -> Result<Call<UpdateThingRequest>> {
        let mut request = Request::new(message);
        let method = Method { path: "/x/Y", access: Access::AnyKey, repeat: Repeat::Anyway, pool_only: false, safe: false };
        request.extensions_mut().insert(method);
        let (scopes, tenant) = (scopes.parse().unwrap(), Tenant::Pool);
        request.extensions_mut().insert(Caller { api_key_id: "key".into(), scopes, expires_at: None, tenant });
        Call::open(request)
    }

    fn with_password() -> ThingDto {
        ThingDto { password: Some(String::new()), ..ThingDto::default() }
    }

    #[test]
    fn a_scoped_field_needs_its_scope_wherever_it_is_named() {
        let mask = FieldMask { paths: vec!["name".to_owned(), "password".to_owned()] };
        let named = [
            UpdateThingRequest { thing: Some(with_password()), ..Default::default() },
            UpdateThingRequest { things: vec![ThingDto::default(), with_password()], ..Default::default() },
            UpdateThingRequest { update_mask: Some(mask), ..Default::default() },
        ];
        for message in named {
            assert!(matches!(open("users:write", message.clone()), Err(Error::ScopeDenied("users:password"))));
            assert!(open("users:write users:password", message).is_ok());
        }
        let beside = FieldMask { paths: vec!["name".to_owned()] };
        let sent_back = UpdateThingRequest { thing: Some(with_password()), update_mask: Some(beside), ..Default::default() };
        assert!(open("users:write", sent_back).is_ok());
        let shown = UpdateThingRequest { with_groups: true, ..Default::default() };
        assert!(open("*", shown.clone()).is_ok());
        assert!(matches!(open("users:read", shown), Err(Error::ScopeDenied("groups:read"))));
    }

    #[test]
    fn what_is_not_named_needs_nothing() {
        let thing = ThingDto { name: Some("x".to_owned()), ..ThingDto::default() };
        assert!(open("", UpdateThingRequest { thing: Some(thing), ..Default::default() }).is_ok());
    }

    #[test]
    fn a_call_without_a_caller_is_not_opened() {
        assert!(matches!(Call::open(Request::new(UpdateThingRequest::default())), Err(Error::Internal(_))));
    }

    #[test]
    fn secret_fields_are_not_printed() {
        let thing = ThingDto { name: Some("shown".to_owned()), password: Some("hunter2".to_owned()) };
        let printed = format!("{:?}", UpdateThingRequest { thing: Some(thing), ..Default::default() });
        assert!(printed.contains("shown") && printed.contains("<secret>") && !printed.contains("hunter2"));
    }
}
