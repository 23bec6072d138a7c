//! Who may call what, and the services of the package: from the methods' `scope` options. A method without one fails the build.

use std::fmt::Write;

use prost_reflect::{DescriptorPool, Value};

/// The source of `pub(crate) fn access(path: &str) -> Option<Access>` for the package's services.
pub(crate) fn generate(pool: &DescriptorPool, package: &str) -> Result<String, String> {
    let option = pool.get_extension_by_name("roster.v1.scope").ok_or("options.proto lacks `scope`")?;
    let mut arms = String::new();
    for service in pool.services().filter(|service| service.package_name() == package) {
        for method in service.methods() {
            let options = method.options();
            let scope = match options.get_extension(&option).into_owned() {
                Value::String(scope) if options.has_extension(&option) && !scope.is_empty() => scope,
                _ => return Err(format!("{} has no scope option", method.full_name())),
            };
            let path = format!("/{}/{}", service.full_name(), method.name());
            let _ = writeln!(arms, "        {path:?} => Some(Access::{}),", access(&scope));
        }
    }
    let services = pool.services().filter(|service| service.package_name() == package);
    let names: Vec<_> = services.map(|service| service.full_name().to_owned()).collect();
    Ok(format!(
        "/// The services of the package, by their full names.\n\
         pub(crate) const SERVICES: &[&str] = &{names:?};\n\n\
         /// What the method asks of its caller; `None`: there is no such method.\n\
         pub(crate) fn access(path: &str) -> Option<Access> {{\n    match path {{\n{arms}        _ => None,\n    }}\n}}\n"
    ))
}

fn access(scope: &str) -> String {
    if scope == "any" {
        return "AnyKey".to_owned();
    }
    let scopes: Vec<_> = scope.split(' ').map(scope_path).collect();
    format!("Scoped(&[{}])", scopes.join(", "))
}

/// The Rust path of a scope: `users:read` → `Scope::UsersRead`. One that does not exist fails to compile.
pub(crate) fn scope_path(scope: &str) -> String {
    let words = scope.split(':').map(|word| word[..1].to_uppercase() + &word[1..]);
    format!("Scope::{}", words.collect::<String>())
}
