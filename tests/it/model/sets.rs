//! Groups and roles, and who is in them: the same rules for both.

use prost::Message;
use prost_reflect::MessageDescriptor;
use prost_types::FieldMask;
use roster::proto::{self, GroupDto, RoleDto, UserResult};
use tonic::Code;

use super::answer::Refused;
use super::caller::{Cx, Step, stop};
use super::pages::{Asked, Order, Page, asked, listed};
use super::resource::{self, Purpose, SET};
use super::rpcs::{Request, Response};
use super::state::{Bent, Kind, Set, World, identifier, plain};
use super::users::{View, view};
use crate::dto::descriptor;

/// A role as the model has it: a group's fields are the same.
pub(super) fn group(role: RoleDto) -> GroupDto {
    let RoleDto { code, name, description, etag, created_at, updated_at, organization_id } = role;
    GroupDto { code, name, description, etag, created_at, updated_at, organization_id }
}

pub(super) fn role(group: GroupDto) -> RoleDto {
    let GroupDto { code, name, description, etag, created_at, updated_at, organization_id } = group;
    RoleDto { code, name, description, etag, created_at, updated_at, organization_id }
}

fn roles(page: Page<GroupDto>) -> Page<RoleDto> {
    Page { items: page.items.into_iter().map(role).collect(), total: page.total, token: page.token }
}

impl Kind {
    fn name(self) -> &'static str {
        ["group", "role"][self as usize]
    }

    fn descriptor(self) -> MessageDescriptor {
        let name = ["roster.v1.GroupDto", "roster.v1.RoleDto"][self as usize];
        descriptor().parent_pool().get_message_by_name(name).unwrap()
    }

    fn not_found(self, code: &str) -> Refused {
        Refused::new(Code::NotFound, ["GROUP_NOT_FOUND", "ROLE_NOT_FOUND"][self as usize]).with("code", code)
    }
}

/// How a change of one is sent.
struct Change<'a> {
    code: Option<&'a str>,
    sent: GroupDto,
    mask: Option<&'a FieldMask>,
    etag: Option<&'a str>,
}

impl World {
    pub(super) fn about_sets(&mut self, cx: &mut Cx<'_>, request: &Request) -> Option<Step<Response>> {
        self.about_one_set(cx, request)
            .or_else(|| self.about_listed_sets(cx, request))
            .or_else(|| self.about_members(cx, request))
    }

    fn about_one_set(&mut self, cx: &mut Cx<'_>, request: &Request) -> Option<Step<Response>> {
        use Kind::{Group, Role};
        macro_rules! change {
            ($request:ident, $sent:expr) => {
                Change {
                    code: $request.code.as_deref(),
                    sent: $sent,
                    mask: $request.update_mask.as_ref(),
                    etag: $request.etag.as_deref(),
                }
            };
        }
        Some(match request {
            Request::CreateGroup(request) => self
                .create_set(cx, Group, request.group.clone())
                .map(|group| Response::CreateGroup(proto::CreateGroupResponse { group: Some(group) })),
            Request::CreateRole(request) => self
                .create_set(cx, Role, request.role.clone().map(group))
                .map(|dto| Response::CreateRole(proto::CreateRoleResponse { role: Some(role(dto)) })),
            Request::GetGroup(request) => self
                .get_set(cx, Group, request.code.as_deref())
                .map(|group| Response::GetGroup(proto::GetGroupResponse { group: Some(group) })),
            Request::GetRole(request) => self
                .get_set(cx, Role, request.code.as_deref())
                .map(|dto| Response::GetRole(proto::GetRoleResponse { role: Some(role(dto)) })),
            Request::UpdateGroup(request) => self
                .update_set(cx, Group, &change!(request, request.group.clone().unwrap_or_default()))
                .map(|group| Response::UpdateGroup(proto::UpdateGroupResponse { group: Some(group) })),
            Request::UpdateRole(request) => self
                .update_set(cx, Role, &change!(request, group(request.role.clone().unwrap_or_default())))
                .map(|dto| Response::UpdateRole(proto::UpdateRoleResponse { role: Some(role(dto)) })),
            Request::DeleteGroup(request) => self
                .delete_set(cx, Group, request.code.as_deref(), request.etag.as_deref())
                .map(|()| Response::DeleteGroup(proto::DeleteGroupResponse {})),
            Request::DeleteRole(request) => self
                .delete_set(cx, Role, request.code.as_deref(), request.etag.as_deref())
                .map(|()| Response::DeleteRole(proto::DeleteRoleResponse {})),
            _ => return None,
        })
    }

