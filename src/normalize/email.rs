//! Email addresses: stored as written, matched by a form that folds what mail systems or eyes do not tell apart.

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;

use super::{INVISIBLE, is_invisible};
use crate::limits;
use crate::validate::text;

/// ASCII that no host name has. The underscore is let through: public mail domains have none, but private ones do.
const NOT_IN_A_DOMAIN: AsciiDenyList = AsciiDenyList::new(true, "!\"#$%&'()*+,/:;<=>?@[\\]^`{|}~");

/// An email address in its two forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// As given, without the white space around it: what answers show.
    pub stored: String,
    /// What it is unique and matched by. It is an address itself, with itself as key.
    pub key: String,
}

impl Email {
    /// Reads an address, for a write or a lookup.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence.
    pub fn parse(written: &str) -> Result<Self, String> {
        let stored = written.trim();
        text::at_most(stored, limits::EMAIL_CHARACTERS)?;
        text::printable(stored, false)?;
        // Folded before it is split: a full-width ＠ is an @.
        let folded: String = stored.nfkc().collect();
        let Some((local, domain)) = folded.split_once('@').filter(|(_, domain)| !domain.contains('@')) else {
            return Err("must contain exactly one @".to_owned());
        };
        if local.is_empty() || domain.is_empty() {
            return Err("must have text on both sides of the @".to_owned());
        }
        let key = format!("{}@{}", local_key(local)?, domain_key(domain)?);
        // One character can fold to many. A key over the limit would not be an address, and none that mail reaches has one.
        if text::at_most(&key, limits::EMAIL_CHARACTERS).is_err() {
            return Err(format!("must have at most {} characters in the form it is matched by", limits::EMAIL_CHARACTERS));
        }
        Ok(Self { stored: stored.to_owned(), key })
    }
}

/// The part before the @. Dots and plus tags stay: whether they matter is for its mail server to say.
fn local_key(folded: &str) -> Result<String, String> {
    let key: String = folded.to_lowercase().nfkc().collect();
    if key.chars().any(is_invisible) {
        return Err(format!("{INVISIBLE} before the @"));
    }
    Ok(key)
}

