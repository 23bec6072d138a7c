#!/usr/bin/env bash
# A walk through Roster with grpcurl: the sample requests of the seed documents, each with its answer, and each answer checked.
#
#   examples/tour.sh [ADDRESS [KEY]]   against a server that runs; else ROSTER_ADDRESS (127.0.0.1:50051) and ROSTER_API_KEY
#   examples/tour.sh --start           against a server of its own: target/release/roster or ROSTER_BIN, on a temporary database
#
# It ends with status 1 at the first answer that is not as expected. It needs bash, awk and grpcurl; the server needs a master key
# (docs/secrets.md; on SQLite it makes one), the API key the scopes
# users:write, users:verify, users:password, users:token, groups:write, roles:write, organizations:write, identities:write,
# identities:tokens and keys:manage, or `*`. It makes and deletes the users `bob`, `johndoe123`, `tour-owned` and `tour-ann` and whoever holds their sample email, phone number or external id, the users of
# examples/users.jsonl by their ids, and groups, roles and organizations whose codes begin with `tour-`, and it revokes API keys
# whose names begin with `tour: `: do not run it on a database where these are
# real. What an interrupted tour left, the next one clears away.
set -euo pipefail

here=$(dirname "$0")
# shellcheck source=examples/tour/calls.sh
source "$here/tour/calls.sh"
# shellcheck source=examples/tour/server.sh
source "$here/tour/server.sh"
# shellcheck source=examples/tour/batches.sh
source "$here/tour/batches.sh"
# shellcheck source=examples/tour/groups_and_roles.sh
source "$here/tour/groups_and_roles.sh"
# shellcheck source=examples/tour/organizations.sh
source "$here/tour/organizations.sh"
# shellcheck source=examples/tour/login.sh
source "$here/tour/login.sh"
# shellcheck source=examples/tour/api_keys.sh
source "$here/tour/api_keys.sh"
# shellcheck source=examples/tour/clean_up.sh
source "$here/tour/clean_up.sh"

main() {
    case ${1-} in
    -h | --help) sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    --start) start_server ;;
    *)
        address=${1:-${ROSTER_ADDRESS:-127.0.0.1:50051}}
        export ROSTER_API_KEY=${2:-${ROSTER_API_KEY:?give an API key: examples/tour.sh ADDRESS KEY, or in ROSTER_API_KEY}}
        ;;
    esac
    echo "Each call below is: grpcurl -plaintext -expand-headers -H 'x-api-key: \${ROSTER_API_KEY}' -d REQUEST $address METHOD"
    clean_up
    the_server
    check_user_existence_000
    check_user_001
    check_username_002
    users_client_004
    get_user_003
    changes
    refusals
    batches_004
    read_back_equal
    list_004
    search_004
    groups_004
    roles_004
    organizations
    login_004
    delete_many_004
    api_keys
    the_end
    clean_up
    [[ -z ${server-} ]] || stop_server
    echo "The tour is over: $checks checks, all as expected."
}

the_server() {
    title "Is the server there, and what is it? (health needs no key)"
    call_plain grpc.health.v1.Health/Check '{}'
    expect '"status": "SERVING"'
    call_plain grpc.health.v1.Health/Check '{"service": "roster.v1.UserService"}'
    expect '"status": "SERVING"'
    call MetaService/GetVersion '{}'
    expect '"version": "'
    call MetaService/GetLimits '{}'
    expect '"maxPageLimit": 1000' '"maxBatchItems": 1000' '"maxMessageBytes": 4194304'
}

check_user_existence_000() {
    title "Seed 000, is_user_exists: not yet"
    call UserService/UserExists '{"username": "bob", "email": "test@example.com", "phone": "18812348888", "external_id": "10010"}'
    expect '"exists": false'
    refused InvalidArgument INVALID_FIELD UserService/UserExists '{}'
}

