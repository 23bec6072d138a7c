//! Compiles the protos without protoc: messages and services (prost, tonic), the lossless descriptor bytes that reflection
//! and `roster descriptor` serve, and two tables read from our own options: what each field takes and who may call what.

#![expect(clippy::print_stdout, reason = "how a build script speaks to cargo")]

mod policy;
mod reflect;
mod served;

use std::{env, error::Error, fs, path::Path, path::PathBuf, process::Command};

use prost_reflect::prost_types::FileDescriptorSet;
use prost_reflect::{DescriptorPool, Kind, MessageDescriptor};

/// Messages that are rows: read from and written to the table of the entity, with no code in between.
const ROWS: &[(&str, &str)] = &[
    ("roster.v1.ApiKeyDto", "api_key"),
    ("roster.v1.DepartmentDto", "department"),
    ("roster.v1.GroupDto", "group"),
    ("roster.v1.IdentityDto", "identity"),
    ("roster.v1.OrganizationDto", "organization"),
    ("roster.v1.PostDto", "post"),
    ("roster.v1.RoleDto", "role"),
    ("roster.v1.UserDto", "user"),
];

/// Scalars of these that are no columns: they lie in another table.
const NOT_COLUMNS: &[&str] =
    &["roster.v1.IdentityDto.access_token", "roster.v1.IdentityDto.refresh_token", "roster.v1.UserDto.main_department_id"];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let api = [
        "roster/v1/api_key_service.proto",
        "roster/v1/credential_service.proto",
        "roster/v1/group_service.proto",
        "roster/v1/identity_service.proto",
        "roster/v1/organization_service.proto",
        "roster/v1/role_service.proto",
        "roster/v1/token_service.proto",
        "roster/v1/user_service.proto",
        "roster/v1/meta_service.proto",
        "roster/v1/error_reason.proto",
        // No file of ours needs it; reflection serves it, so that tools can print what errors carry.
        "google/rpc/error_details.proto",
    ];
    let (pool, files) = compile(&out, "roster.v1", &["proto", "third_party/proto"], &api)?;
    fs::write(out.join("user_fields.rs"), served::fields(&pool)?)?;
    served::generate(&pool, "roster.v1", files, &out.join("served"))?;
    let fixture = ["roster/fixture/v1/fixture.proto"];
    compile(&out, "roster.fixture.v1", &["tests/fixtures/proto", "proto"], &fixture)?;
    for watched in ["build", "proto", "third_party/proto", "tests/fixtures/proto"] {
        println!("cargo:rerun-if-changed={watched}");
    }
    println!("cargo:rustc-env=ROSTER_GIT_COMMIT={}", git_commit());
    Ok(())
}

/// Writes what the package needs to `out`: `<package>.rs`, `<package>.bin`, `<package>.reflect.rs`, `<package>.policy.rs`; all but
/// its servers.
fn compile(
    out: &Path,
    package: &str,
    includes: &[&str],
    files: &[&str],
) -> Result<(DescriptorPool, FileDescriptorSet), Box<dyn Error>> {
    let mut compiler = protox::Compiler::new(includes)?;
    compiler.include_imports(true).include_source_info(true).open_files(files)?;
    let pool = compiler.descriptor_pool();
    // prost-types drops custom options, and tonic's own writer does nothing for compiled descriptors.
    fs::write(out.join(format!("{package}.bin")), compiler.encode_file_descriptor_set())?;
    fs::write(out.join(format!("{package}.reflect.rs")), reflect::generate(&pool, package)?)?;
    fs::write(out.join(format!("{package}.policy.rs")), policy::generate(&pool, package)?)?;

    let mut descriptors = compiler.file_descriptor_set();
    descriptors.file.retain(|file| !file.name().ends_with("/options.proto"));
    let mut config = tonic_prost_build::configure()
        .codec_path("crate::transport::Codec")
        .build_server(false)
        .btree_map(".")
        .extern_path(".google.protobuf.Timestamp", "crate::proto::Timestamp")
        .extern_path(".google.rpc", "::tonic_types::pb");
    for message in messages(&pool, package) {
        let name = message.full_name();
        if message.fields().any(|field| reflect::rule_flag(&field, "secret")) {
            config = config.skip_debug([name]);
        }
        if let Some((_, entity)) = ROWS.iter().find(|(row, _)| *row == name) {
            config = config.message_attribute(name, row_derives(entity));
            for field in message.fields().filter(|field| !is_column(field)) {
                config = config.field_attribute(field.full_name(), "#[sea_orm(skip, ignore)]");
            }
        }
    }
    config.out_dir(out).compile_fds(descriptors.clone())?;
    Ok((pool, descriptors))
}

/// The messages of the package that callers send and receive; not those that only spell our options.
fn messages<'a>(pool: &'a DescriptorPool, package: &'a str) -> impl Iterator<Item = MessageDescriptor> + 'a {
    pool.all_messages().filter(move |message| {
        message.package_name() == package
            && !message.is_map_entry()
            && !message.parent_file().name().ends_with("/options.proto")
    })
}

/// Whether the field is a column of its message's table: every scalar, enum and time is, but for [`NOT_COLUMNS`]; lists, maps and
/// structs are not.
fn is_column(field: &prost_reflect::FieldDescriptor) -> bool {
    let time = matches!(field.kind(), Kind::Message(kind) if kind.full_name() == "google.protobuf.Timestamp");
    let elsewhere = field.is_list() || field.is_map() || NOT_COLUMNS.contains(&field.full_name());
    !elsewhere && (time || !matches!(field.kind(), Kind::Message(_)))
}

fn row_derives(entity: &str) -> String {
    format!(
        "#[derive(sea_orm::DerivePartialModel, sea_orm::DeriveIntoActiveModel)]\n\
         #[sea_orm(entity = \"crate::entity::{entity}::Entity\", active_model = \"crate::entity::{entity}::ActiveModel\")]"
    )
}

/// The commit of the checkout, or `unknown` outside one.
fn git_commit() -> String {
    for watched in [".git/HEAD", ".git/refs/heads"] {
        if Path::new(watched).exists() {
            println!("cargo:rerun-if-changed={watched}");
        }
    }
    let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    let commit = output.ok().filter(|output| output.status.success()).and_then(|output| String::from_utf8(output.stdout).ok());
    commit.map_or_else(|| "unknown".to_owned(), |commit| commit.trim().to_owned())
}
