# Seed 004's users by the hundred: made, read back, listed, searched and deleted. Sourced by examples/tour.sh.
# shellcheck shell=bash disable=SC2154  # tour.sh says where we are

USERS=()
while IFS= read -r line; do USERS+=("$line"); done <"$here/users.jsonl"
readonly USERS

batches_004() {
    title "Many at once: results[i] answers item i, and a bad row does not hinder the others"
    call UserService/BatchCreateUsers '{"users": [{"user": {"username": "bob"}}, {"user": {"email": "no at sign"}}]}'
    times 2 '"error"'
    expect '"reason": "USERNAME_EXISTS"' '"reason": "INVALID_FIELD"' '"field": "user.email"'

    title "… unless all or none is asked for"
    refused AlreadyExists USERNAME_EXISTS UserService/BatchCreateUsers "{\"atomic\": true, \"users\": [{\"user\": ${USERS[0]}}, {\"user\": {\"username\": \"bob\"}}]}"
    refused NotFound USER_NOT_FOUND UserService/GetUser '{"user_id": "han-meiling"}'

    title "examples/users.jsonl: three hundred users in many scripts, a hundred at a time"
    local from
    for ((from = 0; from < ${#USERS[@]}; from += 100)); do
        call UserService/BatchCreateUsers "{\"users\": [$(listed '{"user": %s}' "${USERS[@]:from:100}")]}"
        lack '"error"'
        times 100 '"etag"'
    done

    title "Seed 004, batch: ids of every type, mixed freely; what nobody has is told in its place"
    call UserService/BatchGetUsers '{"users": [
  {"user_id": "han-meiling"},
  {"user_id": "bob", "user_id_type": "USER_ID_TYPE_USERNAME"},
  {"user_id": "TEST@example.com", "user_id_type": "USER_ID_TYPE_EMAIL"},
  {"user_id": "+86 188-1234-8888", "user_id_type": "USER_ID_TYPE_PHONE"},
  {"user_id": "nobody"},
  {"user_id": "10010", "user_id_type": "USER_ID_TYPE_EXTERNAL_ID"}
]}'
    expect '"name": "韩美玲"' '"reason": "USER_NOT_FOUND"'
    times 1 '"error"'
    same 'whom these ids name' "$(values userId | tr '\n' ' ')" \
        'han-meiling 6229ffa12345678cade3e3d9 6229ffa12345678cade3e3d9 6229ffa12345678cade3e3d9 6229ffa12345678cade3e3d9 '
}

read_back_equal() {
    title "Seed 004, batch: all of examples/users.jsonl is read back equal, in every field sent, custom data included"
    local from
    for ((from = 0; from < ${#USERS[@]}; from += 100)); do
        local asked
        asked=$(printf '%s\n' "${USERS[@]:from:100}" | sed 's/^{"userId":\("[^"]*"\).*/{"user_id": \1}/' | paste -sd,)
        call UserService/BatchGetUsers "{\"with_custom_data\": true, \"users\": [$asked]}"
        lack '"error"'
        compare "${USERS[@]:from:100}"
    done
}

# compare USER…: each must be in the answer at its place, with the same value under every name. JSON is compared as text: grpcurl
# writes values as users.jsonl has them, but for white space.
compare() {
    local outcome
    outcome=$(LC_ALL=C awk '
        # The values of an object by their names.
        function read(text, fields,    at, from, char, depth, quoted, field, colon) {
            split("", fields)
            from = 2
            for (at = 1; at <= length(text); at++) {
                char = substr(text, at, 1)
                if (quoted) {
                    if (char == "\\") at++
                    else if (char == "\"") quoted = 0
                    continue
                }
                if (char == "\"") quoted = 1
                else if (char == "{" || char == "[") depth++
                else if (char == "}" || char == "]") depth--
                if (depth > 1 || (depth == 1 && char != ",")) continue
                field = substr(text, from, at - from)
                from = at + 1
                colon = index(field, ":")
                fields[substr(field, 1, colon - 1)] = substr(field, colon + 1)
            }
        }
        function compare(place,    name) {
            read(sent[place], ours)
            read(got "}", theirs)
            for (name in ours) {
                compared++
                if (theirs[name] != ours[name]) print "user " place ", " name ": " ours[name] " became " theirs[name]
            }
        }
        FILENAME == "-" { sent[++users] = $0; next }
        /^      "user":/ { got = "{"; answered++; next }
        /^      }/ { compare(answered) }
        {
            sub(/^ +/, "")
            # The space behind a name; it stands before the first value of a line.
            if (match($0, /^"([^"\\]|\\.)*": +/)) {
                name = substr($0, 1, RLENGTH)
                sub(/ +$/, "", name)
                $0 = name substr($0, RLENGTH + 1)
            }
            got = got $0
        }
        END { print (answered == users ? compared : "only " answered + 0 " of " users) }' - <(printf '%s\n' "$answer") <<<"$(printf '%s\n' "$@")")
    [[ $outcome =~ ^[0-9]+$ ]] || wrong "not all is as it was sent: ${outcome:0:2000}"
    echo "$outcome fields of $# users are as they were sent."
    checks=$((checks + $#))
}

list_004() {
    title "Seed 004, list: newest first, ten on a page unless the caller says more"
    call UserService/ListUsers '{}'
    times 10 '"userId"'
    local total
    total=$(number totalCount)
    ((total >= ${#USERS[@]})) || wrong "expected all users to be counted"
    call UserService/ListUsers '{"limit": 1, "count": "COUNT_MODE_EXACT"}'
    same 'however they are counted' "$(number totalCount)" "$total"
    call UserService/ListUsers '{"limit": 1, "count": "COUNT_MODE_NONE"}'
    lack '"totalCount"'

    title "… by number and by token: the same users, none missed and none twice"
    local page token='' numbered='' walked=''
    for page in 1 2 3; do
        call UserService/ListUsers "{\"page\": $page, \"limit\": 100}"
        numbered+=$(values userId)$'\n'
        call UserService/ListUsers "{\"page_token\": \"$token\", \"limit\": 100}"
        walked+=$(values userId)$'\n'
        token=$(value nextPageToken)
    done
    same 'pages by number and by token' "$numbered" "$walked"
    same 'the newest users' "$(sort <<<"${walked%$'\n'}")" "$(user_ids | tr -d '"' | tr , '\n' | sort)"
    refused InvalidArgument INVALID_FIELD UserService/ListUsers '{"page": 0, "limit": 1001}'
    expect '"field": "page"' '"field": "limit"'
    refused InvalidArgument PAGE_TOKEN_INVALID UserService/ListUsers '{"page_token": "bm90IG91cnM"}'
    refused InvalidArgument PAGE_TOKEN_INVALID UserService/SearchUsers "{\"query\": \"bob\", \"page_token\": \"$token\"}"
}

search_004() {
    title "Seed 004, search: in every script, without regard to case"
    found 'kervélec' loic-kervelec
    found 'SÖDERLUND' saga-soderlund
    found '美玲' han-meiling
    found '玲' han-meiling tan-hui-ling
    found 'رانيا' rania-haddadin
    found '中村' nakamura-shota
    found 'королёва' anastasia-korolyova
    found '박지훈' park-ji-hoon
    found 'meiling'

    title "… several words must all be found, wherever they are"
    found 'hollister grace' grace-hollister
    found 'hollister example.com' grace-hollister
    found 'hollister meiling'

    title "… in the fields chosen"
    call UserService/SearchUsers '{"query": "蓝鲸", "fields": ["company"], "limit": 100}'
    expect '"userId": "he-jing"' '"userId": "zhang-wei"' '"userId": "gulnar-abdu"'
    call UserService/SearchUsers '{"query": "蓝鲸", "fields": ["name", "email"]}'
    lack '"userId"'
    refused InvalidArgument INVALID_FIELD UserService/SearchUsers '{"query": "bob", "fields": ["shoe_size"]}'
    refused InvalidArgument INVALID_FIELD UserService/SearchUsers '{"query": " "}'

    title "… page by page, as a list"
    call UserService/SearchUsers '{"query": "example.com", "limit": 5}'
    times 5 '"userId"'
    local first token
    first=$(value userId) token=$(value nextPageToken)
    call UserService/SearchUsers "{\"query\": \"example.com\", \"limit\": 5, \"page_token\": \"$token\"}"
    times 5 '"userId"'
    lack "\"userId\": \"$first\""

    title "… and wildcards are letters as others"
    call UserService/UpdateUser '{"user_id": "han-meiling", "user": {"nickname": "100%_sure"}}'
    found '0%_S' han-meiling
    found '1%sure'
    found 'h_llister'
}

# found QUERY ID…: the search finds these users and nobody else.
found() {
    call UserService/SearchUsers "{\"query\": \"$1\"}"
    same "who is found by $1" "$(values userId | sort)" "$(printf '%s\n' "${@:2}" | sort)"
}

delete_many_004() {
    title "Seed 004, delete_many: what nobody has is told, the others are gone"
    call UserService/BatchDeleteUsers "{\"user_ids\": [$(user_ids), \"nobody\"]}"
    times $((${#USERS[@]} + 1)) '"userId"'
    times 1 '"error"'
    expect '"reason": "USER_NOT_FOUND"'
    call UserService/BatchGetUsers '{"users": [{"user_id": "han-meiling"}, {"user_id": "rania-haddadin"}]}'
    times 2 '"error"'
    lack '"user"'
}

# listed FORMAT TEXT…: each text in the format, parted by commas.
listed() {
    local parted
    # shellcheck disable=SC2059  # the format is ours
    parted=$(printf "$1, " "${@:2}")
    printf '%s' "${parted%, }"
}

# The ids of all users of users.jsonl, quoted and parted by commas.
user_ids() {
    printf '%s\n' "${USERS[@]}" | sed 's/^{"userId":\("[^"]*"\).*/\1/' | paste -sd,
}