check_user_001() {
    title "Seed 001, check-user: nobody yet; with neither, the seed's own words"
    call UserService/CheckUser '{"email": "john@example.com", "phone_number": "+11111111111"}'
    expect '"exists": false' '"code": "CHECK_USER_CODE_USER_NOT_FOUND"' '"message": "User does not exist"'
    refused InvalidArgument INVALID_FIELD UserService/CheckUser '{}'
    expect 'Message: Email or phone number is required.'
}

check_username_002() {
    title "Seed 002, check-user-existence: johndoe123 is free, then registered, then taken"
    call UserService/CheckUsernameAvailability '{"username": "johndoe123"}'
    expect '"available": true'
    call UserService/CreateUser '{"user": {"username": "johndoe123", "email": "john@example.com", "phone": "+11111111111"}}'
    expect '"username": "johndoe123"' '"phone": "1111111111"' '"phoneCountryCode": "+1"'
    call UserService/CheckUsernameAvailability '{"username": "johndoe123"}'
    expect '"available": false' '"reason": "USERNAME_UNAVAILABLE_REASON_TAKEN"'
    call UserService/CheckUsernameAvailability '{"username": "john doe"}'
    expect '"available": false' '"reason": "USERNAME_UNAVAILABLE_REASON_INVALID"'

    title "Seed 001 again: found by email, by phone number, and by the email where both are given"
    call UserService/CheckUser '{"email": "john@example.com"}'
    expect '"exists": true' '"code": "CHECK_USER_CODE_EMAIL_EXISTS"' '"message": "Email already exists"' '"createdAt": "'
    call UserService/CheckUser '{"phone_number": "+11111111111"}'
    expect '"exists": true' '"code": "CHECK_USER_CODE_PHONE_NUMBER_EXISTS"' '"message": "Phone number already exists"'
    call UserService/CheckUser '{"email": "nobody@example.com", "phone_number": "+11111111111"}'
    expect '"exists": false' '"code": "CHECK_USER_CODE_USER_NOT_FOUND"'
}

users_client_004() {
    title "Seed 004, create"
    call UserService/CreateUser '{"user": {
  "username": "bob",
  "phone": "18812348888",
  "nickname": "Nick",
  "logins_count": 2,
  "signed_up": "2020-10-15T17:55:37+08:00"
}}'
    expect '"username": "bob"' '"phone": "18812348888"' '"phoneCountryCode": "+86"' '"nickname": "Nick"' '"loginsCount": 2'
    expect '"signedUp": "2020-10-15T09:55:37Z"' '"status": "USER_STATUS_ACTIVATED"' '"gender": "GENDER_U"'
    local bob
    bob=$(value userId)

    title "Seed 004, update: what is present is set; with a mask, exactly what it names"
    call UserService/UpdateUser "{\"user_id\": \"$bob\", \"user\": {\"email\": \"test@example.com\", \"company\": \"steamory\"}}"
    expect '"email": "test@example.com"' '"company": "steamory"' '"nickname": "Nick"'
    call UserService/UpdateUser "{
  \"user_id\": \"$bob\",
  \"user\": {\"nickname\": \"Bobby\", \"name\": \"not looked at\"},
  \"update_mask\": {\"paths\": [\"nickname\", \"company\"]}
}"
    expect '"nickname": "Bobby"'
    lack '"company"' '"name"'

    title "Seed 004, detail"
    call UserService/GetUser "{\"user_id\": \"$bob\"}"
    expect "\"userId\": \"$bob\"" '"nickname": "Bobby"'

    title "Seed 004, find: usernames are case-sensitive, emails are not, phone numbers have one meaning however they are written"
    call UserService/FindUser '{"username": "bob"}'
    expect "\"userId\": \"$bob\""
    refused NotFound USER_NOT_FOUND UserService/FindUser '{"username": "Bob"}'
    call UserService/FindUser '{"email": "TEST@Example.com"}'
    expect "\"userId\": \"$bob\"" '"email": "test@example.com"'
    call UserService/FindUser '{"phone": "+86 188-1234-8888"}'
    expect "\"userId\": \"$bob\""
    call UserService/FindUser '{"phone": "18812348888", "phone_country_code": "86"}'
    expect "\"userId\": \"$bob\""

    title "Seed 004, delete: gone, and the identifiers are free at once"
    call UserService/DeleteUser "{\"user_id\": \"$bob\"}"
    refused NotFound USER_NOT_FOUND UserService/GetUser "{\"user_id\": \"$bob\"}"
}