    fn about_listed_sets(&mut self, cx: &mut Cx<'_>, request: &Request) -> Option<Step<Response>> {
        use Kind::{Group, Role};
        Some(match request {
            Request::ListGroups(request) => self
                .list_sets(cx, Group, &asked!(request, String::new()))
                .map(|page| listed!(ListGroups ListGroupsResponse { groups: page })),
            Request::ListRoles(request) => self
                .list_sets(cx, Role, &asked!(request, String::new()))
                .map(|page| listed!(ListRoles ListRolesResponse { roles: roles(page) })),
            Request::ListUserGroups(request) => self
                .list_sets_of(cx, Group, request.user_id.as_deref(), request.user_id_type, asked!(request, String::new()))
                .map(|page| listed!(ListUserGroups ListUserGroupsResponse { groups: page })),
            Request::ListUserRoles(request) => self
                .list_sets_of(cx, Role, request.user_id.as_deref(), request.user_id_type, asked!(request, String::new()))
                .map(|page| listed!(ListUserRoles ListUserRolesResponse { roles: roles(page) })),
            Request::ListGroupMembers(request) => {
                let question = request.code().to_owned();
                self.list_members(cx, Group, request.code.as_deref(), &asked!(request, question), &view!(request))
                    .map(|page| listed!(ListGroupMembers ListGroupMembersResponse { users: page }))
            }
            Request::ListRoleMembers(request) => {
                let question = request.code().to_owned();
                self.list_members(cx, Role, request.code.as_deref(), &asked!(request, question), &view!(request))
                    .map(|page| listed!(ListRoleMembers ListRoleMembersResponse { users: page }))
            }
            _ => return None,
        })
    }

    fn about_members(&mut self, cx: &mut Cx<'_>, request: &Request) -> Option<Step<Response>> {
        use Kind::{Group, Role};
        macro_rules! members {
            ($rpc:ident $response:ident $request:ident $kind:ident $add:literal) => {
                self.change_members(cx, $kind, $request.code.as_deref(), (&$request.user_ids, $request.user_id_type), $add)
                    .map(|results| Response::$rpc(proto::$response { results }))
            };
        }
        macro_rules! roles_held {
            ($rpc:ident $response:ident $request:ident $add:literal) => {{
                let codes = Codes { field: "role_codes", named: &$request.role_codes, most: 1_000 };
                self.change_sets(cx, Role, $request.user_id.as_deref(), $request.user_id_type, &codes, $add).map(|held| {
                    let total_count = i32::try_from(held.len()).ok();
                    Response::$rpc(proto::$response { total_count, roles: held.into_iter().map(role).collect() })
                })
            }};
        }
        macro_rules! group_held {
            ($rpc:ident $response:ident $request:ident $add:literal) => {{
                let codes = Codes { field: "group_code", named: $request.group_code.as_slice(), most: 0 };
                self.change_sets(cx, Group, $request.user_id.as_deref(), $request.user_id_type, &codes, $add)
                    .map(|_| Response::$rpc(proto::$response {}))
            }};
        }
        Some(match request {
            Request::AddGroupMembers(request) => members!(AddGroupMembers AddGroupMembersResponse request Group true),
            Request::RemoveGroupMembers(request) => members!(RemoveGroupMembers RemoveGroupMembersResponse request Group false),
            Request::AddRoleMembers(request) => members!(AddRoleMembers AddRoleMembersResponse request Role true),
            Request::RemoveRoleMembers(request) => members!(RemoveRoleMembers RemoveRoleMembersResponse request Role false),
            Request::AddUserToGroup(request) => group_held!(AddUserToGroup AddUserToGroupResponse request true),
            Request::RemoveUserFromGroup(request) => group_held!(RemoveUserFromGroup RemoveUserFromGroupResponse request false),
            Request::AddUserRoles(request) => roles_held!(AddUserRoles AddUserRolesResponse request true),
            Request::RemoveUserRoles(request) => roles_held!(RemoveUserRoles RemoveUserRolesResponse request false),
            Request::HasAnyRole(request) => self.has_any_role(cx, request),
            _ => return None,
        })
    }

    fn set(&self, kind: Kind, code: &str) -> Result<usize, Refused> {
        let place = self.sets[kind as usize].iter().position(|set| set.dto.code() == code);
        place.ok_or_else(|| kind.not_found(code))
    }

