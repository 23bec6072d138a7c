# Passwords and user tokens: set, checked, handed out, verified, ended. Sourced by examples/tour.sh.
# shellcheck shell=bash

login_004() {
    title "Seed 004, userInfo.password: a user is created with one; it is checked, and never shown"
    local ann='"user_id": "tour-ann"'
    call UserService/CreateUser '{"user": {"user_id": "tour-ann", "username": "tour-ann"}, "password": "123456"}'
    expect '"passwordSecurityLevel": "PASSWORD_SECURITY_LEVEL_LOW"' '"passwordLastSetAt": "'
    lack '123456'
    call CredentialService/VerifyPassword "{$ann, \"password\": \"123456\"}"
    expect '"verified": true'
    lack resetRequired
    call CredentialService/VerifyPassword "{$ann, \"password\": \"654321\"}"
    lack verified
    call CredentialService/VerifyPassword '{"user_id": "tour-nobody", "password": "123456"}'
    lack verified
    refused InvalidArgument INVALID_FIELD CredentialService/SetPassword "{$ann, \"password\": \"\"}"
    expect '"field": "password"'

    title "A hash from another system is taken too, and replaced when the right password comes"
    # PBKDF2 with SHA-256, of `Pässword 1`.
    # shellcheck disable=SC2016
    local hash='$pbkdf2-sha256$i=1000$c2l4dGVlbiBieXRlcyBvaw$9G6UnLnl0+NqKoUG31f3Be9Pdssw0S5TL6vZsb6fEpo'
    call CredentialService/SetPassword "{$ann, \"password_hash\": \"$hash\", \"reset_password_on_next_login\": true}"
    call CredentialService/VerifyPassword "{$ann, \"password\": \"Pässword 1\"}"
    expect '"verified": true' '"resetRequired": true'
    refused InvalidArgument INVALID_FIELD CredentialService/SetPassword "{$ann, \"password_hash\": \"${hash/1000/2000001}\"}"
    expect '"field": "password_hash"' 'costs too much'

    title "Seed 004, refresh_token: a token that says who the user is"
    call UserService/RefreshUserToken "{$ann}"
    expect '"iat": "' '"exp": "'
    local first second
    first=$(value token)
    call TokenService/GetJwks '{}'
    expect '"kty": "OKP"' '"crv": "Ed25519"' '"alg": "EdDSA"' '"use": "sig"'
    call TokenService/VerifyUserToken "{\"token\": \"$first\"}"
    expect '"active": true' '"userId": "tour-ann"'
    call TokenService/VerifyUserToken '{"token": "x.y.z"}'
    expect '"inactiveReason": "TOKEN_INACTIVE_REASON_INVALID"'

    title "Seed 002 on behalf of a user: their own name is available"
    call UserService/CheckUsernameAvailability '{"username": "tour-ann"}'
    expect '"available": false' '"reason": "USERNAME_UNAVAILABLE_REASON_TAKEN"'
    as_user "$first" UserService/CheckUsernameAvailability '{"username": "tour-ann"}'
    expect '"available": true'

    title "Seed 003: a provider's tokens are returned to the user themselves, and to nobody else"
    call IdentityService/LinkIdentity "{$ann, \"identity\": {\"ext_idp_id\": \"tour-idp\", \"provider\": \"IDENTITY_PROVIDER_LARK\",
        \"user_id_in_idp\": \"ou_tour\", \"access_token\": \"tour-access\", \"refresh_token\": \"tour-refresh\"}}"
    lack tour-access tour-refresh
    local identity
    identity=$(value identityId)
    as_user "$first" IdentityService/GetIdentityTokens "{\"identity_id\": \"$identity\"}"
    expect '"accessToken": "tour-access"' '"refreshToken": "tour-refresh"'
    refused Unauthenticated USER_TOKEN_INVALID IdentityService/GetIdentityTokens "{\"identity_id\": \"$identity\"}"

    title "Tokens end: by a call, by seed 004's tokenExpiredAt, by a new password, and while the user is not active"
    call TokenService/RevokeUserTokens "{$ann}"
    call UserService/RefreshUserToken "{$ann}"
    second=$(value token)
    inactive "$first" REVOKED
    call TokenService/VerifyUserToken "{\"token\": \"$second\"}"
    expect '"active": true'
    call UserService/UpdateUser "{$ann, \"user\": {\"token_expired_at\": \"2017-06-07T14:34:08.700Z\"}}"
    call TokenService/VerifyUserToken "{\"token\": \"$second\"}"
    expect '"active": true'
    call UserService/UpdateUser "{$ann, \"password\": \"Tr0ub4dor&3\", \"keep_tokens\": true}"
    expect '"passwordSecurityLevel": "PASSWORD_SECURITY_LEVEL_HIGH"' '"resetPasswordOnNextLogin": false'
    call TokenService/VerifyUserToken "{\"token\": \"$second\"}"
    expect '"active": true'
    call UserService/UpdateUser "{$ann, \"user\": {\"status\": \"USER_STATUS_SUSPENDED\"}}"
    inactive "$second" USER_NOT_ACTIVE
    refused FailedPrecondition USER_NOT_ACTIVE UserService/RefreshUserToken "{$ann}"
    refused FailedPrecondition USER_NOT_ACTIVE CredentialService/VerifyPassword "{$ann, \"password\": \"Tr0ub4dor&3\"}"
    call UserService/UpdateUser "{$ann, \"user\": {\"status\": \"USER_STATUS_ACTIVATED\"}}"
    inactive "$second" REVOKED
    call UserService/DeleteUser "{$ann}"
    inactive "$second" INVALID
}

# as_user TOKEN METHOD REQUEST: a call on behalf of a user, which must succeed.
as_user() {
    send "roster.v1.$2" "$3" "${WITH_KEY[@]}" -H "authorization: Bearer $1"
    # shellcheck disable=SC2154
    ((status == 0)) || wrong "the call failed"
}

# inactive TOKEN REASON: the token is not good, for this reason.
inactive() {
    call TokenService/VerifyUserToken "{\"token\": \"$1\"}"
    lack '"active": true'
    expect "\"inactiveReason\": \"TOKEN_INACTIVE_REASON_$2\""
}
