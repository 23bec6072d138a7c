//! What each field takes: an implementation of `Reflect` for every message, from the fields' `rule` options.

use std::fmt::Write;

use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

use crate::{messages, policy::scope_path};

/// The source of the `Reflect` implementations of the package's messages.
pub(crate) fn generate(pool: &DescriptorPool, package: &str) -> Result<String, String> {
    let mut source = String::new();
    for message in messages(pool, package) {
        implement(&mut source, &message, package)?;
    }
    Ok(source)
}

/// Whether the field's rule sets the flag.
pub(crate) fn rule_flag(field: &FieldDescriptor, flag: &str) -> bool {
    rule(field).is_some_and(|rule| rule.get_field_by_name(flag).is_some_and(|value| value.as_bool() == Some(true)))
}

fn implement(source: &mut String, message: &MessageDescriptor, package: &str) -> Result<(), String> {
    let (name, table) = (message.name(), table_name(message));
    let (mut fields, mut values) = (String::new(), String::new());
    for (index, field) in message.fields().enumerate() {
        let _ = writeln!(fields, "    {},", describe(&field, package)?);
        let _ = writeln!(values, "            {index} => {},", value(&field, message));
    }
    let body = if values.is_empty() {
        "let _ = index;\n        Value::Absent".to_owned()
    } else {
        format!("match index {{\n{values}            _ => Value::Absent,\n        }}")
    };
    let _ = write!(
        source,
        "/// The fields of [`{name}`].\npub(crate) static {table}: &[Field] = &[\n{fields}];\n\n\
         impl Reflect for {name} {{\n    \
             fn name(&self) -> &'static str {{\n        {name:?}\n    }}\n\n    \
             fn fields(&self) -> &'static [Field] {{\n        {table}\n    }}\n\n    \
             fn value(&self, index: usize) -> Value<'_> {{\n        {body}\n    }}\n{}}}\n\n",
        blank_passwords(message, package)
    );
    if message.fields().any(|field| rule_flag(&field, "secret")) {
        let _ = write!(
            source,
            "impl std::fmt::Debug for {name} {{\n    \
                 fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{\n        \
                     reflect::debug({name:?}, self, formatter)\n    }}\n}}\n\n"
        );
    }
    Ok(())
}

/// `Reflect::blank_passwords`, where the message has passwords, or messages that may have some.
fn blank_passwords(message: &MessageDescriptor, package: &str) -> String {
    let blank = |field: FieldDescriptor| match (rule_flag(&field, "password"), child(&field, package)) {
        (true, _) => Some(format!("self.{}.iter_mut().for_each(String::clear);", field.name())),
        // An option or a list, either way.
        (false, Some(child)) if has_passwords(&child, package) => {
            Some(format!("self.{}.iter_mut().for_each(Reflect::blank_passwords);", field.name()))
        }
        _ => None,
    };
    let body: Vec<_> = message.fields().filter_map(blank).collect();
    if body.is_empty() {
        return String::new();
    }
    format!("\n    fn blank_passwords(&mut self) {{\n        {}\n    }}\n", body.join("\n        "))
}

fn has_passwords(message: &MessageDescriptor, package: &str) -> bool {
    let has = |field: FieldDescriptor| {
        rule_flag(&field, "password") || child(&field, package).is_some_and(|child| has_passwords(&child, package))
    };
    message.fields().any(has)
}

/// The `Field` of a descriptor.
fn describe(field: &FieldDescriptor, package: &str) -> Result<String, String> {
    let mut source = format!("Field {{ name: {:?}", field.name());
    if let Some(rule) = rule(field) {
        for (descriptor, value) in rule.fields() {
            let written = match (descriptor.name(), value) {
                ("text", Value::EnumNumber(number)) => text_rule(&descriptor, *number)?,
                ("scope", Value::String(scope)) => format!("Some({})", scope_path(scope)),
                ("minimum", Value::I64(minimum)) => format!("Some({minimum})"),
                ("max_items" | "max_bytes", Value::I32(most)) => format!("{most}"),
                (_, Value::Bool(flag)) => format!("{flag}"),
                (other, _) => return Err(format!("{}: the build does not know the rule {other}", field.full_name())),
            };
            let _ = write!(source, ", {}: {written}", descriptor.name());
        }
    }
    if let Some(child) = child(field, package) {
        let _ = write!(source, ", children: {}", table_name(&child));
    }
    Ok(source + ", ..Field::PLAIN }")
}

/// How the field's value is read: `optional` ones know absence, plain ones count as absent when empty.
fn value(field: &FieldDescriptor, message: &MessageDescriptor) -> String {
    // Words that Rust keeps for itself.
    let name = match field.name() {
        "type" => "r#type",
        "use" => "r#use",
        name => name,
    };
    if let Some(oneof) = field.containing_oneof().filter(|oneof| !oneof.is_synthetic()) {
        let (module, variants) = (snake(message.name()), camel(oneof.name()));
        let variant = camel(field.name());
        return format!(
            "match &self.{} {{ Some({module}::{variants}::{variant}(value)) => Value::from(value), _ => Value::Absent }}",
            oneof.name()
        );
    }
    match field.kind() {
        Kind::Enum(kind) if !field.is_list() && field.supports_presence() => {
            format!("Value::enumeration(self.{name}, {}::is_valid)", kind.name())
        }
        Kind::Enum(kind) if !field.is_list() => {
            format!("Value::enumeration(Some(self.{name}).filter(|number| *number != 0), {}::is_valid)", kind.name())
        }
        _ => format!("Value::from(&self.{name})"),
    }
}

/// The message of the package that the field holds, if it holds one.
fn child(field: &FieldDescriptor, package: &str) -> Option<MessageDescriptor> {
    match field.kind() {
        Kind::Message(child) if child.package_name() == package && !child.is_map_entry() => Some(child),
        _ => None,
    }
}

fn text_rule(descriptor: &FieldDescriptor, number: i32) -> Result<String, String> {
    let Kind::Enum(kind) = descriptor.kind() else { return Err("`text` is not an enum".to_owned()) };
    let value = kind.get_value(number).ok_or("unknown text rule")?;
    Ok(format!("TextRule::{}", camel(&value.name().trim_start_matches("TEXT_RULE_").to_lowercase())))
}

fn rule(field: &FieldDescriptor) -> Option<DynamicMessage> {
    let option = field.parent_pool().get_extension_by_name("roster.v1.rule")?;
    let options = field.options();
    let rule = options.has_extension(&option).then(|| options.get_extension(&option).into_owned())?;
    rule.as_message().cloned()
}

fn table_name(message: &MessageDescriptor) -> String {
    snake(message.name()).to_uppercase()
}

fn camel(name: &str) -> String {
    name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for (index, letter) in name.char_indices() {
        if letter.is_uppercase() && index > 0 {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