    fn create_set(&mut self, cx: &mut Cx<'_>, kind: Kind, sent: Option<GroupDto>) -> Step<GroupDto> {
        match &sent {
            None => cx.fault(kind.name()),
            Some(sent) => {
                let faults = resource::faults(&sent.encode_to_vec(), &kind.descriptor(), kind.name(), &Purpose::Create, &SET);
                cx.faults.extend(faults);
                if sent.code.is_none() {
                    cx.fault(&format!("{}.code", kind.name()));
                }
            }
        }
        self.settle(cx)?;
        let mut dto = sent.unwrap();
        if self.set(kind, dto.code()).is_ok() {
            return stop(Refused::taken(&["CODE_EXISTS"]));
        }
        dto.etag = Some(self.seen.etag(cx.made, 0));
        (dto.created_at, dto.updated_at) = (Some(self.now), Some(self.now));
        self.sets[kind as usize].push(Set { dto: dto.clone(), members: std::collections::BTreeSet::new() });
        Ok(dto)
    }

    fn get_set(&self, cx: &mut Cx<'_>, kind: Kind, code: Option<&str>) -> Step<GroupDto> {
        let code = cx.take(read_code("code", code));
        self.settle(cx)?;
        Ok(self.sets[kind as usize][self.set(kind, &code.unwrap())?].dto.clone())
    }

    fn update_set(&mut self, cx: &mut Cx<'_>, kind: Kind, change: &Change<'_>) -> Step<GroupDto> {
        let code = cx.take(read_code("code", change.code));
        let mask = cx.take(resource::mask(change.mask, &kind.descriptor(), &SET)).flatten();
        let paths = change.mask.map(|mask| mask.paths.clone()).filter(|paths| !paths.is_empty());
        let purpose = paths.map_or(Purpose::Update, Purpose::Masked);
        let sent = &change.sent;
        cx.faults.extend(resource::faults(&sent.encode_to_vec(), &kind.descriptor(), kind.name(), &purpose, &SET));
        self.settle(cx)?;
        let place = self.set(kind, &code.unwrap())?;
        let stored = self.sets[kind as usize][place].dto.clone();
        let etag = change.etag.or(sent.etag.as_deref().filter(|_| mask.is_some()));
        self.check_etag(etag, stored.etag())?;
        let mut dto = stored.clone();
        for (name, from, to) in [
            ("code", &sent.code, &mut dto.code),
            ("name", &sent.name, &mut dto.name),
            ("description", &sent.description, &mut dto.description),
        ] {
            let named = mask.as_ref().map_or(from.is_some(), |mask| mask.iter().any(|path| path == name));
            if named {
                to.clone_from(from);
            }
        }
        if dto.code != stored.code && self.set(kind, dto.code()).is_ok() {
            return stop(Refused::taken(&["CODE_EXISTS"]));
        }
        if dto != stored {
            dto.etag = Some(self.seen.etag(cx.made, 0));
            dto.updated_at = Some(self.now);
        }
        self.sets[kind as usize][place].dto = dto.clone();
        Ok(dto)
    }

    fn delete_set(&mut self, cx: &mut Cx<'_>, kind: Kind, code: Option<&str>, etag: Option<&str>) -> Step<()> {
        let code = cx.take(read_code("code", code));
        self.settle(cx)?;
        let place = self.set(kind, &code.unwrap())?;
        self.check_etag(etag, self.sets[kind as usize][place].dto.etag())?;
        if self.bent == Some(Bent::MembersStay) && !self.sets[kind as usize][place].members.is_empty() {
            return Ok(());
        }
        self.sets[kind as usize].remove(place);
        Ok(())
    }

    fn list_sets(&mut self, cx: &mut Cx<'_>, kind: Kind, asked: &Asked) -> Step<Page<GroupDto>> {
        let start = self.start(cx, asked)?;
        let all = self.sets[kind as usize].iter().map(|set| ((0, set.dto.code().to_owned()), set.dto.clone())).collect();
        Ok(self.page(cx, asked, start, Order::Up, all))
    }

