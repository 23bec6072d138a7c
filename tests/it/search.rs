//! `SearchUsers`: which users match, in which order and on which pages.

use std::time::Duration;

use roster::proto::{CountMode, SearchUsersRequest, SearchUsersResponse, UserDto};
use tonic::Code;

use crate::calls::{assert_refused, setting, started};
use crate::custom_data::object;
use crate::dto::texts;
use crate::harness::{Client, Roster, assert_invalid, refused};
use crate::pages::{group, id, ids, pool, role, search};

/// The seed's fields, each with a value that has the word `needle` inside, the phone with digits instead.
const FIELDS: [(&str, &str); 11] = [
    ("username", "a-Needle-b"),
    ("nickname", "a needle b"),
    ("email", "a.needle.b@example.com"),
    ("phone", "13866554433"),
    ("company", "(needle)"),
    ("name", "Pine Needles"),
    ("given_name", "needle"),
    ("family_name", "McNEEDLE"),
    ("middle_name", "needle-"),
    ("profile", "https://example.com/needle?x"),
    ("preferred_username", "xneedle"),
];

/// What is looked for in each of them.
fn needle(field: &str) -> &str {
    if field == "phone" { "866554" } else { "needle" }
}

fn of(query: &str) -> SearchUsersRequest {
    SearchUsersRequest { query: Some(query.to_owned()), limit: Some(1_000), ..SearchUsersRequest::default() }
}

fn within(query: &str, fields: &[&str]) -> SearchUsersRequest {
    SearchUsersRequest { fields: fields.iter().map(|field| (*field).to_owned()).collect(), ..of(query) }
}

/// The ids of those who match, upwards.
async fn find(client: &Client, request: SearchUsersRequest) -> Vec<String> {
    let mut found: Vec<_> = ids(&search(client, request).await.unwrap().users).into_iter().map(ToOwned::to_owned).collect();
    found.sort_unstable();
    found
}

/// A server with users of whom only the id and these texts are set.
async fn with_users(users: &[(&str, &[(&str, &str)])]) -> (Roster, Client) {
    let (roster, client) = started().await;
    for (user_id, fields) in users {
        let user = texts(fields);
        // Everybody needs an identifier; this one is not searched.
        client.create(UserDto { external_id: Some(format!("x-{user_id}")), ..identified(user, user_id) }).await.unwrap();
    }
    (roster, client)
}

fn identified(user: UserDto, user_id: &str) -> UserDto {
    UserDto { user_id: Some(user_id.to_owned()), ..user }
}

/// A server with a user for each nickname, whose ids are their places.
async fn nicknamed(nicknames: &[&str]) -> (Roster, Client) {
    let users: Vec<_> = nicknames.iter().enumerate().map(|(place, name)| (place.to_string(), [("nickname", *name)])).collect();
    let users: Vec<_> = users.iter().map(|(user_id, fields)| (user_id.as_str(), &fields[..])).collect();
    with_users(&users).await
}

#[tokio::test]
async fn a_word_is_found_inside_each_of_the_eleven_fields() {
    let users: Vec<_> = FIELDS.iter().map(|field| (field.0, std::slice::from_ref(field))).collect();
    let (_roster, client) = with_users(&users).await;
    let mut with_needle: Vec<_> = FIELDS.iter().map(|(field, _)| *field).filter(|field| *field != "phone").collect();
    with_needle.sort_unstable();
    assert_eq!(find(&client, of("needle")).await, with_needle);
    assert_eq!(find(&client, of("eedl")).await, with_needle);
    assert_eq!(find(&client, of("866554")).await, ["phone"]);
    assert!(find(&client, of("needles-not-there")).await.is_empty());
}

