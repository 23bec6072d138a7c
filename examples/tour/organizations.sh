# Organizations: members, what stands in one, and a key that is bound to one. Sourced by examples/tour.sh.
# shellcheck shell=bash

organizations() {
    title "Organizations: created, read, changed, listed"
    call OrganizationService/CreateOrganization '{"organization": {"code": "tour-acme", "name": "Acme"}}'
    expect '"code": "tour-acme"' '"name": "Acme"' '"etag": "'
    local acme globex
    acme=$(value organizationId)
    call OrganizationService/CreateOrganization '{"organization": {"code": "tour-globex"}}'
    globex=$(value organizationId)
    refused AlreadyExists CODE_EXISTS OrganizationService/CreateOrganization '{"organization": {"code": "tour-acme"}}'
    call OrganizationService/UpdateOrganization "{\"organization_id\": \"$acme\", \"organization\": {\"description\": \"Makes all.\"}}"
    expect '"name": "Acme"' '"description": "Makes all."'
    call OrganizationService/GetOrganization "{\"organization_id\": \"$acme\"}"
    expect '"code": "tour-acme"'
    call OrganizationService/ListOrganizations '{"limit": 1000}'
    expect '"code": "tour-acme"' '"code": "tour-globex"'

    title "Users are members of organizations; each of them shows which"
    call OrganizationService/AddOrganizationMembers "{\"organization_id\": \"$acme\", \"user_ids\": [\"noa-levi\", \"han-meiling\", \"nobody\"]}"
    times 1 '"error"'
    call OrganizationService/AddOrganizationMembers "{\"organization_id\": \"$globex\", \"user_ids\": [\"noa-levi\", \"rania-haddadin\"]}"
    call OrganizationService/ListUserOrganizations '{"user_id": "noa-levi"}'
    expect '"code": "tour-acme"' '"code": "tour-globex"' '"totalCount": 2'
    call UserService/GetUser '{"user_id": "noa-levi", "with_organizations": true}'
    expect "\"$acme\"" "\"$globex\""
    call UserService/ListUsers "{\"organization_id\": \"$acme\"}"
    expect '"totalCount": 2' '"userId": "noa-levi"' '"userId": "han-meiling"'

    title "Groups and roles stand at the pool's level or in an organization, for its members alone"
    call RoleService/CreateRole "{\"role\": {\"code\": \"tour-keeper\", \"organization_id\": \"$acme\"}}"
    call UserService/AddUserRoles "{\"user_id\": \"noa-levi\", \"organization_id\": \"$acme\", \"role_codes\": [\"tour-keeper\"]}"
    expect '"totalCount": 1'
    refused FailedPrecondition NOT_A_MEMBER UserService/AddUserRoles \
        "{\"user_id\": \"rania-haddadin\", \"organization_id\": \"$acme\", \"role_codes\": [\"tour-keeper\"]}"
    call RoleService/HasAnyRole "{\"user_id\": \"noa-levi\", \"organization_id\": \"$acme\", \"role_codes\": [\"tour-keeper\"]}"
    expect '"hasAnyRole": true'
    call RoleService/HasAnyRole '{"user_id": "noa-levi", "role_codes": ["tour-keeper"]}'
    lack '"hasAnyRole": true'

    departments_and_posts "$acme"

    bound_key "$acme" "$globex"

    title "A membership ends with what hangs on it; an organization with its members"
    call OrganizationService/RemoveOrganizationMembers "{\"organization_id\": \"$acme\", \"user_ids\": [\"noa-levi\"]}"
    call RoleService/HasAnyRole "{\"user_id\": \"noa-levi\", \"organization_id\": \"$acme\", \"role_codes\": [\"tour-keeper\"]}"
    lack '"hasAnyRole": true'
    call OrganizationService/DeleteOrganization "{\"organization_id\": \"$acme\"}"
    refused NotFound ORGANIZATION_NOT_FOUND OrganizationService/GetOrganization "{\"organization_id\": \"$acme\"}"
    ROSTER_API_KEY=$bound_secret refused Unauthenticated API_KEY_REVOKED MetaService/GetVersion '{}'
    call UserService/GetUser '{"user_id": "tour-owned"}'
    lack '"tenantId"'
    call OrganizationService/DeleteOrganization "{\"organization_id\": \"$globex\"}"
}