get_user_003() {
    title "Seed 003: its own sample user, masked digits filled in, under an id of the caller's choice"
    call UserService/CreateUser '{"user": {
  "user_id": "6229ffa12345678cade3e3d9",
  "status": "USER_STATUS_ACTIVATED",
  "work_status": "WORK_STATUS_ACTIVE",
  "external_id": "10010",
  "email": "test@example.com",
  "phone": "18812348888",
  "phone_country_code": "+86",
  "username": "bob",
  "name": "xxx",
  "nickname": "xxx",
  "photo": "https://files.authing.co/authing-console/default-user-avatar.png",
  "logins_count": 3,
  "last_login": "2022-07-03T03:20:30.000Z",
  "last_ip": "127.0.0.1",
  "gender": "GENDER_M",
  "email_verified": true,
  "phone_verified": true,
  "birthdate": "2022-06-03",
  "country": "CN",
  "province": "BJ",
  "city": "BJ",
  "address": "xxxxx",
  "street_address": "xxxxx",
  "postal_code": "438100",
  "company": "steamory",
  "browser": "Mozilla/5.0 (Linux; Android 10; V2001A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/87.0.4280.141 Mobile Safari/537.36 VivoBrowser/10.2.10.0",
  "device": "iOS",
  "given_name": "xx",
  "family_name": "xxx",
  "middle_name": "James",
  "profile": "alice",
  "preferred_username": "alice",
  "website": "https://my-website.com",
  "zoneinfo": "GMT-08:00",
  "locale": "af",
  "formatted": "132, My Street, Kingston, New York 12401.",
  "region": "Xinjiang Uyghur Autonomous Region",
  "user_source_type": "USER_SOURCE_TYPE_REGISTER",
  "identity_number": "420421199001011234",
  "custom_data": {"school": "xxxxx", "age": 22}
}}'
    the_sample_user
    expect '"customData": {"age": 22, "school": "xxxxx"}'

    title "Seed 003, get_user, by each type of id"
    local type_and_id
    for type_and_id in 'USER_ID 6229ffa12345678cade3e3d9' 'PHONE +8618812348888' 'EMAIL test@example.com' 'USERNAME bob' 'EXTERNAL_ID 10010'; do
        call UserService/GetUser "{\"user_id\": \"${type_and_id#* }\", \"user_id_type\": \"USER_ID_TYPE_${type_and_id% *}\"}"
        the_sample_user
        lack '"customData"'
    done

    title "Seed 003, get_user: identities, and by them"
    call IdentityService/LinkIdentity '{"user_id": "6229ffa12345678cade3e3d9", "identity": {
  "ext_idp_id": "6076bac12345678cd80d993b5", "provider": "IDENTITY_PROVIDER_WECHAT", "type": "openid",
  "user_id_in_idp": "oj7Nq05R-RRaqak0_YlMLnnIwsvg", "access_token": "57_fK0xgSL", "origin_conn_ids": ["605492ac41"]
}}'
    expect '"identityId": "' '"provider": "IDENTITY_PROVIDER_WECHAT"' '"type": "openid"' '"userInfoInIdp": {}'
    lack '57_fK0xgSL'
    for type_and_id in 'IDENTITY 6076bac12345678cd80d993b5' 'SYNC_RELATION wechat'; do
        call UserService/GetUser "{\"user_id\": \"${type_and_id#* }:oj7Nq05R-RRaqak0_YlMLnnIwsvg\", \"user_id_type\": \"USER_ID_TYPE_${type_and_id% *}\", \"with_identities\": true}"
        the_sample_user
        expect '"userIdInIdp": "oj7Nq05R-RRaqak0_YlMLnnIwsvg"' '"originConnIds": ["605492ac41"]'
        lack '57_fK0xgSL'
    done

    title "Seed 003, get_user: withCustomData, flatCustomData"
    call UserService/GetUser '{"user_id": "6229ffa12345678cade3e3d9", "with_custom_data": true}'
    expect '"customData": {"age": 22, "school": "xxxxx"}'
    call UserService/UpdateUser '{
  "user_id": "6229ffa12345678cade3e3d9",
  "custom_data_set": {"address": {"city": "BJ", "lines": ["a", "b"], "empty": {}}},
  "custom_data_unset": ["age"]
}'
    expect '"customData": {"address": {"city": "BJ", "empty": {}, "lines": ["a", "b"]}, "school": "xxxxx"}'
    call UserService/GetUser '{"user_id": "6229ffa12345678cade3e3d9", "flat_custom_data": true}'
    expect '"address.city": "BJ"' '"address.lines": ["a", "b"]' '"address.empty": {}' '"school": "xxxxx"'
    lack '"customData"'

    title "Seed 000 again: each of the sample identifiers is taken, and all by one user"
    call UserService/UserExists '{"username": "bob", "email": "test@example.com", "phone": "18812348888", "external_id": "10010"}'
    expect '"exists": true' '"sameUser": true'
    expect '{"type": "USER_ID_TYPE_USERNAME"}, {"type": "USER_ID_TYPE_EMAIL"}, {"type": "USER_ID_TYPE_PHONE"}, {"type": "USER_ID_TYPE_EXTERNAL_ID"}'
    call UserService/UserExists '{"username": "bob", "email": "john@example.com"}'
    expect '"exists": true' '"sameUser": false'
    call UserService/BatchUserExists '{"checks": [{"username": "bob"}, {"username": "nobody"}, {"phone": "not a number"}]}'
    expect '"exists": true' '"exists": false' '"reason": "INVALID_FIELD"' '"field": "phone"'
}

