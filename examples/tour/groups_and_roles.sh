# Seed 004's groups and roles: what there is, who is in it, and what a user holds. Sourced by examples/tour.sh.
# shellcheck shell=bash disable=SC2034  # clean_up.sh has the names

readonly TOUR_GROUPS=(tour-editors tour-readers tour-authors)
readonly TOUR_ROLES=(tour-admin tour-auditor)
readonly BOB='"user_id": "bob", "user_id_type": "USER_ID_TYPE_USERNAME"'

groups_004() {
    title "Groups: created, read, changed, listed"
    call GroupService/CreateGroup '{"group": {"code": "tour-editors", "name": "编辑"}}'
    expect '"code": "tour-editors"' '"name": "编辑"' '"etag": "' '"createdAt": "'
    call GroupService/CreateGroup '{"group": {"code": "tour-readers", "description": "Who reads\nand does not write."}}'
    refused AlreadyExists CODE_EXISTS GroupService/CreateGroup '{"group": {"code": "tour-readers"}}'
    call GroupService/UpdateGroup '{"code": "tour-editors", "group": {"code": "tour-authors", "name": "Authors"}}'
    expect '"code": "tour-authors"' '"name": "Authors"'
    refused NotFound GROUP_NOT_FOUND GroupService/GetGroup '{"code": "tour-editors"}'
    call GroupService/GetGroup '{"code": "tour-authors"}'
    expect '"name": "Authors"'
    call GroupService/ListGroups '{"limit": 1000}'
    expect '"code": "tour-authors"' '"code": "tour-readers"' '"totalCount": '

    title "Seed 004, add_group: again is fine"
    call UserService/AddUserToGroup "{$BOB, \"group_code\": \"tour-authors\"}"
    call UserService/AddUserToGroup "{$BOB, \"group_code\": \"tour-authors\"}"
    call UserService/AddUserToGroup "{$BOB, \"group_code\": \"tour-readers\"}"
    refused NotFound GROUP_NOT_FOUND UserService/AddUserToGroup "{$BOB, \"group_code\": \"tour-editors\"}"
    refused NotFound USER_NOT_FOUND UserService/AddUserToGroup '{"user_id": "nobody", "group_code": "tour-authors"}'

    title "Seed 004, list_groups; any read of users can show them, too"
    call UserService/ListUserGroups "{$BOB}"
    expect '"code": "tour-authors"' '"code": "tour-readers"' '"totalCount": 2'
    call UserService/GetUser "{$BOB, \"with_groups\": true}"
    expect '"groupCodes": ["tour-authors", "tour-readers"]'

    title "Who is in a group: many join, are listed, and leave"
    call GroupService/AddGroupMembers '{"code": "tour-readers", "user_ids": ["han-meiling", "nobody", "rania-haddadin", "noa-levi"]}'
    times 4 '"userId"'
    times 1 '"error"'
    expect '"reason": "USER_NOT_FOUND"'
    call GroupService/ListGroupMembers '{"code": "tour-readers", "with_groups": true}'
    expect '"totalCount": 4' '"name": "韩美玲"' '"userId": "rania-haddadin"' '"userId": "noa-levi"' '"username": "bob"'
    call GroupService/RemoveGroupMembers '{"code": "tour-readers", "user_ids": ["han-meiling", "rania-haddadin"]}'
    lack '"error"'
    call GroupService/ListGroupMembers '{"code": "tour-readers"}'
    expect '"totalCount": 2'
    lack '"userId": "han-meiling"' '"userId": "rania-haddadin"'

    title "Seed 004, remove_group: again is fine"
    call UserService/RemoveUserFromGroup "{$BOB, \"group_code\": \"tour-authors\"}"
    call UserService/RemoveUserFromGroup "{$BOB, \"group_code\": \"tour-authors\"}"
    call UserService/ListUserGroups "{$BOB}"
    expect '"code": "tour-readers"' '"totalCount": 1'
    lack '"code": "tour-authors"'

    title "A group that is deleted leaves its members"
    call GroupService/DeleteGroup '{"code": "tour-readers"}'
    call UserService/GetUser "{$BOB, \"with_groups\": true}"
    lack '"groupCodes"'
    call GroupService/DeleteGroup '{"code": "tour-authors"}'
}

