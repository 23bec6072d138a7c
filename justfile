# What one does here, by name. `just` alone lists it. Each recipe is one command: without `just`, type that.

# List the recipes.
default:
    @{{just_executable()}} --list

# Serve on 127.0.0.1:50051 with ./roster.db; arguments go to the server.
run *arguments:
    cargo run --release -- {{arguments}}

# Run the tests; arguments go to cargo test.
test *arguments:
    cargo test {{arguments}}

# Write the Rust code as rustfmt has it.
fmt:
    cargo fmt --all

# Check the Rust code: rustfmt and clippy, warnings denied.
lint:
    .ci/run format lint

# Check the protos: buf lint, buf format, and breaking changes against the last tag.
proto-lint:
    .ci/run tools proto-lint proto-breaking

# Build and walk through the API with grpcurl, on a server of its own.
tour:
    .ci/run tools build tour

# Everything that must hold before a change lands.
check:
    .ci/run