# What seed 003 shows of its sample user, so far as a read answers with it always.
the_sample_user() {
    expect '"userId": "6229ffa12345678cade3e3d9"' '"status": "USER_STATUS_ACTIVATED"' '"workStatus": "WORK_STATUS_ACTIVE"'
    expect '"externalId": "10010"' '"email": "test@example.com"' '"phone": "18812348888"' '"phoneCountryCode": "+86"'
    expect '"username": "bob"' '"name": "xxx"' '"nickname": "xxx"' '"photo": "https://files.authing.co/authing-console/default-user-avatar.png"'
    expect '"loginsCount": 3' '"lastLogin": "2022-07-03T03:20:30Z"' '"lastIp": "127.0.0.1"' '"gender": "GENDER_M"'
    expect '"emailVerified": true' '"phoneVerified": true' '"birthdate": "2022-06-03"' '"country": "CN"' '"province": "BJ"' '"city": "BJ"'
    expect '"address": "xxxxx"' '"streetAddress": "xxxxx"' '"postalCode": "438100"' '"company": "steamory"'
    expect 'Mobile Safari/537.36 VivoBrowser/10.2.10.0"' '"device": "iOS"' '"givenName": "xx"' '"familyName": "xxx"' '"middleName": "James"'
    expect '"profile": "alice"' '"preferredUsername": "alice"' '"website": "https://my-website.com"' '"zoneinfo": "GMT-08:00"' '"locale": "af"'
    expect '"formatted": "132, My Street, Kingston, New York 12401."' '"region": "Xinjiang Uyghur Autonomous Region"'
    expect '"userSourceType": "USER_SOURCE_TYPE_REGISTER"' '"identityNumber": "420421199001011234"'
    expect '"createdAt": "' '"updatedAt": "' '"statusChangedAt": "' '"etag": "'
}