roles_004() {
    title "Roles: created, read, changed, listed"
    call RoleService/CreateRole '{"role": {"code": "tour-admin", "name": "Admin"}}'
    expect '"code": "tour-admin"' '"name": "Admin"'
    local etag
    etag=$(value etag)
    call RoleService/CreateRole '{"role": {"code": "tour-auditor"}}'
    call RoleService/UpdateRole "{\"code\": \"tour-admin\", \"role\": {\"name\": \"Administrator\"}, \"etag\": \"$etag\"}"
    expect '"name": "Administrator"'
    refused Aborted ETAG_MISMATCH RoleService/DeleteRole "{\"code\": \"tour-admin\", \"etag\": \"$etag\"}"
    call RoleService/GetRole '{"code": "tour-admin"}'
    expect '"name": "Administrator"'
    call RoleService/ListRoles '{"limit": 1000}'
    expect '"code": "tour-admin"' '"code": "tour-auditor"' '"totalCount": '

    title "Seed 004, add_roles: all or none; the answer is what the user holds now"
    refused NotFound ROLE_NOT_FOUND UserService/AddUserRoles "{$BOB, \"role_codes\": [\"tour-admin\", \"tour-nobody\"]}"
    call UserService/AddUserRoles "{$BOB, \"role_codes\": [\"tour-admin\"]}"
    expect '"totalCount": 1' '"code": "tour-admin"'
    call UserService/AddUserRoles "{$BOB, \"role_codes\": [\"tour-auditor\", \"tour-admin\"]}"
    expect '"totalCount": 2' '"code": "tour-admin"' '"code": "tour-auditor"'

    title "Seed 004, list_roles; any read of users can show them, too"
    call UserService/ListUserRoles "{$BOB}"
    expect '"totalCount": 2' '"code": "tour-admin"' '"name": "Administrator"' '"code": "tour-auditor"'
    call UserService/FindUser '{"username": "bob", "with_roles": true}'
    expect '"roleCodes": ["tour-admin", "tour-auditor"]'

    title "Does the user hold one of these? A role that nobody made is not held"
    call RoleService/HasAnyRole "{$BOB, \"role_codes\": [\"tour-nobody\", \"tour-auditor\"]}"
    expect '"hasAnyRole": true'
    call RoleService/HasAnyRole "{$BOB, \"role_codes\": [\"tour-nobody\"]}"
    expect '"hasAnyRole": false'

    title "Who holds a role"
    call RoleService/AddRoleMembers '{"code": "tour-auditor", "user_ids": ["nakamura-shota", "noa-levi"]}'
    lack '"error"'
    call RoleService/ListRoleMembers '{"code": "tour-auditor"}'
    expect '"totalCount": 3' '"name": "中村 翔太"' '"userId": "noa-levi"' '"username": "bob"'
    call RoleService/RemoveRoleMembers '{"code": "tour-auditor", "user_ids": ["noa-levi"]}'
    call RoleService/ListRoleMembers '{"code": "tour-auditor"}'
    expect '"totalCount": 2'

    title "Seed 004, remove_roles: the answer is what is left"
    call UserService/RemoveUserRoles "{$BOB, \"role_codes\": [\"tour-admin\"]}"
    expect '"totalCount": 1' '"code": "tour-auditor"'
    lack '"code": "tour-admin"'
    call UserService/RemoveUserRoles "{$BOB, \"role_codes\": [\"tour-auditor\", \"tour-admin\"]}"
    expect '"totalCount": 0'
    call RoleService/HasAnyRole "{$BOB, \"role_codes\": [\"tour-admin\", \"tour-auditor\"]}"
    expect '"hasAnyRole": false'
    call RoleService/DeleteRole '{"code": "tour-admin"}'
    call RoleService/DeleteRole '{"code": "tour-auditor"}'
    refused NotFound ROLE_NOT_FOUND RoleService/GetRole '{"code": "tour-admin"}'
}