/// The part after the @, in ASCII as DNS has it.
///
/// It comes here before it is lower-cased: UTS-46 does that itself, and for a capital sigma at the end of a word not as
/// [`str::to_lowercase`] does. The key has to name the domain that mail goes to.
fn domain_key(folded: &str) -> Result<String, String> {
    let ascii = Uts46::new()
        .to_ascii(folded.as_bytes(), NOT_IN_A_DOMAIN, Hyphens::CheckFirstLast, DnsLength::VerifyAllowRootDot)
        .map_err(|_| "must have a domain after the @".to_owned())?;
    Ok(ascii.strip_suffix('.').unwrap_or(&ascii).to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn key(written: &str) -> String {
        Email::parse(written).unwrap_or_else(|wrong| panic!("{written:?} {wrong}")).key
    }

    #[test]
    fn is_stored_as_given_but_for_the_space_around_it() {
        for written in ["Bob.Smith+News@Example.COM", "root@localhost", "ＢＯＢ＠ｅｘａｍｐｌｅ。ｃｏｍ", "José@münchen.de."]
        {
            let email = Email::parse(&format!(" \t\u{3000}{written}\u{a0}\n")).unwrap();
            assert_eq!(email.stored, written);
        }
    }

    #[test]
    fn ways_to_write_an_address_are_one() {
        for (written, expected) in [
            ("Bob.Smith+News@Example.COM", "bob.smith+news@example.com"),
            ("root@localhost", "root@localhost"),
            ("a@b.com.", "a@b.com"),
            ("a@b。com｡", "a@b.com"),
            ("ＢＯＢ＠ｅｘａｍｐｌｅ．ｃｏｍ", "bob@example.com"),
            ("bob﹫example.com", "bob@example.com"),
            ("a@MÜNCHEN.de", "a@xn--mnchen-3ya.de"),
            ("a@mu\u{308}nchen.de", "a@xn--mnchen-3ya.de"),
            ("a@XN--Mnchen-3YA.de", "a@xn--mnchen-3ya.de"),
            ("a@straße.de", "a@xn--strae-oqa.de"),
            ("a@ex\u{ad}ample.com", "a@example.com"),
            ("a@例え.テスト", "a@xn--r8jz45g.xn--zckzah"),
            ("a@my_host.corp", "a@my_host.corp"),
            ("straße@x.de", "straße@x.de"),
            ("\u{212a}elvin@x.org", "kelvin@x.org"),
            ("A\u{30a}@x.org", "\u{e5}@x.org"),
            ("\u{212b}@x.org", "\u{e5}@x.org"),
            ("\u{c5}@x.org", "\u{e5}@x.org"),
            ("oﬃce@x.org", "office@x.org"),
            ("\u{130}@x.org", "i\u{307}@x.org"),
            ("\u{1112}\u{1161}\u{11ab}@x.org", "한@x.org"),
            ("ΟΔΟΣ@x.org", "οδος@x.org"),
            ("!#$%&'*/=?^_`{|}~-@x.org", "!#$%&'*/=?^_`{|}~-@x.org"),
        ] {
            assert_eq!(key(written), expected, "{written}");
        }
    }

    #[test]
    fn dots_plus_tags_and_sharp_s_tell_addresses_apart() {
        let local = ["bobsmith", "bob.smith", "bob+a", "bob", "straße", "strasse"];
        let all = local.map(|local| format!("{local}@x.org"));
        let keys: BTreeSet<String> = all.iter().map(|written| key(written)).collect();
        assert_eq!(keys.len(), all.len());
    }

    #[test]
    fn a_capital_sigma_names_the_domain_that_dns_does() {
        assert_eq!(key("a@ΒΟΛΟΣ.com"), key("a@βολοσ.com"));
        assert_ne!(key("a@ΒΟΛΟΣ.com"), key("a@βολος.com"));
    }

    #[test]
    fn the_key_of_a_key_is_itself() {
        // Where letters with case and characters that fold are, in a word and at its end; then some that change with what is
        // beside them.
        let blocks = ['\0'..='\u{2fff}', '\u{a640}'..='\u{abff}', '\u{f900}'..='\u{ffff}', '\u{1d400}'..='\u{1f2ff}'];
        let single =
            blocks.into_iter().flatten().flat_map(|character| [format!("a{character}@x.org"), format!("a@{character}b.org")]);
        let nasty = [
            "Σ",
            "aΣ",
            "aΣ\u{301}",
            "aΣ.Σb",
            "I\u{307}\u{323}",
            "\u{1f88}\u{345}",
            "ᾼ",
            "ẞ",
            "ŉ",
            "ǰ",
            "\u{344}",
            "\u{3a9}\u{342}",
        ];
        let nasty = nasty.into_iter().map(|local| format!("{local}@{local}.org"));
        let mut read = 0;
        for email in single.chain(nasty).filter_map(|written| Email::parse(&written).ok()) {
            assert_eq!(Email::parse(&email.key), Ok(Email { stored: email.key.clone(), key: email.key }), "{}", email.stored);
            read += 1;
        }
        assert!(read > 20_000, "{read}");
    }

    #[test]
    fn exactly_one_at_has_text_around_it() {
        for written in ["", " ", "bob", "@", "@x.org", "bob@", "a@b@c", "a@b＠c", "\"a@b\"@x.org"] {
            assert!(Email::parse(written).is_err(), "{written:?}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_refused() {
        let inside =
            [' ', '\t', '\0', '\u{7f}', '\u{a0}', '\u{ad}', '\u{200b}', '\u{200d}', '\u{202e}', '\u{2028}', '\u{feff}'];
        // The last folds to a space and a combining mark.
        for character in inside.into_iter().chain(['\u{a8}']) {
            assert!(Email::parse(&format!("a{character}b@x.org")).is_err(), "{character:?}");
        }
        assert!(Email::parse("a@x\u{202e}.org").is_err());
    }

    #[test]
    fn domains_are_names() {
        let ascii = ". x..org .x.org x.org.. -x.org x-.org x/y x,org [127.0.0.1] [IPv6:::1] x:25 xn--a";
        for domain in ascii.split(' ').chain(["x y.org", "a\u{a8}b"]) {
            assert!(Email::parse(&format!("a@{domain}")).is_err(), "{domain:?}");
        }
        assert!(Email::parse(&format!("a@{}.org", "x".repeat(63))).is_ok());
        assert!(Email::parse(&format!("a@{}.org", "x".repeat(64))).is_err());
    }

    #[test]
    fn both_forms_have_the_length_of_an_address() {
        assert!(Email::parse(&format!(" {}@x.org ", "x".repeat(248))).is_ok());
        assert!(Email::parse(&format!("{}@x.org", "x".repeat(249))).is_err());
        assert!(Email::parse(&format!("{}@x.org", "界".repeat(248))).is_ok());
        assert!(Email::parse(&format!("{}@x.org", "ﬃ".repeat(248))).is_err());
    }
}
