//! Lists of groups and roles, of those that a user has, and of members: in order, by page and by token, counted.

use std::fmt::Debug;
use std::time::Duration;

use roster::proto::{CountMode, UserIdType};
use tonic::Code;

use super::{
    Answer, Ask, Dto, Groups, Kind, Paged, Roles, Show, add, assert_none, begun, both, change, coded, made, run, users,
};
use crate::batches::large;
use crate::calls::assert_refused;
use crate::harness::{Client, assert_invalid, refused};

both![
    all_are_listed_by_code_page_by_page,
    those_of_a_user_are_listed_by_code_page_by_page,
    members_are_listed_by_user_id_page_by_page,
    who_comes_and_goes_while_pages_are_read_moves_nobody_else,
    a_page_of_members_ends_where_the_message_does,
    a_list_of_none_is_empty,
    a_count_stops_at_ten_thousand_unless_it_is_to_be_exact,
];

/// Codes in their order.
const CODES: &[&str] =
    &["-", "--", ".", "0", "00", "10", "9", ":", "A", "AB", "Z", "_", "a", "a-b", "a.b", "a:b", "a_b", "aa", "b"];

fn page(page: i32, limit: i32) -> Ask {
    Ask { page: Some(page), limit: Some(limit), ..Ask::default() }
}

fn behind(page_token: &str, limit: i32) -> Ask {
    Ask { page_token: page_token.to_owned(), limit: Some(limit), ..Ask::default() }
}

fn counted(count: CountMode) -> Ask {
    Ask { count: count.into(), ..Ask::default() }
}

/// Asserts that a list gives these, more than ten, in every way that it can be asked for.
async fn assert_paged<T: Clone + Debug + PartialEq>(all: &[T], ask: impl AsyncFn(Ask) -> Answer<Paged<T>>) {
    let total_count = i32::try_from(all.len()).ok();
    let whole = Paged { items: all.to_vec(), total_count, total_is_capped: false, next_page_token: String::new() };
    assert_eq!(ask(page(1, 1_000)).await.unwrap(), whole);
    assert_eq!(ask(behind("", 1_000)).await.unwrap(), whole);
    let first = ask(Ask::default()).await.unwrap();
    assert_eq!((first.items.as_slice(), first.total_count), (&all[..10], total_count));
    for limit in [1, 3, 7, all.len()] {
        let asked = i32::try_from(limit).unwrap();
        let (mut token, mut number) = (String::new(), 0);
        for expected in all.chunks(limit) {
            number += 1;
            let by_number = ask(page(number, asked)).await.unwrap();
            let by_token = ask(behind(&token, asked)).await.unwrap();
            assert_eq!((by_number.items.as_slice(), by_token.items.as_slice()), (expected, expected));
            assert_eq!((by_number.total_count, by_token.total_count), (total_count, total_count));
            // Either way the next page is had by its token, until there is none.
            token = if number % 2 == 0 { by_number.next_page_token } else { by_token.next_page_token };
            assert_eq!(token.is_empty(), expected.last() == all.last());
        }
        assert_eq!(ask(page(number + 1, asked)).await.unwrap(), Paged { items: vec![], ..whole.clone() });
    }
    // Limit and count may change on the way.
    let exact = ask(Ask { limit: Some(2), ..counted(CountMode::Exact) }).await.unwrap();
    assert_eq!((exact.total_count, exact.total_is_capped), (total_count, false));
    let none = Ask { page_token: exact.next_page_token, limit: Some(1_000), ..counted(CountMode::None) };
    let none = ask(none).await.unwrap();
    assert_eq!((none.items.as_slice(), none.total_count, none.total_is_capped), (&all[2..], None, false));
    assert_bad_pages(first.next_page_token, ask).await;
}