    fn list_sets_of(
        &mut self,
        cx: &mut Cx<'_>,
        kind: Kind,
        id: Option<&str>,
        id_type: i32,
        mut asked: Asked,
    ) -> Step<Page<GroupDto>> {
        let id = cx.take(identifier(id, id_type));
        asked.question = format!("{id:?}");
        let start = self.start(cx, &asked)?;
        let user_id = self.owner(&id.unwrap()).ok_or_else(Refused::no_user)?.clone();
        let held = self.sets_of(kind, &user_id).into_iter().map(|dto| ((0, dto.code().to_owned()), dto)).collect();
        Ok(self.page(cx, &asked, start, Order::Up, held))
    }

    fn list_members(
        &mut self,
        cx: &mut Cx<'_>,
        kind: Kind,
        code: Option<&str>,
        asked: &Asked,
        view: &View,
    ) -> Step<Page<proto::UserDto>> {
        let code = cx.take(read_code("code", code));
        let start = self.start(cx, asked)?;
        let set = &self.sets[kind as usize][self.set(kind, &code.unwrap())?];
        let member = |user_id: &String| ((0, user_id.clone()), self.shown(&self.users[user_id], view));
        let all = set.members.iter().map(member).collect();
        Ok(self.page(cx, asked, start, Order::Up, all))
    }

    fn change_members(
        &mut self,
        cx: &mut Cx<'_>,
        kind: Kind,
        code: Option<&str>,
        (ids, id_type): (&[String], i32),
        add: bool,
    ) -> Step<Vec<UserResult>> {
        let code = cx.take(read_code("code", code));
        let targets = self.targets(cx, ids, id_type)?;
        let place = self.set(kind, &code.unwrap())?;
        let mut results = Vec::new();
        for (sent, target) in ids.iter().zip(targets) {
            let owner = target.and_then(|id| self.owner(&id).cloned().ok_or_else(Refused::no_user));
            let members = &mut self.sets[kind as usize][place].members;
            match &owner {
                Ok(user_id) if add => drop(members.insert(user_id.clone())),
                Ok(user_id) => drop(members.remove(user_id)),
                Err(_) => {}
            }
            results.push(UserResult { user_id: sent.clone(), error: owner.err().map(|refused| refused.status()) });
        }
        Ok(results)
    }

    fn change_sets(
        &mut self,
        cx: &mut Cx<'_>,
        kind: Kind,
        id: Option<&str>,
        id_type: i32,
        codes: &Codes<'_>,
        add: bool,
    ) -> Step<Vec<GroupDto>> {
        let id = cx.take(identifier(id, id_type));
        codes.check(cx);
        self.settle(cx)?;
        let user_id = self.owner(&id.unwrap()).ok_or_else(Refused::no_user)?.clone();
        let places = codes.named.iter().map(|code| self.set(kind, code)).collect::<Result<Vec<_>, _>>()?;
        for place in places {
            let members = &mut self.sets[kind as usize][place].members;
            if add {
                members.insert(user_id.clone());
            } else {
                members.remove(&user_id);
            }
        }
        Ok(self.sets_of(kind, &user_id))
    }

    fn has_any_role(&self, cx: &mut Cx<'_>, request: &proto::HasAnyRoleRequest) -> Step<Response> {
        let id = cx.take(identifier(request.user_id.as_deref(), request.user_id_type));
        Codes { field: "role_codes", named: &request.role_codes, most: 100 }.check(cx);
        self.settle(cx)?;
        let user_id = self.owner(&id.unwrap()).ok_or_else(Refused::no_user)?;
        let has_any_role =
            self.sets_of(Kind::Role, user_id).iter().any(|role| request.role_codes.contains(role.code.as_ref().unwrap()));
        Ok(Response::HasAnyRole(proto::HasAnyRoleResponse { has_any_role }))
    }
}

/// Codes that a request names: one, or 1 to `most`.
struct Codes<'a> {
    field: &'a str,
    named: &'a [String],
    most: usize,
}

impl Codes<'_> {
    fn check(&self, cx: &mut Cx<'_>) {
        if self.named.is_empty() || (self.most > 0 && self.named.len() > self.most) {
            cx.fault(self.field);
        }
        for (index, _) in self.named.iter().enumerate().filter(|(_, code)| plain(code).is_none()) {
            cx.faults.push(if self.most == 0 { self.field.to_owned() } else { format!("{}[{index}]", self.field) });
        }
    }
}

/// A code to look for, or the field that is wrong.
pub(super) fn read_code(field: &str, code: Option<&str>) -> Result<String, Vec<String>> {
    code.and_then(plain).ok_or_else(|| vec![field.to_owned()])
}
