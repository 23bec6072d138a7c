# The tour's calls: each is printed with its answer, and the answer is checked. Sourced by examples/tour.sh.
# shellcheck shell=bash disable=SC2016,SC2154  # grpcurl itself puts the key in; tour.sh sets the address

readonly GRPCURL=${GRPCURL:-grpcurl}
readonly WITH_KEY=(-expand-headers -H 'x-api-key: ${ROSTER_API_KEY}')
checks=0 answer='' squeezed='' status=0

title() {
    printf '\n=== %s\n' "$1"
}

# call METHOD REQUEST: a call that must succeed.
call() {
    send "roster.v1.$1" "$2" "${WITH_KEY[@]}"
    ((status == 0)) || wrong "the call failed"
}

# The same without a key, the method in full.
call_plain() {
    send "$1" "$2"
    ((status == 0)) || wrong "the call failed"
}

# refused CODE REASON METHOD REQUEST: a call that must fail so.
refused() {
    send "roster.v1.$3" "$4" "${WITH_KEY[@]}"
    expect "Code: $1" '"domain": "roster"' "\"reason\": \"$2\""
}

refused_plain() {
    send "$3" "$4"
    expect "Code: $1" '"domain": "roster"' "\"reason\": \"$2\""
}

# send METHOD REQUEST FLAG…: prints the call and its answer, and leaves both outcome and answer.
send() {
    printf '\n$ %s %s\n' "$1" "$(beginning "$2")"
    local flags=(-plaintext -max-time 20 "${@:3}")
    # Where the answer may be false, it is to be seen.
    [[ $1 != *UserService/*Exists && $1 != *UserService/Check* && $1 != */HasAnyRole ]] || flags+=(-emit-defaults)
    status=0
    answer=$("$GRPCURL" "${flags[@]}" -d @ "$address" "$1" 2>&1 <<<"$2") || status=$?
    squeezed=$(tr -d '[:space:]' <<<"$answer")
    beginning "$answer"
}

# The text, or how it begins where it is long.
beginning() {
    if ((${#1} <= 3000)); then printf '%s\n' "$1"; else printf '%s … (%d characters)\n' "${1:0:1000}" "${#1}"; fi
}

describe() {
    printf '\n$ describe %s\n' "$1"
    answer=$("$GRPCURL" -plaintext -max-time 20 "$address" describe "$1" 2>&1) || wrong "there is no description"
    squeezed=$(tr -d '[:space:]' <<<"$answer")
    printf '%s\n' "$answer"
}

# expect TEXT…: each must be in the answer; white space counts for nothing.
expect() {
    local text
    for text in "$@"; do
        [[ $squeezed == *"${text//[[:space:]]/}"* ]] || wrong "expected $text"
        checks=$((checks + 1))
    done
}

# lack TEXT…: none may be in the answer.
lack() {
    local text
    for text in "$@"; do
        [[ $squeezed != *"${text//[[:space:]]/}"* ]] || wrong "did not expect $text"
        checks=$((checks + 1))
    done
}

# times NUMBER TEXT: so many lines of the answer have the text.
times() {
    local found
    found=$(grep -cF -- "$2" <<<"$answer") || true
    ((found == $1)) || wrong "expected $2 $1 times and not $found times"
    checks=$((checks + 1))
}

# same WHAT ONE OTHER: the two must be the same text.
same() {
    [[ $2 == "$3" ]] || wrong "$1: expected the same, but one is ${2:0:500}, the other ${3:0:500}"
    checks=$((checks + 1))
}

# value NAME: the text under that name in the answer.
value() {
    [[ $answer =~ \"$1\":\ *\"([^\"]*)\" ]] || wrong "expected a value of $1"
    printf '%s' "${BASH_REMATCH[1]}"
}

# number NAME: the number under that name in the answer.
number() {
    [[ $answer =~ \"$1\":\ *([0-9]+) ]] || wrong "expected a number of $1"
    printf '%s' "${BASH_REMATCH[1]}"
}

# values NAME: every text under that name in the answer, a line each.
values() {
    sed -n "s/^ *\"$1\": *\"\([^\"]*\)\",\{0,1\}$/\1/p" <<<"$answer"
}

wrong() {
    printf '\ntour.sh: %s, but that is the answer:\n%s\n' "$1" "$(beginning "$answer")" >&2
    exit 1
}