# departments_and_posts ORGANIZATION
departments_and_posts() {
    title "Departments are a tree; a user is in some of them, leads some, and has one main one"
    call OrganizationService/CreateDepartment "{\"department\": {\"organization_id\": \"$1\", \"code\": \"sales\", \"name\": \"Sales\"}}"
    local sales abroad
    sales=$(value departmentId)
    call OrganizationService/CreateDepartment \
        "{\"department\": {\"organization_id\": \"$1\", \"name\": \"Sales abroad\", \"parent_department_id\": \"$sales\"}}"
    expect "\"parentDepartmentId\": \"$sales\""
    abroad=$(value departmentId)
    refused FailedPrecondition DEPARTMENT_CYCLE OrganizationService/UpdateDepartment \
        "{\"department_id\": \"$sales\", \"department\": {\"parent_department_id\": \"$abroad\"}}"
    call OrganizationService/AddDepartmentMembers \
        "{\"department_id\": \"$abroad\", \"user_ids\": [\"noa-levi\"], \"is_leader\": true, \"is_main\": true}"
    lack '"error"'
    call OrganizationService/GetDepartment "{\"department_id\": \"$abroad\"}"
    expect '"leaderUserIds": ["noa-levi"]'
    call OrganizationService/ListDepartmentMembers "{\"department_id\": \"$sales\", \"include_children\": true}"
    expect '"userId": "noa-levi"' '"totalCount": 1'
    refused FailedPrecondition NOT_EMPTY OrganizationService/DeleteDepartment "{\"department_id\": \"$sales\"}"

    title "Posts; seed 003 shows both: departmentIds, mainDepartmentId, postIdList"
    call OrganizationService/CreatePost "{\"post\": {\"organization_id\": \"$1\", \"code\": \"clerk\", \"name\": \"Clerk\"}}"
    local clerk
    clerk=$(value postId)
    call OrganizationService/SetUserPosts "{\"user_id\": \"noa-levi\", \"organization_id\": \"$1\", \"post_ids\": [\"$clerk\"]}"
    expect "\"$clerk\""
    call UserService/GetUser "{\"user_id\": \"noa-levi\", \"organization_id\": \"$1\", \"with_department_ids\": true, \"with_post\": true}"
    expect "\"mainDepartmentId\": \"$abroad\"" "\"postIdList\": [\"$clerk\"]"
}

# bound_key ORGANIZATION OTHER: what a key that is bound to the first sees of the second. The key stays in bound_secret.
bound_key() {
    title "A key that is bound to an organization sees its members and nobody else, and owns whom it creates"
    call ApiKeyService/CreateApiKey \
        "{\"api_key\": {\"name\": \"tour: acme\", \"organization_id\": \"$1\", \"scopes\": [\"users:write\", \"organizations:write\"]}}"
    expect "\"organizationId\": \"$1\""
    bound_secret=$(value secret)
    ROSTER_API_KEY=$bound_secret call UserService/CreateUser '{"user": {"user_id": "tour-owned", "username": "tour-owned"}}'
    expect "\"tenantId\": \"$1\""
    ROSTER_API_KEY=$bound_secret call UserService/ListUsers '{}'
    expect '"totalCount": 3' '"userId": "tour-owned"' '"userId": "han-meiling"'
    ROSTER_API_KEY=$bound_secret refused NotFound USER_NOT_FOUND UserService/GetUser '{"user_id": "rania-haddadin"}'
    ROSTER_API_KEY=$bound_secret refused PermissionDenied ORGANIZATION_DENIED UserService/DeleteUser '{"user_id": "han-meiling"}'
    ROSTER_API_KEY=$bound_secret refused NotFound ORGANIZATION_NOT_FOUND OrganizationService/GetOrganization "{\"organization_id\": \"$2\"}"
    ROSTER_API_KEY=$bound_secret refused PermissionDenied ORGANIZATION_DENIED OrganizationService/CreateOrganization '{"organization": {"code": "tour-own"}}'
    ROSTER_API_KEY=$bound_secret call UserService/CheckUser '{"email": "test@example.com"}'
    lack '"existsInCurrentOrganization": true'
    ROSTER_API_KEY=$bound_secret call OrganizationService/RemoveOrganizationMembers \
        "{\"organization_id\": \"$1\", \"user_ids\": [\"tour-owned\", \"han-meiling\"]}"
    expect '"reason": "OWNED_MEMBER"'
    times 1 '"error"'
}