#[tokio::test]
async fn only_the_chosen_fields_are_searched() {
    let users: Vec<_> = FIELDS.iter().map(|field| (field.0, std::slice::from_ref(field))).collect();
    let (_roster, client) = with_users(&users).await;
    for (field, _) in FIELDS {
        assert_eq!(find(&client, within(needle(field), &[field])).await, [field]);
        let others: Vec<_> = FIELDS.iter().map(|(other, _)| *other).filter(|other| *other != field).collect();
        assert!(!find(&client, within(needle(field), &others)).await.contains(&field.to_owned()), "{field}");
    }
    assert_eq!(find(&client, within("needle", &["name", "company"])).await, ["company", "name"]);
    assert_eq!(find(&client, within("needle", &["company", "name", "company"])).await, ["company", "name"]);
}

#[tokio::test]
async fn nothing_else_of_a_user_is_searched() {
    let (_roster, client) = with_users(&[(
        "needle-id",
        &[("username", "plain"), ("city", "needle"), ("country", "needle"), ("address", "needle"), ("openid", "needle")],
    )])
    .await;
    let data = UserDto { custom_data: Some(object([("needle", "needle".into())])), ..UserDto::default() };
    client.update(setting("needle-id", data)).await.unwrap();
    assert!(find(&client, of("needle")).await.is_empty());
    assert_eq!(find(&client, of("plain")).await, ["needle-id"]);
}

#[tokio::test]
async fn a_name_of_something_that_is_not_searched_is_refused_in_its_place() {
    let (_roster, client) = started().await;
    for field in ["", "user_id", "external_id", "city", "custom_data", "Username", "name ", "given name", "givenName", "*"] {
        assert_invalid(search(&client, within("a", &["name", field, "email"])).await, &["fields[1]"]);
    }
    let refusal = refused(search(&client, within("a", &["x", "email", "y"])).await);
    assert_eq!(refusal.fields(), ["fields[0]", "fields[2]"], "{refusal:?}");
}

#[tokio::test]
async fn a_field_named_a_thousand_times_is_no_fault_of_the_server() {
    let (_roster, client) = nicknamed(&["a b c d e f g h i j k l m n o p"]).await;
    for times in [12, 100, 1_000, 5_000] {
        let request = within("a b c d e f g h i j k l m n o p", &vec!["nickname"; times]);
        match search(&client, request).await {
            Ok(page) => assert_eq!(ids(&page.users), ["0"], "{times}"),
            Err(status) => assert_invalid::<()>(Err(status), &["fields"]),
        }
    }
}

#[tokio::test]
async fn case_is_disregarded_in_every_script() {
    let spellings: [&[&str]; 10] = [
        &["Quick", "qUICK", "QUICK"],
        &["Éclair", "éclair", "ÉCLAIR"],
        &["Жук", "жук", "ЖУК"],
        &["Łódź", "łódź", "ŁÓDŹ"],
        &["Οδος", "ΟΔΟΣ", "οδοσ"],
        &["ＡｂＣ", "ａｂｃ", "ＡＢＣ"],
        &["Ñandú", "ñandú", "ÑANDÚ"],
        &["Əli", "əli", "ƏLI"],
        &["Ֆիլմ", "ֆիլմ", "ՖԻԼՄ"],
        &["𐐀x", "𐐨X", "𐐨x"],
    ];
    let stored: Vec<_> = spellings.iter().flat_map(|group| group.iter().copied()).collect();
    let (_roster, client) = nicknamed(&stored).await;
    for (index, group) in spellings.iter().enumerate() {
        let mut all: Vec<_> = (index * 3..index * 3 + 3).map(|place| place.to_string()).collect();
        all.sort_unstable();
        for spelling in *group {
            assert_eq!(find(&client, of(spelling)).await, all, "{spelling}");
        }
    }
}

#[tokio::test]
async fn a_letter_matches_in_no_other_way_than_by_case() {
    let (_roster, client) = nicknamed(&["k", "1", "]", "^", "-", "ß", "ж", "z"]).await;
    for (place, letter) in ["K", "1", "]", "^", "-", "ẞ", "Ж", "Z"].iter().enumerate() {
        assert_eq!(find(&client, of(letter)).await, [place.to_string()], "{letter}");
    }
}