changes() {
    title "Two people edit the same user: the second sends an etag that is no longer current"
    call UserService/GetUser '{"user_id": "bob", "user_id_type": "USER_ID_TYPE_USERNAME"}'
    local etag
    etag=$(value etag)
    local target='"user_id": "bob", "user_id_type": "USER_ID_TYPE_USERNAME"'
    call UserService/UpdateUser "{$target, \"user\": {\"nickname\": \"first\"}, \"etag\": \"$etag\"}"
    expect '"nickname": "first"'
    lack "\"etag\": \"$etag\""
    refused Aborted ETAG_MISMATCH UserService/UpdateUser "{$target, \"user\": {\"nickname\": \"second\"}, \"etag\": \"$etag\"}"
    refused Aborted ETAG_MISMATCH UserService/DeleteUser "{$target, \"etag\": \"$etag\"}"

    title "A change that changes nothing leaves the etag alone"
    call UserService/GetUser "{$target}"
    etag=$(value etag)
    call UserService/UpdateUser "{$target, \"user\": {\"nickname\": \"first\"}}"
    expect "\"etag\": \"$etag\""

    title "Another email is not verified until somebody says so"
    call UserService/UpdateUser "{$target, \"user\": {\"email\": \"bob@example.com\"}}"
    expect '"email": "bob@example.com"' '"emailVerified": false' '"phoneVerified": true'
    call UserService/UpdateUser "{$target, \"user\": {\"email\": \"test@example.com\", \"email_verified\": true}}"
    expect '"email": "test@example.com"' '"emailVerified": true'
}

refusals() {
    title "Taken identifiers: all of them are named, the error's reason is the first"
    refused AlreadyExists EMAIL_EXISTS UserService/CreateUser '{"user": {"username": "bob", "email": "Test@EXAMPLE.com", "phone": "+8618812348888"}}'
    expect '"conflicts": "EMAIL_EXISTS,PHONE_NUMBER_EXISTS,USERNAME_EXISTS"'

    title "Bad input: every problem with its field, at once"
    refused InvalidArgument INVALID_FIELD UserService/CreateUser '{"user": {"email": "no at sign", "birthdate": "yesterday", "created_at": "2022-07-03T03:20:30Z"}}'
    expect '"violations": "3"' '"field": "user.email"' '"field": "user.birthdate"' '"field": "user.created_at"'
    refused InvalidArgument INVALID_FIELD UserService/UpdateUser '{
  "user_id": "bob",
  "user_id_type": "USER_ID_TYPE_USERNAME",
  "user": {"nickname": "Nick"},
  "update_mask": {"paths": ["nickname", "shoe_size"]}
}'
    expect '"field": "update_mask"' '\"shoe_size\" is not a field'
    refused InvalidArgument INVALID_FIELD UserService/CreateUser '{"user": {"nickname": "nobody can be found by this"}}'
    expect '"field": "user"'

    title "Without a key, and with one that nobody has"
    refused_plain Unauthenticated API_KEY_MISSING roster.v1.UserService/GetUser '{"user_id": "bob"}'
    ROSTER_API_KEY=nobody-holds-this-key-nobody-holds-this-key refused Unauthenticated API_KEY_INVALID UserService/GetUser '{"user_id": "bob"}'

    title "What an error's details say: any gRPC library decodes them as google.rpc messages"
    describe google.rpc.ErrorInfo
    expect 'string reason = 1;' 'string domain = 2;' 'map<string, string> metadata = 3;'
    describe google.rpc.BadRequest.FieldViolation
    expect 'string field = 1;' 'string description = 2;'
}

the_end() {
    title "A user keeps at least one identifier or identity"
    refused FailedPrecondition LAST_IDENTIFIER UserService/UpdateUser '{
  "user_id": "johndoe123",
  "user_id_type": "USER_ID_TYPE_USERNAME",
  "update_mask": {"paths": ["username", "email", "phone", "external_id"]}
}'
    title "And they are gone"
    call UserService/DeleteUser '{"user_id": "bob", "user_id_type": "USER_ID_TYPE_USERNAME"}'
    call UserService/DeleteUser '{"user_id": "johndoe123", "user_id_type": "USER_ID_TYPE_USERNAME"}'
    call UserService/UserExists '{"username": "johndoe123", "email": "test@example.com"}'
    expect '"exists": false'
}

main "$@"
