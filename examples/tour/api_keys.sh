# API keys: a key for few things, what it may not do, a new secret, and the end. Sourced by examples/tour.sh.
# shellcheck shell=bash

api_keys() {
    title "A key for reading users, made by a key that may do more; its secret is shown once"
    call ApiKeyService/CreateApiKey '{"api_key": {"name": "tour: reader", "scopes": ["users:read"]}}'
    expect '"scopes": ["users:read"]' '"createdBy": "' '"secret": "rk_'
    local reader first
    reader=$(value apiKeyId) first=$(value secret)
    call ApiKeyService/GetApiKey "{\"api_key_id\": \"$reader\"}"
    expect '"name": "tour: reader"'
    lack '"secret"' "$first"

    title "It works at once, for what its scopes say"
    ROSTER_API_KEY=$first call ApiKeyService/GetCallerApiKey '{}'
    expect "\"apiKeyId\": \"$reader\""
    ROSTER_API_KEY=$first call UserService/FindUser '{"username": "bob"}'
    expect '"username": "bob"'
    ROSTER_API_KEY=$first refused PermissionDenied SCOPE_DENIED UserService/CreateUser '{"user": {"username": "tom"}}'
    expect '"scope": "users:write"'
    ROSTER_API_KEY=$first refused PermissionDenied SCOPE_DENIED UserService/FindUser '{"username": "bob", "with_roles": true}'
    expect '"scope": "roles:read"'
    ROSTER_API_KEY=$first refused PermissionDenied SCOPE_DENIED ApiKeyService/ListApiKeys '{}'

    title "A key gives others no more than it has, and does not even see a stronger one"
    call ApiKeyService/CreateApiKey '{"api_key": {"name": "tour: keeper", "scopes": ["keys:manage", "users:exists"]}}'
    local keeper keeper_secret
    keeper=$(value apiKeyId) keeper_secret=$(value secret)
    ROSTER_API_KEY=$keeper_secret refused PermissionDenied SCOPE_DENIED ApiKeyService/CreateApiKey '{"api_key": {"scopes": ["users:read"]}}'
    ROSTER_API_KEY=$keeper_secret refused NotFound API_KEY_NOT_FOUND ApiKeyService/GetApiKey "{\"api_key_id\": \"$reader\"}"
    ROSTER_API_KEY=$keeper_secret refused NotFound API_KEY_NOT_FOUND ApiKeyService/RevokeApiKey "{\"api_key_id\": \"$reader\"}"
    ROSTER_API_KEY=$keeper_secret call ApiKeyService/CreateApiKey '{"api_key": {"name": "tour: child", "scopes": ["users:exists"]}}'
    expect "\"createdBy\": \"$keeper\""
    local child_secret
    child_secret=$(value secret)
    ROSTER_API_KEY=$keeper_secret call ApiKeyService/ListApiKeys '{"limit": 1000}'
    expect "\"apiKeyId\": \"$keeper\"" '"name": "tour: child"'
    lack "\"apiKeyId\": \"$reader\""

    title "A key is renamed; its scopes stay"
    call ApiKeyService/UpdateApiKey "{\"api_key_id\": \"$reader\", \"api_key\": {\"name\": \"tour: the reader\"}}"
    expect '"name": "tour: the reader"' '"scopes": ["users:read"]'
    refused InvalidArgument INVALID_FIELD ApiKeyService/UpdateApiKey "{\"api_key_id\": \"$reader\", \"api_key\": {\"scopes\": [\"*\"]}}"

    title "A new secret: the old one lives on for a day unless the caller says otherwise; any key may do it for itself"
    ROSTER_API_KEY=$first call ApiKeyService/RotateApiKey "{\"api_key_id\": \"$reader\"}"
    local second third
    second=$(value secret)
    ROSTER_API_KEY=$first call MetaService/GetVersion '{}'
    ROSTER_API_KEY=$second call ApiKeyService/RotateApiKey "{\"api_key_id\": \"$reader\", \"overlap\": \"0s\"}"
    third=$(value secret)
    ROSTER_API_KEY=$first refused Unauthenticated API_KEY_EXPIRED MetaService/GetVersion '{}'
    ROSTER_API_KEY=$second refused Unauthenticated API_KEY_EXPIRED MetaService/GetVersion '{}'
    ROSTER_API_KEY=$third call MetaService/GetVersion '{}'

    title "A key is revoked, for good and from the next call on; again is fine; with what it made, if that is asked for"
    call ApiKeyService/RevokeApiKey "{\"api_key_id\": \"$reader\"}"
    expect '"revokedAt": "'
    local revoked_at
    revoked_at=$(value revokedAt)
    ROSTER_API_KEY=$third refused Unauthenticated API_KEY_REVOKED UserService/FindUser '{"username": "bob"}'
    call ApiKeyService/RevokeApiKey "{\"api_key_id\": \"$reader\"}"
    expect "\"revokedAt\": \"$revoked_at\""
    call ApiKeyService/RevokeApiKey "{\"api_key_id\": \"$keeper\", \"with_descendants\": true}"
    ROSTER_API_KEY=$child_secret refused Unauthenticated API_KEY_REVOKED MetaService/GetVersion '{}'
}
