//! The values that operations are drawn from: few, so that they meet again and again, each spelling with what it is matched by.

/// Spellings of emails; without a key it is none.
pub(super) const EMAILS: &[(&str, Option<&str>)] = &[
    ("ann@example.com", Some("ann@example.com")),
    ("ANN@Example.COM", Some("ann@example.com")),
    (" \tann@example.com\u{3000}", Some("ann@example.com")),
    ("ａｎｎ＠ｅｘａｍｐｌｅ．ｃｏｍ", Some("ann@example.com")),
    ("ann@example.com.", Some("ann@example.com")),
    ("bob@example.com", Some("bob@example.com")),
    ("Bob@EXAMPLE.com", Some("bob@example.com")),
    ("jos\u{e9}@m\u{fc}nchen.de", Some("jos\u{e9}@xn--mnchen-3ya.de")),
    ("JOSE\u{301}@MU\u{308}NCHEN.de", Some("jos\u{e9}@xn--mnchen-3ya.de")),
    ("jose@xn--mnchen-3ya.de", Some("jose@xn--mnchen-3ya.de")),
    ("ann+news@example.com", Some("ann+news@example.com")),
    ("root@localhost", Some("root@localhost")),
    ("ann", None),
    ("", None),
    ("a@b@c.org", None),
    ("a b@c.org", None),
];

/// Usernames; the last ones cannot be stored.
pub(super) const USERNAMES: &[&str] =
    &["ann", "Ann", "ANN", "bob", "carol", "\u{c5}sa", "A\u{30a}sa", "\u{e5}sa", "王", "a b", "", "a\u{200b}b"];
pub(super) const STORABLE_USERNAMES: usize = 9;

/// External ids; the last ones cannot be stored.
pub(super) const EXTERNAL_IDS: &[&str] = &["10010", " 10010", "ext-2", "EXT-2", "ann", "", "a\tb"];
pub(super) const STORABLE_EXTERNAL_IDS: usize = 5;

/// User ids that callers choose; the last ones cannot be.
pub(super) const USER_IDS: &[&str] = &["u-1", "U-1", "auth0|2", "ann@example.com", "a b", "", "é"];
pub(super) const CHOOSABLE_USER_IDS: usize = 4;

/// Codes of groups and roles; the last ones cannot be stored.
pub(super) const CODES: &[&str] = &["admin", "Admin", "dev.ops", "a:b", "z_9", "a b", "", "é"];
pub(super) const STORABLE_CODES: usize = 5;

/// Phones as they are written.
pub(super) const PHONES: &[&str] = &[
    "18812348888",
    "188 1234-8888",
    "+8618812348888",
    "+86 (188) 1234.8888",
    "6502530000",
    "+1 (650) 253-0000",
    "07911123456",
    "7911123456",
    "+44 (0) 7911 123456",
    "110",
    "1-800-FLOWERS",
    "",
    "+",
];

/// Calling codes as they are written; the last ones are none.
pub(super) const CALLING_CODES: &[&str] = &["86", "+86", "1", "+1", "44", "+44", "086", "CN", ""];

/// Scopes of keys, from the strongest to the weakest; the last ones do not exist or are held by `*` alone.
pub(super) const SCOPES: &[&[&str]] = &[
    &["*"],
    &["users:write", "groups:write", "roles:write", "keys:manage"],
    &["keys:manage", "users:read", "groups:read", "users:read"],
    &["users:write"],
    &["users:read", "roles:read"],
    &["users:exists"],
    &[],
    &["users:fly"],
    &["users:verify", "events:read", "identities:tokens"],
];

/// Texts to search for; the last ones are none.
pub(super) const QUERIES: &[&str] = &[
    "ann",
    "ANN example",
    "bob",
    "o",
    "188",
    "+86188",
    "6502530000",
    "\u{e5}S",
    "王",
    "@",
    "nick 1",
    "%",
    "_",
    "*",
    "[a-z]",
    "界",
    "absent",
    "",
    "  ",
];

/// What can be searched; the last ones cannot.
pub(super) const SEARCHED: &[&str] = &[
    "username",
    "nickname",
    "email",
    "phone",
    "company",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "profile",
    "preferred_username",
    "city",
    "Email",
];
pub(super) const SEARCHABLE: usize = 11;

/// The email as it is stored, and what it is matched by.
pub(super) fn email(written: &str) -> Option<(String, String)> {
    let (_, key) = EMAILS.iter().find(|(spelling, _)| *spelling == written).unwrap_or_else(|| panic!("{written:?}"));
    key.map(|key| (written.trim().to_owned(), key.to_owned()))
}

/// What a username is stored as and matched by.
pub(super) fn username(written: &str) -> String {
    written.replace("A\u{30a}", "\u{c5}")
}

pub(super) fn is_storable(username: &str) -> bool {
    USERNAMES[..STORABLE_USERNAMES].contains(&username)
}

/// A phone number: its code with `+`, and its digits within the country.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Phone {
    pub(super) code: String,
    pub(super) national: String,
}

impl Phone {
    pub(super) fn key(&self) -> String {
        format!("{}{}", self.code, self.national)
    }
}

/// Which of the two fields of a phone number is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    Phone,
    Code,
}

/// Whether the characters are those of a phone number.
pub(super) fn looks_like_phone(written: &str) -> bool {
    !["1-800-FLOWERS", "", "+"].contains(&written)
}

/// A calling code with its `+`.
pub(super) fn calling_code(written: &str) -> Option<String> {
    let digits = written.strip_prefix('+').unwrap_or(written);
    ["86", "1", "44"].contains(&digits).then(|| format!("+{digits}"))
}

/// The number under a code that is known to be one, or under the default.
pub(super) fn phone(written: &str, code: Option<&str>) -> Result<Phone, Wrong> {
    if !looks_like_phone(written) {
        return Err(Wrong::Phone);
    }
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    let Some(international) = written.starts_with('+').then_some(&digits) else {
        return national(&digits, code.unwrap_or("+86"));
    };
    let own = ["+86", "+44", "+1"].into_iter().find(|own| international.starts_with(&own[1..])).ok_or(Wrong::Phone)?;
    if code.is_some_and(|code| code != own) {
        return Err(Wrong::Code);
    }
    national(&international[own.len() - 1..], own)
}

/// The digits within the country, if it has numbers of this length.
fn national(digits: &str, code: &str) -> Result<Phone, Wrong> {
    let (trunk, lengths): (_, &[usize]) = match code {
        "+86" => ("0", &[7, 8, 9, 10, 11, 12]),
        "+44" => ("0", &[7, 9, 10]),
        _ => ("1", &[10]),
    };
    let national = digits.strip_prefix(trunk).unwrap_or(digits);
    let good = lengths.contains(&national.len());
    let phone = || Phone { code: code.to_owned(), national: national.to_owned() };
    good.then(phone).ok_or(Wrong::Phone)
}
