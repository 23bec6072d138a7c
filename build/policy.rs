//! What is asked of whom: the table of methods with the `scope` and idempotency options of the protos, and the names of the
//! services. A method without a scope fails the build.

use std::fmt::Write;

use prost_reflect::prost_types::method_options::IdempotencyLevel;
use prost_reflect::{DescriptorPool, MethodDescriptor, Value};

/// The source of `pub(crate) fn method(path: &str) -> Option<Method>` and of `SERVICES` for the package.
pub(crate) fn generate(pool: &DescriptorPool, package: &str) -> Result<String, String> {
    let services = || pool.services().filter(|service| service.package_name() == package);
    let mut arms = String::new();
    for service in services() {
        for method in service.methods() {
            let path = format!("/{}/{}", service.full_name(), method.name());
            let (access, repeat) = (access(pool, &method)?, repeat(pool, &method)?);
            let pool_only = is_set(pool, &method, "pool_only")?;
            let safe = method
                .method_descriptor_proto()
                .options
                .as_ref()
                .is_some_and(|options| options.idempotency_level() == IdempotencyLevel::NoSideEffects);
            let _ = writeln!(
                arms,
                "        {path:?} => Some(Method {{ path: {path:?}, access: Access::{access}, repeat: Repeat::{repeat}, \
                 pool_only: {pool_only}, safe: {safe} }}),"
            );
        }
    }
    let names: Vec<_> = services().map(|service| service.full_name().to_owned()).collect();
    Ok(format!(
        "/// The services of the package, by their full names.\n\
         pub(crate) const SERVICES: &[&str] = &{names:?};\n\n\
         /// What is asked of the callers of the method; `None`: there is no such method.\n\
         pub(crate) fn method(path: &str) -> Option<Method> {{\n    match path {{\n{arms}        _ => None,\n    }}\n}}\n"
    ))
}

fn access(pool: &DescriptorPool, method: &MethodDescriptor) -> Result<String, String> {
    let scope = match option(pool, method, "scope")? {
        Some(Value::String(scope)) if !scope.is_empty() => scope,
        _ => return Err(format!("{} has no scope option", method.full_name())),
    };
    if scope == "any" {
        return Ok("AnyKey".to_owned());
    }
    let scopes: Vec<_> = scope.split(' ').map(scope_path).collect();
    Ok(format!("Scoped(&[{}])", scopes.join(", ")))
}

fn repeat(pool: &DescriptorPool, method: &MethodDescriptor) -> Result<&'static str, String> {
    match (is_set(pool, method, "replayable")?, is_set(pool, method, "unrepeatable")?) {
        (true, true) => Err(format!("{} cannot be replayable and unrepeatable", method.full_name())),
        (true, false) => Ok("Replayable"),
        (false, true) => Ok("Refused"),
        (false, false) => Ok("Anyway"),
    }
}

/// Whether the method's option of this name is set and true.
fn is_set(pool: &DescriptorPool, method: &MethodDescriptor, name: &str) -> Result<bool, String> {
    Ok(option(pool, method, name)? == Some(Value::Bool(true)))
}

/// The method's option of this name, if it is set.
fn option(pool: &DescriptorPool, method: &MethodDescriptor, name: &str) -> Result<Option<Value>, String> {
    let full_name = format!("roster.v1.{name}");
    let option = pool.get_extension_by_name(&full_name).ok_or_else(|| format!("options.proto lacks `{name}`"))?;
    let options = method.options();
    Ok(options.has_extension(&option).then(|| options.get_extension(&option).into_owned()))
}

/// The Rust path of a scope: `users:read` → `Scope::UsersRead`. One that does not exist fails to compile.
pub(crate) fn scope_path(scope: &str) -> String {
    let words = scope.split(':').map(|word| word[..1].to_uppercase() + &word[1..]);
    format!("Scope::{}", words.collect::<String>())
}
