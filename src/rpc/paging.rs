//! Pages as requests ask for them (contract §1 and §4), and as answers give them.

use prost::bytes::Bytes;

use crate::error::{Error, Result};
use crate::limits;
use crate::proto::reflect::{Reflect, Value};
use crate::proto::{self, CountMode, served};
use crate::store::paging::{Count, Listed, Page, Place, Start, Total};
use crate::store::{Level, Store, Tenant};
use crate::validate::Violations;

use super::reply::fitting;

/// The page that a request asks for.
pub(super) struct Paging<'a> {
    store: &'a Store,
    /// What a page token is good for: the RPC and all that decides which items there are and in which order.
    question: Vec<u8>,
    /// Whether it was asked for by its number.
    numbered: bool,
    /// What the store lists.
    pub(super) page: Page,
}

/// A page as an answer has it.
pub(super) struct Paged<T> {
    items: Vec<T>,
    total: Option<Total>,
    next_page_token: String,
}

impl<'a> Paging<'a> {
    /// Reads the fields `page`, `limit`, `page_token` and `count` of a request. What else decides which items there are: who asks,
    /// the level that is meant, and `parts` of the request.
    ///
    /// # Errors
    /// All that is wrong, beside what `violations` holds already; then [`Error::PageTokenInvalid`].
    pub(super) async fn read(
        store: &'a Store,
        request: &impl Reflect,
        tenant: &Tenant,
        level: &Level,
        parts: &[&str],
        mut violations: Violations,
    ) -> Result<Self> {
        let page = number(request, "page", None, &mut violations);
        let limit = number(request, "limit", Some(limits::PAGE_LIMIT), &mut violations).unwrap_or(limits::DEFAULT_PAGE_LIMIT);
        let numbered = request.get("page").is_present();
        let token = request.get("page_token").as_text().unwrap_or_default().to_owned();
        let offset = page.unwrap_or(1).saturating_sub(1).saturating_mul(limit);
        if offset > limits::PAGE_OFFSET {
            let most = limits::PAGE_OFFSET;
            violations.add("page", format!("lies behind more than {most} items: go there by page_token, page after page"));
        }
        if numbered && !token.is_empty() {
            violations.add("page", "cannot stand together with page_token");
        }
        violations.none_or(())?;
        let of = [tenant.organization_id(), level.organization_id()].map(Option::unwrap_or_default);
        let question = question(request.name(), &[&of, parts].concat());
        let start = if token.is_empty() {
            Start::Offset(offset as u64)
        } else {
            let place = store.page_tokens().await?.open(&question, store.now(), &token);
            Start::Behind(place.and_then(|place| Place::from_bytes(&place)).ok_or(Error::PageTokenInvalid)?)
        };
        Ok(Self { store, question, numbered, page: Page { start, limit, count: count(request) } })
    }

    /// The page as far as it fits into a message. Users that are bytes already count as the field that they are.
    ///
    /// # Errors
    /// [`Error::MessageTooLarge`] for a page by number that does not fit, and for an item that does not fit alone.
    pub(super) async fn answer<T: prost::Message>(&self, mut listed: Listed<T>) -> Result<Paged<T>> {
        let fit = fitting(listed.items.iter().map(|(_, item)| item));
        if fit < listed.items.len() || listed.cut {
            if self.numbered || fit == 0 {
                return Err(Error::MessageTooLarge { fit: Some(fit) });
            }
            listed.items.truncate(fit);
            listed.more = true;
        }
        let last = listed.items.last().filter(|_| listed.more).map(|(place, _)| place.to_bytes());
        let next_page_token = match last {
            Some(place) => self.store.page_tokens().await?.seal(&self.question, self.store.now(), &place),
            None => Some(String::new()),
        };
        let next_page_token = next_page_token.ok_or_else(|| Error::internal("a place in a list cannot be sealed"))?;
        Ok(Paged { items: listed.items.into_iter().map(|(_, item)| item).collect(), total: listed.total, next_page_token })
    }
}

/// A number from 1 on.
fn number(request: &impl Reflect, name: &str, most: Option<usize>, violations: &mut Violations) -> Option<usize> {
    let Value::Number(written) = request.get(name) else { return None };
    let read = usize::try_from(written).ok().filter(|number| *number >= 1 && most.is_none_or(|most| *number <= most));
    if read.is_none() {
        violations.add(name, most.map_or_else(|| "must be at least 1".to_owned(), |most| format!("must be 1 to {most}")));
    }
    read
}

/// An unknown mode is among the violations already, found by the rule of all enums.
fn count(request: &impl Reflect) -> Count {
    match request.get("count") {
        Value::Enum(number, _) if number == i32::from(CountMode::Exact) => Count::Exact,
        Value::Enum(number, _) if number == i32::from(CountMode::None) => Count::None,
        _ => Count::Capped,
    }
}

/// Parts with their lengths, so that no two questions read alike.
fn question(rpc: &str, parts: &[&str]) -> Vec<u8> {
    let mut question = Vec::new();
    for part in [rpc].iter().chain(parts) {
        question.extend((part.len() as u64).to_be_bytes());
        question.extend(part.as_bytes());
    }
    question
}

/// Makes answers of pages: each has the same fields beside its items.
macro_rules! paged {
    ($($response:path { $items:ident: $item:path })*) => {$(
        impl From<Paged<$item>> for $response {
            fn from(page: Paged<$item>) -> Self {
                Self {
                    $items: page.items,
                    total_count: page.total.map(|total| i32::try_from(total.count).unwrap_or(i32::MAX)),
                    total_is_capped: page.total.is_some_and(|total| total.capped),
                    next_page_token: page.next_page_token,
                }
            }
        }
    )*};
}

paged! {
    proto::ListApiKeysResponse { api_keys: proto::ApiKeyDto }
    served::ListDepartmentMembersResponse { users: Bytes }
    proto::ListDepartmentsResponse { departments: proto::DepartmentDto }
    served::ListGroupMembersResponse { users: Bytes }
    proto::ListGroupsResponse { groups: proto::GroupDto }
    proto::ListIdentitiesResponse { identities: proto::IdentityDto }
    served::ListOrganizationMembersResponse { users: Bytes }
    proto::ListOrganizationsResponse { organizations: proto::OrganizationDto }
    proto::ListPostsResponse { posts: proto::PostDto }
    served::ListRoleMembersResponse { users: Bytes }
    proto::ListRolesResponse { roles: proto::RoleDto }
    proto::ListUserGroupsResponse { groups: proto::GroupDto }
    proto::ListUserOrganizationsResponse { organizations: proto::OrganizationDto }
    proto::ListUserRolesResponse { roles: proto::RoleDto }
    served::ListUsersResponse { users: Bytes }
    served::SearchUsersResponse { users: Bytes }
}
