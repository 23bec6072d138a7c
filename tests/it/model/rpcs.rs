//! Every RPC of the service with what the contract asks of its callers, so that an operation can be any of them.

use prost::Message;
use roster::proto;

use super::answer::Canonical;
use crate::wire::{Answer, framed};

/// What an `idempotency-key` is to an RPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    Replayable,
    Refused,
    Anyway,
}

/// A table row each: the RPC, its messages, the scopes it needs, and whether it can be repeated.
macro_rules! rpcs {
    ($($service:literal { $($rpc:ident $request:ident $response:ident [$($scope:literal)*] $repeat:ident;)* })*) => {
        /// A request of any RPC.
        #[derive(Clone, Debug, PartialEq)]
        pub(super) enum Request { $($($rpc(proto::$request),)*)* }

        /// The answer of any RPC.
        #[derive(Clone, Debug, PartialEq)]
        pub(super) enum Response { $($($rpc(proto::$response),)*)* }

        impl Request {
            pub(super) fn path(&self) -> &'static str {
                match self { $($(Self::$rpc(_) => concat!("/roster.v1.", $service, "/", stringify!($rpc)),)*)* }
            }

            pub(super) fn scopes(&self) -> &'static [&'static str] {
                match self { $($(Self::$rpc(_) => &[$($scope),*],)*)* }
            }

            pub(super) fn repeat(&self) -> Repeat {
                match self { $($(Self::$rpc(_) => Repeat::$repeat,)*)* }
            }

            pub(super) fn encode(&self) -> Vec<u8> {
                match self { $($(Self::$rpc(message) => message.encode_to_vec(),)*)* }
            }

            /// The message of an answer to this request.
            pub(super) fn read(&self, answer: &Answer) -> Response {
                match self { $($(Self::$rpc(_) => {
                    let mut message: proto::$response = answer.message();
                    message.canonical();
                    Response::$rpc(message)
                })*)* }
            }
        }
    };
}