#[tokio::test]
async fn every_character_stands_for_itself() {
    let specials = ["%", "_", "*", "?", "[", "]", "\\", "^", "-", "!", "'", "\"", ";", "#", "$", ".", "(", "|", "+", "{", "`"];
    let stored: Vec<_> = specials.iter().map(|special| format!("a{special}b")).chain(["axb".to_owned()]).collect();
    let (_roster, client) = nicknamed(&stored.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for (place, special) in specials.iter().enumerate() {
        for query in [(*special).to_owned(), format!("a{special}"), format!("{special}b"), format!("A{special}B")] {
            assert_eq!(find(&client, of(&query)).await, [place.to_string()], "{query}");
        }
    }
    let patterns =
        ["a%b%", "%%", "a__", "a*b*", "**", "a?b?", "???", "[a]", "a[x]b", "a[^y]b", "[a-z]", "[]", "\\%", "--", "''"];
    for pattern in patterns {
        assert!(find(&client, of(pattern)).await.is_empty(), "{pattern}");
    }
}

#[tokio::test]
async fn patterns_that_are_texts_are_found_as_such() {
    let patterns = ["[a-z]*", "100%_x", "a\\b\\", "[^x]?", "]][[", "*?*?*", "-- ' OR 1=1", "%_%"];
    let (_roster, client) = nicknamed(&patterns).await;
    for (place, pattern) in patterns.iter().enumerate() {
        assert_eq!(find(&client, of(pattern)).await, [place.to_string()], "{pattern}");
    }
}

#[tokio::test]
async fn every_word_is_somewhere_in_the_searched_fields() {
    let (_roster, client) = with_users(&[
        ("1", &[("username", "anna"), ("company", "Acme Ltd"), ("name", "Anna Karenina")]),
        ("2", &[("username", "boris"), ("company", "Acme Ltd"), ("nickname", "Hannah")]),
        ("3", &[("username", "ab"), ("nickname", "cd")]),
    ])
    .await;
    for (query, expected) in [
        ("acme", &["1", "2"][..]),
        ("ann acme", &["1", "2"]),
        ("ACME   Ann", &["1", "2"]),
        ("acme karenina", &["1"]),
        ("karenina anna", &["1"]),
        ("\t acme \n\u{3000} boris\u{a0}hannah ", &["2"]),
        ("acme acme acme", &["1", "2"]),
        ("acme nobody", &[]),
        ("karenina boris", &[]),
        ("bc", &[]),
        ("ab cd", &["3"]),
        ("abcd", &[]),
    ] {
        assert_eq!(find(&client, of(query)).await, expected, "{query:?}");
    }
    assert_eq!(find(&client, within("acme anna", &["company", "username"])).await, ["1"]);
    assert!(find(&client, within("acme anna", &["company"])).await.is_empty());
}

#[tokio::test]
async fn scripts_without_case_or_spaces_are_searched_by_the_character() {
    let stored = ["王小明", "山田 太郎", "김철수", "محمد بن علي", "דוד לוי", "สมชาย", "नरेंद्र", "👩‍👩‍👧 family", "𠮷野家", "ヤマダ"];
    let (_roster, client) = nicknamed(&stored).await;
    for (place, queries) in [
        (0, &["王", "小", "小明", "王小明"][..]),
        (1, &["山", "太郎", "田 太", "太郎 山田"]),
        (2, &["김", "철수"]),
        (3, &["محمد", "م", "علي محمد", "بن"]),
        (4, &["דוד", "י"]),
        (5, &["สมชาย", "ชา"]),
        (6, &["नरेंद्र", "रें"]),
        (7, &["👧", "👩‍👩‍👧", "FAMILY"]),
        (8, &["𠮷", "野家"]),
        (9, &["ヤ", "マダ"]),
    ] {
        for query in queries {
            assert_eq!(find(&client, of(query)).await, [place.to_string()], "{query}");
        }
    }
    assert!(find(&client, of("明小")).await.is_empty());
}

#[tokio::test]
async fn phones_are_found_by_their_national_digits_and_in_e164() {
    let (_roster, client) = with_users(&[
        ("cn", &[("phone", "18812348888")]),
        ("gb", &[("phone", "+44 20 7946 0958")]),
        ("us", &[("phone", "2125550123"), ("phone_country_code", "1")]),
        ("none", &[("username", "18812")]),
    ])
    .await;
    for (query, expected) in [
        ("18812348888", &["cn"][..]),
        ("8812348", &["cn"]),
        ("+8618812348888", &["cn"]),
        ("8618812348888", &["cn"]),
        ("+86188", &["cn"]),
        ("2079460958", &["gb"]),
        ("+442079460958", &["gb"]),
        ("+12125550123", &["us"]),
        ("+44", &["gb"]),
        ("+", &["cn", "gb", "us"]),
    ] {
        assert_eq!(find(&client, within(query, &["phone"])).await, expected, "{query}");
        assert_eq!(find(&client, of(query)).await, expected, "{query}");
    }
    assert_eq!(find(&client, of("18812")).await, ["cn", "none"]);
    assert_eq!(find(&client, within("18812", &["username", "email"])).await, ["none"]);
}

#[tokio::test]
async fn a_query_has_at_least_a_word() {
    let (_roster, client) = nicknamed(&["a"]).await;
    for query in [None, Some(""), Some(" "), Some("\t\n"), Some("\u{3000}\u{a0}")] {
        let request = SearchUsersRequest { query: query.map(ToOwned::to_owned), ..SearchUsersRequest::default() };
        assert_invalid(search(&client, request).await, &["query"]);
    }
    for query in ["\0", "a\0", "a \0 b"] {
        assert_invalid(search(&client, of(query)).await, &["query"]);
    }
}

#[tokio::test]
async fn a_query_has_256_characters_and_16_words_at_most() {
    let letters = "abcdefghijklmnop".split("").filter(|letter| !letter.is_empty()).collect::<Vec<_>>();
    let stored = ["x".repeat(256), "é".repeat(256), "界".repeat(256), "𐐀".repeat(256), "*".repeat(256), letters.concat()];
    let (_roster, client) = nicknamed(&stored.each_ref().map(String::as_str)).await;
    for (place, text) in stored[..5].iter().enumerate() {
        assert_eq!(find(&client, of(text)).await, [place.to_string()]);
        assert_invalid(search(&client, of(&format!("{text}x"))).await, &["query"]);
    }
    assert_eq!(find(&client, of(&letters.join(" "))).await, ["5"]);
    assert_invalid(search(&client, of(&format!("{} x", letters.join(" ")))).await, &["query"]);
    assert_invalid(search(&client, of(&"a ".repeat(17))).await, &["query"]);
    let longest = format!("{} {}", letters.join(" "), " ".repeat(256 - 32));
    assert_eq!((longest.len(), find(&client, of(&longest)).await), (256, vec!["5".to_owned()]));
}

#[tokio::test]
async fn a_page_that_cannot_be_is_refused_beside_the_query() {
    let (_roster, client) = started().await;
    let request = SearchUsersRequest { page: Some(0), limit: Some(1_001), count: 9, ..within(" ", &["x"]) };
    let refusal = refused(search(&client, request).await);
    let mut fields = refusal.fields();
    fields.sort_unstable();
    assert_eq!(fields, ["count", "fields[0]", "limit", "page", "query"], "{refusal:?}");
    for token in ["x", "AAAA"] {
        let request = SearchUsersRequest { page_token: token.to_owned(), ..of("a") };
        assert_refused(search(&client, request).await, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
    }
}

/// What `id` gives for numbers with a 7 among the first thirty: three, and they stand apart.
fn sevens() -> Vec<String> {
    [27, 17, 7].map(id).into()
}

async fn pages(client: &Client, first: SearchUsersRequest) -> Vec<SearchUsersResponse> {
    let (mut pages, mut request) = (Vec::new(), first);
    loop {
        let page = search(client, request.clone()).await.unwrap();
        let token = page.next_page_token.clone();
        pages.push(page);
        if token.is_empty() {
            return pages;
        }
        request = SearchUsersRequest { page: None, page_token: token, ..request };
    }
}

#[tokio::test]
async fn those_who_match_come_in_the_order_of_lists_by_number_and_by_token() {
    let (roster, client) = pool(30).await;
    for limit in 1..=4 {
        let walked = pages(&client, SearchUsersRequest { limit: Some(limit), ..of("7") }).await;
        assert_eq!(walked.len(), 3_usize.div_ceil(usize::try_from(limit).unwrap()), "{limit}");
        let found: Vec<_> = walked.iter().flat_map(|page| ids(&page.users)).collect();
        assert_eq!(found, sevens(), "{limit}");
        assert!(walked.iter().all(|page| page.total_count == Some(3) && !page.total_is_capped), "{limit}");
    }
    for (page, left) in [(1, 3), (2, 2), (3, 1), (4, 0)] {
        let request = SearchUsersRequest { page: Some(page), limit: Some(1), ..of("7") };
        let walked = pages(&client, request).await;
        let found: Vec<_> = walked.iter().flat_map(|page| ids(&page.users)).collect();
        assert_eq!(found, sevens()[3 - left..], "{page}");
    }
    roster.clock.advance(Duration::from_secs(1));
    client.create(texts(&[("user_id", "a"), ("username", "77")])).await.unwrap();
    assert_eq!(ids(&search(&client, of("7")).await.unwrap().users)[0], "a");
}

#[tokio::test]
async fn matches_are_counted_as_lists_are() {
    let (_roster, client) = pool(30).await;
    for (count, expected) in [(CountMode::Unspecified, Some(30)), (CountMode::Exact, Some(30)), (CountMode::None, None)] {
        let request = SearchUsersRequest { count: count.into(), limit: Some(1), ..of("user") };
        let page = search(&client, request).await.unwrap();
        assert_eq!((page.total_count, page.total_is_capped), (expected, false), "{count:?}");
    }
    assert_eq!(
        search(&client, of("nobody")).await.unwrap(),
        SearchUsersResponse { total_count: Some(0), ..Default::default() }
    );
}

#[tokio::test]
async fn a_match_is_shown_as_asked_for() {
    let (_roster, client) = pool(2).await;
    let data = object([("k", 1.into())]);
    let change = UserDto { custom_data: Some(data.clone()), ..UserDto::default() };
    client.update(setting(&id(1), change)).await.unwrap();
    group(&client, "g", &[id(1)]).await;
    role(&client, "r", &[id(1)]).await;
    let silent = search(&client, of("000001")).await.unwrap().users.remove(0);
    assert_eq!((silent.custom_data.as_ref(), silent.group_codes.len(), silent.role_codes.len()), (None, 0, 0));
    let asking = SearchUsersRequest { with_custom_data: true, with_groups: true, with_roles: true, ..of("000001") };
    let shown = search(&client, asking.clone()).await.unwrap().users.remove(0);
    assert_eq!((shown.group_codes, shown.role_codes, shown.custom_data), (vec!["g".into()], vec!["r".into()], Some(data)));
    let flat = search(&client, SearchUsersRequest { flat_custom_data: true, ..asking }).await.unwrap().users.remove(0);
    assert_eq!((flat.custom_data, flat.flat_custom_data["k"].clone()), (None, 1.into()));
}

#[tokio::test]
async fn a_search_sees_what_was_just_written() {
    let (_roster, client) = nicknamed(&["before"]).await;
    client.update(setting("0", texts(&[("nickname", "after")]))).await.unwrap();
    assert!(find(&client, of("before")).await.is_empty());
    assert_eq!(find(&client, of("after")).await, ["0"]);
    client.delete("0").await.unwrap();
    assert!(find(&client, of("after")).await.is_empty());
}
