//! Accounts at identity providers as ids name them: `<ext_idp_id>:<user_id_in_idp>` and `<provider>:<user_id_in_idp>`, where the
//! first colon parts the two. The ids are the providers', and stay exactly as given.

use crate::limits;
use crate::proto::IdentityProvider;
use crate::validate::{quote, text};

/// What the name of a provider begins with on the wire.
const PREFIX: &str = "IDENTITY_PROVIDER_";

/// The two parts of an id: where the account is, and its id there.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub fn split(written: &str) -> Result<(&str, &str), String> {
    let parts = written.split_once(':').filter(|(place, id)| !place.is_empty() && !id.is_empty());
    let (place, id) = parts.ok_or("must have a colon with text on either side")?;
    for part in [place, id] {
        text::at_most(part, limits::ID_CHARACTERS).map_err(|problem| format!("{problem} on either side of its first colon"))?;
    }
    Ok((place, id))
}

/// The provider of this name. Seed 003 spells all of its names as the enum does, in lower case and with `-` for `_`.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub fn provider(name: &str) -> Result<IdentityProvider, String> {
    let known = IdentityProvider::from_str_name(&format!("{PREFIX}{}", name.to_ascii_uppercase().replace('-', "_")));
    let known = known.filter(|known| *known != IdentityProvider::Unspecified && spelled(*known) == name);
    known.ok_or_else(|| {
        format!("names the provider {}, which there is not; it is spelled as in `lark` and `azure-ad`", quote(name))
    })
}

fn spelled(provider: IdentityProvider) -> String {
    provider.as_str_name().trim_start_matches(PREFIX).to_ascii_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As seed 003 spells them.
    const SEED: &str = "wechat qq wechatwork dingtalk weibo github alipay baidu lark welink yidun qingcloud google gitlab gitee \
                        twitter facebook slack linkedin instagram oidc oauth2 saml ldap ad cas azure-ad";

    #[test]
    fn the_seed_s_providers_are_known_by_its_names_and_order() {
        let numbers: Vec<_> = SEED.split(' ').map(|name| provider(name).map(i32::from)).collect();
        assert_eq!(numbers, (1..=27).map(Ok).collect::<Vec<_>>());
    }

    #[test]
    fn every_provider_is_known_by_one_name() {
        let all: Vec<_> = (1..).map_while(|number| IdentityProvider::try_from(number).ok()).collect();
        assert_eq!(all.len(), 38);
        for known in all {
            assert_eq!(provider(&spelled(known)), Ok(known));
        }
        for name in ["", "Lark", "LARK", "azure_ad", "unspecified", "nobody", "IDENTITY_PROVIDER_LARK", " lark"] {
            assert!(provider(name).is_err(), "{name}");
        }
    }

    #[test]
    fn the_first_colon_parts_an_id() {
        assert_eq!(split("a:b"), Ok(("a", "b")));
        assert_eq!(split("a:b:c:"), Ok(("a", "b:c:")));
        let long = "界".repeat(256);
        assert_eq!(split(&format!("{long}:{long}")), Ok((long.as_str(), long.as_str())));
        for written in ["", ":", "a", "a:", ":b", &format!("{long}x:b"), &format!("a:{long}x")] {
            assert!(split(written).is_err(), "{written}");
        }
    }
}