/// Asserts that the list refuses what is no page of it.
async fn assert_bad_pages<T: Debug>(token: String, ask: impl AsyncFn(Ask) -> Answer<Paged<T>>) {
    for number in [0, -1, i32::MIN] {
        assert_invalid(ask(page(number, 1)).await, &["page"]);
        assert_invalid(ask(page(1, number)).await, &["limit"]);
    }
    for limit in [1_001, i32::MAX] {
        assert_invalid(ask(page(1, limit)).await, &["limit"]);
    }
    ask(page(1_001, 10)).await.unwrap();
    for (number, limit) in [(1_002, 10), (12, 1_000), (i32::MAX, 1)] {
        let refusal = refused(ask(page(number, limit)).await);
        assert_eq!(refusal.fields(), ["page"]);
        assert!(refusal.message.contains("page_token"), "{refusal:?}");
    }
    assert_invalid(ask(Ask { page: Some(1), ..behind(&token, 1) }).await, &["page"]);
    assert_invalid(ask(Ask { count: 9, ..Ask::default() }).await, &["count"]);
    let mut flipped = token.clone().into_bytes();
    flipped[10] ^= 1;
    for bad in ["x", "\0", &String::from_utf8(flipped).unwrap(), &token[1..], &token[..token.len() - 1], &token.repeat(2)] {
        assert_refused(ask(behind(bad, 1)).await, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
    }
    let all = refused(ask(Ask { count: 9, ..page(0, 0) }).await);
    let mut fields = all.fields();
    fields.sort_unstable();
    assert_eq!(fields, ["count", "limit", "page"]);
}

/// One of each of the codes, in their order; made in another.
async fn of_all_codes<K: Kind>(client: &Client) -> Vec<Dto> {
    let mut all = Vec::new();
    for (index, code) in CODES.iter().enumerate().rev() {
        let dto = Dto { name: (index % 2 == 0).then(|| format!("name {index}")), ..coded(code) };
        all.push(K::create(client, Some(dto)).await.unwrap());
    }
    all.reverse();
    all
}

async fn all_are_listed_by_code_page_by_page<K: Kind>() {
    let (_roster, client) = begun().await;
    let all = of_all_codes::<K>(&client).await;
    assert_paged(&all, async |ask| K::list(&client, ask).await).await;
}

async fn those_of_a_user_are_listed_by_code_page_by_page<K: Kind>() {
    let (_roster, client) = begun().await;
    users(&client, &["ann"]).await;
    let mut all = of_all_codes::<K>(&client).await;
    for (index, code) in CODES.iter().enumerate() {
        add::<K>(&client, code, &["bob-1", "ann"][index % 2..]).await;
    }
    assert_paged(&all, async |ask| K::of_user(&client, Some("ann"), 0, ask).await).await;
    // Bob has every second.
    let mut index = 0;
    all.retain(|_| {
        index += 1;
        index % 2 == 1
    });
    assert_eq!(all.len(), 10);
    let of_bob = K::of_user(&client, Some("bob"), UserIdType::Username.into(), Ask::default()).await.unwrap();
    assert_eq!((of_bob.items, of_bob.next_page_token.as_str()), (all, ""));
}

async fn members_are_listed_by_user_id_page_by_page<K: Kind>() {
    let (_roster, client) = begun().await;
    // What is a code is a user id too.
    let mut ids = [CODES, &["@", "|", "a|b", "+"]].concat();
    users(&client, &ids).await;
    made::<K>(&client, &["eng", "ops"]).await;
    add::<K>(&client, "eng", &ids).await;
    add::<K>(&client, "ops", &["bob-1"]).await;
    ids.sort_unstable();
    let mut all = Vec::new();
    for id in ids {
        all.push(client.get(id).await.unwrap());
    }
    assert_paged(&all, async |ask| K::members(&client, Some("eng"), ask, Show::default()).await).await;
    // What is shown may change on the way.
    let first = K::members(&client, Some("eng"), behind("", 2), Show::default()).await.unwrap();
    let rest = K::members(&client, Some("eng"), behind(&first.next_page_token, 1), K::SHOWN).await.unwrap();
    assert_eq!((rest.items[0].user_id(), K::codes(&rest.items[0])), (all[2].user_id(), &["eng".to_owned()][..]));
}

async fn who_comes_and_goes_while_pages_are_read_moves_nobody_else<K: Kind>() {
    let (roster, client) = begun().await;
    let ids = ["c", "e", "g", "i", "k", "m"];
    users(&client, &[&ids[..], &["a", "b", "f", "z"]].concat()).await;
    made::<K>(&client, &["eng"]).await;
    add::<K>(&client, "eng", &ids).await;
    let at = async |token: &str| {
        let paged = K::members(&client, Some("eng"), behind(token, 2), Show::default()).await.unwrap();
        (paged.items.iter().map(|user| user.user_id().to_owned()).collect::<Vec<_>>(), paged.next_page_token)
    };
    let (first, token) = at("").await;
    // Whoever the page ended with goes; some come before and behind.
    client.delete("e").await.unwrap();
    add::<K>(&client, "eng", &["a", "b", "f", "z"]).await;
    let (second, token) = at(&token).await;
    change::<K>(&client, super::Holding::Remove, "eng", &["c", "g"]).await;
    let (third, token) = at(&token).await;
    assert_eq!([first, second, third], [["c", "e"], ["f", "g"], ["i", "k"]]);
    roster.clock.advance(Duration::from_secs(24 * 60 * 60 - 1));
    assert_eq!(at(&token).await, (vec!["m".to_owned(), "z".to_owned()], String::new()));
    roster.clock.advance(Duration::from_secs(2));
    let late = K::members(&client, Some("eng"), behind(&token, 2), Show::default()).await;
    assert_refused(late, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
}

async fn a_page_of_members_ends_where_the_message_does<K: Kind>() {
    let (_roster, client) = begun().await;
    made::<K>(&client, &["eng"]).await;
    let ids: Vec<_> = (100..170).map(|number| format!("user-{number}")).collect();
    for ids in ids.chunks(35) {
        let users: Vec<_> = ids.iter().map(|id| large(id)).collect();
        crate::batches::create(&client, &users, true).await.unwrap();
    }
    add::<K>(&client, "eng", &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let show = Show { custom_data: true, ..K::SHOWN };
    let by_number = refused(K::members(&client, Some("eng"), page(1, 70), show).await);
    assert_eq!(by_number.kind(), (Code::ResourceExhausted, "MESSAGE_TOO_LARGE"));
    let (mut ids_read, mut token, mut count) = (Vec::new(), String::new(), 0);
    while count == 0 || !token.is_empty() {
        let paged = K::members(&client, Some("eng"), behind(&token, 70), show).await.unwrap();
        assert!(paged.items.iter().all(|user| user.custom_data.is_some() && K::codes(user) == ["eng"]));
        ids_read.extend(paged.items.into_iter().map(|user| user.user_id.unwrap()));
        (token, count) = (paged.next_page_token, count + 1);
    }
    assert_eq!((ids_read, count), (ids, 2));
    let fit: i32 = by_number.metadata["fit"].parse().unwrap();
    let whole = K::members(&client, Some("eng"), page(1, fit), show).await.unwrap();
    assert_eq!((i32::try_from(whole.items.len()).unwrap(), whole.total_count), (fit, Some(70)));
}

async fn a_list_of_none_is_empty<K: Kind>() {
    let (_roster, client) = begun().await;
    users(&client, &[]).await;
    assert_eq!(K::list(&client, Ask::default()).await.unwrap(), empty());
    made::<K>(&client, &["eng"]).await;
    assert_eq!(K::of_user(&client, Some("bob-1"), 0, Ask::default()).await.unwrap(), empty());
    assert_eq!(K::members(&client, Some("eng"), Ask::default(), K::SHOWN).await.unwrap(), empty());
    assert_none::<K, _>(K::members(&client, Some("ops"), Ask::default(), K::SHOWN).await);
    // What is wrong is told before that there is no such thing.
    assert_invalid(K::members(&client, Some("ops"), page(0, 1), K::SHOWN).await, &["page"]);
    assert_invalid(K::members(&client, None, page(0, 1), K::SHOWN).await, &["code", "page"]);
    assert_invalid(K::of_user(&client, Some("nobody"), 0, page(1, 0)).await, &["limit"]);
    assert_invalid(K::of_user(&client, None, 0, page(1, 0)).await, &["user_id", "limit"]);
}

fn empty<T>() -> Paged<T> {
    Paged { items: vec![], total_count: Some(0), total_is_capped: false, next_page_token: String::new() }
}

async fn a_count_stops_at_ten_thousand_unless_it_is_to_be_exact<K: Kind>() {
    let (roster, client) = begun().await;
    users(&client, &[]).await;
    let (name, plural) = (K::NAME, K::PLURAL);
    let numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)";
    let rows = "SELECT 'id-' || number, 'c' || number, 'e', 0, 0 \
        FROM (SELECT replace(format('%5s', i), ' ', '0') AS number FROM n) AS padded";
    run(&roster, &format!("INSERT INTO {plural} ({name}_id, code, etag, created_at, updated_at) {numbers} {rows}")).await;
    run(&roster, &format!("INSERT INTO {name}_members ({name}_id, user_id) SELECT {name}_id, 'bob-1' FROM {plural}")).await;
    let totals = async |count: CountMode| {
        let all = K::list(&client, counted(count)).await.unwrap();
        let of_bob = K::of_user(&client, Some("bob-1"), 0, counted(count)).await.unwrap();
        [(all.total_count, all.total_is_capped), (of_bob.total_count, of_bob.total_is_capped)]
    };
    assert_eq!(totals(CountMode::Unspecified).await, [(Some(10_000), false); 2]);
    made::<K>(&client, &["z"]).await;
    add::<K>(&client, "z", &["bob-1"]).await;
    assert_eq!(totals(CountMode::Unspecified).await, [(Some(10_000), true); 2]);
    assert_eq!(totals(CountMode::Exact).await, [(Some(10_001), false); 2]);
    assert_eq!(totals(CountMode::None).await, [(None, false); 2]);
    // The last that is had by its number, and the one behind it, which is had by token.
    let last = K::list(&client, page(10_001, 1)).await.unwrap();
    assert_eq!((last.items[0].code.as_deref(), last.next_page_token.as_str()), (Some("z"), ""));
    let before = K::list(&client, page(10_000, 1)).await.unwrap();
    assert_eq!(K::list(&client, behind(&before.next_page_token, 1)).await.unwrap(), last);
}

/// Ten questions, each with two answers.
async fn question(client: &Client, number: usize, ask: Ask) -> Answer<String> {
    async fn of<K: Kind>(client: &Client, number: usize, ask: Ask) -> Answer<String> {
        Ok(match number {
            0 => K::list(client, ask).await?.next_page_token,
            1 => K::of_user(client, Some("ann"), 0, ask).await?.next_page_token,
            2 => K::of_user(client, Some("bob-1"), 0, ask).await?.next_page_token,
            3 => K::members(client, Some("eng"), ask, Show::default()).await?.next_page_token,
            _ => K::members(client, Some("ops"), ask, Show::default()).await?.next_page_token,
        })
    }
    if number < 5 { of::<Groups>(client, number, ask).await } else { of::<Roles>(client, number - 5, ask).await }
}

#[tokio::test]
async fn a_page_token_is_good_for_its_own_question_only() {
    let (_roster, client) = begun().await;
    users(&client, &["ann"]).await;
    for code in ["eng", "ops"] {
        made::<Groups>(&client, &[code]).await;
        made::<Roles>(&client, &[code]).await;
        add::<Groups>(&client, code, &["ann", "bob-1"]).await;
        add::<Roles>(&client, code, &["ann", "bob-1"]).await;
    }
    for asked in 0..10 {
        let token = question(&client, asked, page(1, 1)).await.unwrap();
        for other in 0..10 {
            let answer = question(&client, other, behind(&token, 1)).await;
            if other == asked {
                assert_eq!(answer.unwrap(), "");
            } else {
                assert_refused(answer, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
            }
        }
    }
}
