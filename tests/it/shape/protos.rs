//! Rules about the protos: everything is commented, every language generates without options, absence is told from empty.

use std::collections::BTreeMap;

use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, Syntax};
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto};
use roster::proto::DESCRIPTORS;

fn pool() -> DescriptorPool {
    DescriptorPool::decode(DESCRIPTORS).unwrap()
}

/// Our files.
fn files() -> Vec<FileDescriptorProto> {
    let pool = pool();
    let ours = pool.files().filter(|file| file.package_name() == "roster.v1");
    ours.map(|file| file.file_descriptor_proto().clone()).collect()
}

/// Our messages, whatever they lie in.
fn messages() -> Vec<MessageDescriptor> {
    let pool = pool();
    pool.all_messages().filter(|message| message.package_name() == "roster.v1" && !message.is_map_entry()).collect()
}

/// What can be commented, by its path in the file (`SourceCodeInfo.Location`).
#[derive(Default)]
struct Commentable(BTreeMap<Vec<i32>, String>);

impl Commentable {
    fn of(file: &FileDescriptorProto) -> Self {
        let mut all = Self::default();
        file.message_type.iter().zip(0..).for_each(|(message, index)| all.message(&[4, index], message));
        file.enum_type.iter().zip(0..).for_each(|(kind, index)| all.enumeration(&[5, index], kind));
        for (service, index) in file.service.iter().zip(0..) {
            all.add(&[6, index], service.name());
            service.method.iter().zip(0..).for_each(|(method, place)| all.add(&[6, index, 2, place], method.name()));
        }
        file.extension.iter().zip(0..).for_each(|(extension, index)| all.add(&[7, index], extension.name()));
        all
    }

    fn add(&mut self, path: &[i32], name: &str) {
        self.0.insert(path.to_vec(), name.to_owned());
    }

    fn message(&mut self, path: &[i32], message: &DescriptorProto) {
        if message.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry) {
            return;
        }
        self.add(path, message.name());
        let name = |inner: &str| format!("{}.{inner}", message.name());
        for (field, index) in message.field.iter().zip(0..) {
            self.add(&[path, &[2, index]].concat(), &name(field.name()));
        }
        message.nested_type.iter().zip(0..).for_each(|(inner, index)| self.message(&[path, &[3, index]].concat(), inner));
        message.enum_type.iter().zip(0..).for_each(|(inner, index)| self.enumeration(&[path, &[4, index]].concat(), inner));
        // The oneof that stands for `optional` is nobody's to comment.
        for (oneof, index) in message.oneof_decl.iter().zip(0..).filter(|(oneof, _)| !oneof.name().starts_with('_')) {
            self.add(&[path, &[8, index]].concat(), &name(oneof.name()));
        }
    }

    fn enumeration(&mut self, path: &[i32], kind: &EnumDescriptorProto) {
        self.add(path, kind.name());
        kind.value.iter().zip(0..).for_each(|(value, index)| self.add(&[path, &[2, index]].concat(), value.name()));
    }
}

#[test]
fn everything_has_a_comment() {
    let mut uncommented = Vec::new();
    let mut count = 0;
    for file in files() {
        let locations = file.source_code_info.clone().expect("comments are compiled in").location;
        let said = |path: &[i32]| {
            let location = locations.iter().find(|location| location.path == path);
            location.is_some_and(|location| !location.leading_comments().trim().is_empty())
        };
        for (path, name) in Commentable::of(&file).0 {
            count += 1;
            if !said(&path) {
                uncommented.push(format!("{}: {name}", file.name()));
            }
        }
    }
    assert!(count > 200, "only {count} things found");
    assert!(uncommented.is_empty(), "without a comment:\n{}", uncommented.join("\n"));
}

#[test]
fn every_language_generates_without_options() {
    for file in files() {
        let options = file.options.as_ref().unwrap();
        let packages = [options.go_package(), options.java_package(), options.csharp_namespace()];
        assert!(packages.iter().all(|package| !package.is_empty()) && options.java_multiple_files(), "{}", file.name());
        assert_eq!(file.syntax(), "proto3", "{}", file.name());
        assert!(file.name().starts_with("roster/v1/"), "{}", file.name());
    }
}

#[test]
fn in_a_dto_absent_is_absent() {
    let scalar = |field: &FieldDescriptor| !matches!(field.kind(), Kind::Message(_)) && !field.is_list();
    let dtos: Vec<_> = messages().into_iter().filter(|message| message.name().ends_with("Dto")).collect();
    assert!(!dtos.is_empty());
    for dto in dtos {
        for field in dto.fields().filter(scalar) {
            assert!(field.supports_presence(), "{} is not optional", field.full_name());
        }
    }
}

#[test]
fn requests_and_answers_are_named_after_their_rpc_and_every_rpc_has_its_own() {
    let pool = pool();
    for service in pool.services().filter(|service| service.package_name() == "roster.v1") {
        assert!(service.name().ends_with("Service"), "{}", service.name());
        for method in service.methods() {
            let names = (method.input().name().to_owned(), method.output().name().to_owned());
            assert_eq!(names, (format!("{}Request", method.name()), format!("{}Response", method.name())));
        }
    }
}

#[test]
fn numbers_read_as_numbers_in_json() {
    // A 64-bit number is a string in JSON; only Unix seconds may be so big.
    for message in messages().iter().filter(|message| message.name() != "FieldRule") {
        for field in message.fields().filter(|field| !["iat", "exp"].contains(&field.name())) {
            let wide = matches!(field.kind(), Kind::Int64 | Kind::Uint64 | Kind::Sint64 | Kind::Fixed64 | Kind::Sfixed64);
            assert!(!wide, "{} has 64 bits", field.full_name());
        }
        assert_eq!(message.parent_file().syntax(), Syntax::Proto3);
    }
}

#[test]
fn every_enum_begins_with_unspecified_and_spells_its_prefix() {
    let pool = pool();
    for kind in pool.all_enums().filter(|kind| kind.package_name() == "roster.v1") {
        let mut prefix = String::new();
        for letter in kind.name().chars() {
            if letter.is_uppercase() && !prefix.is_empty() {
                prefix.push('_');
            }
            prefix.push(letter.to_ascii_uppercase());
        }
        assert_eq!(kind.get_value(0).unwrap().name(), format!("{prefix}_UNSPECIFIED"));
        for value in kind.values() {
            assert!(value.name().starts_with(&format!("{prefix}_")), "{}", value.name());
        }
    }
}
