//! The calls that are measured, each as a message about a user who is drawn anew every time.

use bytes::Bytes;
use prost::Message;
use roster::proto::{GetUserRequest, HasAnyRoleRequest, ListUsersRequest, ListUsersResponse, UserExistsRequest, UserIdType};

use crate::Result;
use crate::caller::Caller;
use crate::closed::Shape;
use crate::people::{self, MEMBER, NOBODY};
use crate::requests::{Requests, TOKEN, Template, frame};

/// How calls come in: a few callers with many calls, one with many, many with a few, and one at a time.
pub(crate) const USUAL: Shape = Shape::new(8, 8);
pub(crate) const BUSY: Shape = Shape::new(8, 32);
pub(crate) const ONE_CONNECTION: Shape = Shape::new(1, 64);
pub(crate) const MANY: Shape = Shape::new(50, 5);
pub(crate) const ALONE: Shape = Shape::new(1, 1);
const ALL: &[Shape] = &[BUSY, USUAL, ONE_CONNECTION, MANY, ALONE];
const TWO: &[Shape] = &[BUSY, ALONE];

/// How many users a page has, and how many pages are asked for: those of the first users.
const PAGE: i32 = 50;
const PAGES: usize = 200;

/// A call that is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// What it is called in the tables.
    pub(crate) title: &'static str,
    pub(crate) path: &'static str,
    pub(crate) shapes: &'static [Shape],
    /// The requests for a server with so many users.
    pub(crate) requests: fn(&Caller, u64) -> Result<Requests>,
}

const GET_USER_PATH: &str = "/roster.v1.UserService/GetUser";
const LIST_USERS_PATH: &str = "/roster.v1.UserService/ListUsers";

/// The one that the others are seen beside.
pub(crate) const GET_USER: Case = Case {
    name: "get-user",
    title: "GetUser by id",
    path: GET_USER_PATH,
    shapes: ALL,
    requests: |_, users| Ok(about(&by_id(), users)),
};

/// All that only read.
pub(crate) const READS: &[Case] = &[
    GET_USER,
    Case {
        name: "get-user-by-email",
        title: "GetUser by email",
        path: GET_USER_PATH,
        shapes: TWO,
        requests: |_, users| {
            let (user_id, user_id_type) = (Some(people::email(TOKEN)), UserIdType::Email.into());
            Ok(about(&GetUserRequest { user_id, user_id_type, ..GetUserRequest::default() }, users))
        },
    },
    Case {
        name: "user-exists",
        title: "UserExists by username",
        path: "/roster.v1.UserService/UserExists",
        shapes: ALL,
        requests: |_, users| {
            let username = Some(people::username(TOKEN));
            Ok(about(&UserExistsRequest { username, ..UserExistsRequest::default() }, users))
        },
    },
    Case {
        name: "list-users",
        title: "ListUsers, a page of 50",
        path: LIST_USERS_PATH,
        shapes: TWO,
        requests: |caller, _| pages(caller),
    },
    Case {
        name: "get-user-relations",
        title: "GetUser with groups, roles, identities, departments and custom data",
        path: GET_USER_PATH,
        shapes: TWO,
        requests: |_, users| {
            let request = GetUserRequest {
                with_custom_data: true,
                with_groups: true,
                with_roles: true,
                with_identities: true,
                with_department_ids: true,
                ..by_id()
            };
            Ok(about(&request, users))
        },
    },
    Case {
        name: "has-any-role",
        title: "HasAnyRole",
        path: "/roster.v1.RoleService/HasAnyRole",
        shapes: TWO,
        requests: |_, users| {
            let role_codes = vec![NOBODY.to_owned(), MEMBER.to_owned()];
            let user_id = Some(people::user_id(TOKEN));
            Ok(about(&HasAnyRoleRequest { user_id, role_codes, ..HasAnyRoleRequest::default() }, users))
        },
    },
];

fn by_id() -> GetUserRequest {
    let (user_id, user_id_type) = (Some(people::user_id(TOKEN)), UserIdType::UserId.into());
    GetUserRequest { user_id, user_id_type, ..GetUserRequest::default() }
}

fn about(message: &impl Message, users: u64) -> Requests {
    Requests::Known(Template::new(message, 1), users)
}

/// Requests for the first pages, by the tokens that the pages before them gave.
fn pages(caller: &Caller) -> Result<Requests> {
    let mut request = ListUsersRequest { limit: Some(PAGE), ..ListUsersRequest::default() };
    let mut frames: Vec<Bytes> = Vec::new();
    while frames.len() < PAGES {
        let page: ListUsersResponse = caller.ask(LIST_USERS_PATH, &request)?;
        // The first has no token, and the last is short.
        if page.next_page_token.is_empty() {
            break;
        }
        if !request.page_token.is_empty() {
            frames.push(frame(&request));
        }
        request.page_token = page.next_page_token;
    }
    if frames.is_empty() { Err("there are too few users for a list".into()) } else { Ok(Requests::Listed(frames)) }
}