rpcs! {
    "UserService" {
        UserExists UserExistsRequest UserExistsResponse ["users:exists"] Anyway;
        BatchUserExists BatchUserExistsRequest BatchUserExistsResponse ["users:exists"] Anyway;
        CheckUser CheckUserRequest CheckUserResponse ["users:exists"] Anyway;
        CheckUsernameAvailability CheckUsernameAvailabilityRequest CheckUsernameAvailabilityResponse ["users:exists"] Anyway;
        GetUser GetUserRequest GetUserResponse ["users:read"] Anyway;
        BatchGetUsers BatchGetUsersRequest BatchGetUsersResponse ["users:read"] Anyway;
        FindUser FindUserRequest FindUserResponse ["users:read"] Anyway;
        ListUsers ListUsersRequest ListUsersResponse ["users:read"] Anyway;
        SearchUsers SearchUsersRequest SearchUsersResponse ["users:read"] Anyway;
        CreateUser CreateUserRequest CreateUserResponse ["users:write"] Replayable;
        BatchCreateUsers BatchCreateUsersRequest BatchCreateUsersResponse ["users:write"] Replayable;
        UpdateUser UpdateUserRequest UpdateUserResponse ["users:write"] Replayable;
        DeleteUser DeleteUserRequest DeleteUserResponse ["users:write"] Replayable;
        BatchDeleteUsers BatchDeleteUsersRequest BatchDeleteUsersResponse ["users:write"] Replayable;
        ListUserGroups ListUserGroupsRequest ListUserGroupsResponse ["groups:read"] Anyway;
        AddUserToGroup AddUserToGroupRequest AddUserToGroupResponse ["groups:write"] Anyway;
        RemoveUserFromGroup RemoveUserFromGroupRequest RemoveUserFromGroupResponse ["groups:write"] Anyway;
        ListUserRoles ListUserRolesRequest ListUserRolesResponse ["roles:read"] Anyway;
        AddUserRoles AddUserRolesRequest AddUserRolesResponse ["roles:write"] Anyway;
        RemoveUserRoles RemoveUserRolesRequest RemoveUserRolesResponse ["roles:write"] Anyway;
        RefreshUserToken RefreshUserTokenRequest RefreshUserTokenResponse ["users:token"] Refused;
    }
    "GroupService" {
        CreateGroup CreateGroupRequest CreateGroupResponse ["groups:write"] Replayable;
        GetGroup GetGroupRequest GetGroupResponse ["groups:read"] Anyway;
        UpdateGroup UpdateGroupRequest UpdateGroupResponse ["groups:write"] Replayable;
        DeleteGroup DeleteGroupRequest DeleteGroupResponse ["groups:write"] Replayable;
        ListGroups ListGroupsRequest ListGroupsResponse ["groups:read"] Anyway;
        ListGroupMembers ListGroupMembersRequest ListGroupMembersResponse ["groups:read" "users:read"] Anyway;
        AddGroupMembers AddGroupMembersRequest AddGroupMembersResponse ["groups:write"] Anyway;
        RemoveGroupMembers RemoveGroupMembersRequest RemoveGroupMembersResponse ["groups:write"] Anyway;
    }
    "RoleService" {
        CreateRole CreateRoleRequest CreateRoleResponse ["roles:write"] Replayable;
        GetRole GetRoleRequest GetRoleResponse ["roles:read"] Anyway;
        UpdateRole UpdateRoleRequest UpdateRoleResponse ["roles:write"] Replayable;
        DeleteRole DeleteRoleRequest DeleteRoleResponse ["roles:write"] Replayable;
        ListRoles ListRolesRequest ListRolesResponse ["roles:read"] Anyway;
        ListRoleMembers ListRoleMembersRequest ListRoleMembersResponse ["roles:read" "users:read"] Anyway;
        AddRoleMembers AddRoleMembersRequest AddRoleMembersResponse ["roles:write"] Anyway;
        RemoveRoleMembers RemoveRoleMembersRequest RemoveRoleMembersResponse ["roles:write"] Anyway;
        HasAnyRole HasAnyRoleRequest HasAnyRoleResponse ["roles:read"] Anyway;
    }
    "ApiKeyService" {
        CreateApiKey CreateApiKeyRequest CreateApiKeyResponse ["keys:manage"] Refused;
        UpdateApiKey UpdateApiKeyRequest UpdateApiKeyResponse ["keys:manage"] Replayable;
        ListApiKeys ListApiKeysRequest ListApiKeysResponse ["keys:manage"] Anyway;
        GetApiKey GetApiKeyRequest GetApiKeyResponse ["keys:manage"] Anyway;
        GetCallerApiKey GetCallerApiKeyRequest GetCallerApiKeyResponse [] Anyway;
        RotateApiKey RotateApiKeyRequest RotateApiKeyResponse [] Refused;
        RevokeApiKey RevokeApiKeyRequest RevokeApiKeyResponse ["keys:manage"] Anyway;
    }
    "MetaService" {
        GetLimits GetLimitsRequest GetLimitsResponse [] Anyway;
        GetVersion GetVersionRequest GetVersionResponse [] Anyway;
    }
}

/// A call as it goes over the wire.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// What stands in `x-api-key`.
    pub(super) secret: Option<String>,
    /// What stands in `idempotency-key`.
    pub(super) repeat_key: Option<String>,
    pub(super) request: Request,
}

impl Call {
    pub(super) async fn send(&self, wire: &crate::wire::Wire) -> Answer {
        let mut headers = Vec::new();
        headers.extend(self.secret.as_deref().map(|secret| ("x-api-key", secret)));
        headers.extend(self.repeat_key.as_deref().map(|key| ("idempotency-key", key)));
        wire.send(self.request.path(), &headers, framed(&self.request.encode())).await
    }
}
