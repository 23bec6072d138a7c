# What the tour makes, and what an interrupted one left, is taken away. Sourced by examples/tour.sh.
# shellcheck shell=bash disable=SC2154  # calls.sh has the names

clean_up() {
    clean_up_users
    clean_up_by_code GroupService/DeleteGroup GROUP_NOT_FOUND "${TOUR_GROUPS[@]}"
    clean_up_by_code RoleService/DeleteRole ROLE_NOT_FOUND "${TOUR_ROLES[@]}"
    clean_up_organizations
    clean_up_keys
}

# Deletes whoever holds an identifier of the tour, and the users of the file.
clean_up_users() {
    local type_and_id
    for type_and_id in 'USERNAME bob' 'EMAIL test@example.com' 'EMAIL bob@example.com' 'PHONE +8618812348888' 'EXTERNAL_ID 10010' \
        'USER_ID 6229ffa12345678cade3e3d9' 'USERNAME johndoe123' 'EMAIL john@example.com' 'USER_ID tour-owned' 'USER_ID tour-ann' 'PHONE +11111111111'; do
        quietly UserService/DeleteUser "{\"user_id\": \"${type_and_id#* }\", \"user_id_type\": \"USER_ID_TYPE_${type_and_id% *}\"}"
        ((status == 0)) || [[ $answer == *USER_NOT_FOUND* ]] || wrong "cannot clean up"
    done
    quietly UserService/BatchDeleteUsers "{\"user_ids\": [$(user_ids)]}"
    ((status == 0)) || wrong "cannot clean up"
}

# clean_up_by_code METHOD REASON CODE…: deletes what has these codes; the reason says that there is none.
clean_up_by_code() {
    local code
    for code in "${@:3}"; do
        quietly "$1" "{\"code\": \"$code\"}"
        ((status == 0)) || [[ $answer == *"$2"* ]] || wrong "cannot clean up"
    done
}

# Deletes the organizations of the tour: they are named by ids, which the server makes.
clean_up_organizations() {
    local id ids token=''
    while true; do
        quietly OrganizationService/ListOrganizations "{\"limit\": 1000, \"count\": \"COUNT_MODE_NONE\", \"page_token\": \"$token\"}"
        ((status == 0)) || wrong "cannot clean up"
        token=$(values nextPageToken)
        ids=$(awk -F '"' '/^      "organizationId":/ { id = $4 } /^      "code": "tour-/ { print id }' <<<"$answer")
        for id in $ids; do
            quietly OrganizationService/DeleteOrganization "{\"organization_id\": \"$id\"}"
            ((status == 0)) || wrong "cannot clean up"
        done
        [[ -n $token ]] || break
    done
}

# Keys stay on record for good, so that they are not deleted but revoked.
clean_up_keys() {
    local ids id token=''
    while true; do
        quietly ApiKeyService/ListApiKeys "{\"limit\": 1000, \"count\": \"COUNT_MODE_NONE\", \"page_token\": \"$token\"}"
        ((status == 0)) || wrong "cannot clean up"
        ids=$(awk -F '"' '
            /^      "apiKeyId":/ { id = $4; name = ""; revoked = 0 }
            /^      "name":/ { name = $4 }
            /^      "revokedAt":/ { revoked = 1 }
            /^    }/ { if (name ~ /^tour: / && !revoked) print id }' <<<"$answer")
        token=$(values nextPageToken)
        for id in $ids; do
            quietly ApiKeyService/RevokeApiKey "{\"api_key_id\": \"$id\"}"
            ((status == 0)) || wrong "cannot clean up"
        done
        [[ -n $token ]] || break
    done
}

# A call that nobody needs to see.
quietly() {
    send "roster.v1.$1" "$2" "${WITH_KEY[@]}" >/dev/null
}
