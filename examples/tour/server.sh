# A server of the tour's own. Sourced by examples/tour.sh.
# shellcheck shell=bash disable=SC2034,SC2154  # tour.sh and calls.sh share these names

start_server() {
    local binary
    binary=${ROSTER_BIN:-$(dirname "$0")/../target/release/roster}
    [[ -x $binary ]] || { echo "tour.sh: no binary at $binary; run cargo build --release" >&2; exit 1; }
    binary=$(realpath "$binary")
    directory=$(mktemp -d)
    # There from the start, so that they can be read before the server has said anything.
    touch "$directory/out" "$directory/log"
    trap abandon_server EXIT
    # Nobody's settings but these: no variables, no roster.toml of the working directory.
    unset "${!ROSTER_@}"
    local key
    key=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
    (cd "$directory" && ROSTER_BOOTSTRAP_API_KEY=$key exec "$binary" --listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0) >"$directory/out" 2>"$directory/log" &
    server=$!
    export ROSTER_API_KEY=$key
    local tries
    for ((tries = 0; tries < 100; tries++)); do
        address=$(sed -n 's/^listening on //p' "$directory/out")
        [[ -z $address ]] || break
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    [[ -n $address ]] || { echo "tour.sh: the server does not start" >&2; exit 1; }
    echo "Started $binary on $address."
}

# SIGTERM ends it with status 0.
stop_server() {
    title "SIGTERM: the server ends with status 0"
    local ended=0
    kill -TERM "$server"
    wait "$server" || ended=$?
    server=''
    echo "status $ended"
    ((ended == 0)) || { echo "tour.sh: the server ended with status $ended" >&2; exit 1; }
    checks=$((checks + 1))
}

# However the tour ends, it leaves no server and no files.
abandon_server() {
    local ended=$?
    if ((ended != 0)); then sed 's/^/server: /' "$directory/log" >&2; fi
    [[ -z ${server-} ]] || kill -KILL "$server" 2>/dev/null || true
    rm -rf "$directory"
}
