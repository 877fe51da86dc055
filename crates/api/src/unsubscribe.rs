//! Links in mails by which an address is not sent mails of a group any more, without signing in (RFC 8058).
//!
//! A link says whose address it is, which one and of which group, by ids of ours alone, and is signed with HMAC-SHA256 (RFC 2104). It has no
//! end: it counts as long as the secret that its key is derived from is the current one or an accepted one.

use std::sync::OnceLock;

use aws_lc_rs::hmac;
use chassis::config::{Env, Profile};
use chassis::lasting::{DerivedKeys, LastingKeys};
use schemas::{About, UnsubscribeV1, Written};
use types::{ContactId, MailGroup, MailLanguage, Uuid, hash_of_hex, hex};
use variables::ServiceUrl;

use crate::base_url;
use crate::process_keys::ProcessKeys;

/// The command that a link becomes.
pub const KIND: &str = "notify.unsubscribe.command.v1";

static BASE: OnceLock<Option<ServiceUrl>> = OnceLock::new();
static KEYS: ProcessKeys = ProcessKeys::of(b"tributary unsubscribe link v1");

/// Reads `PUBLIC_BASE_URL`, under which people reach the bff: `https://api.example.com`. Absent, in the local profile:
/// `BFF_SERVICE_URL`; elsewhere mails have no link.
pub fn read_base(env: &mut Env) {
    BASE.get_or_init(|| base(env));
}

fn base(env: &mut Env) -> Option<ServiceUrl> {
    let base = base_url::read(
        env,
        ("PUBLIC_BASE_URL", "https://api.example.com"),
        ("BFF_SERVICE_URL", "http://127.0.0.1:8002"),
    );
    let is_open = |url: &ServiceUrl| !url.to_string().starts_with("https://");
    if !Profile::read(env).is_local() && base.as_ref().is_some_and(is_open) {
        let what = "must be https: mailbox providers send to nothing else";
        env.report("PUBLIC_BASE_URL", what, "https://api.example.com");
    }
    base
}

/// Derives the process's keys from secrets that notify and the bff have; the first call counts.
pub fn set_keys(keys: &LastingKeys) {
    KEYS.set(keys);
}

/// What a link ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsubscribe {
    /// Whose address.
    pub contact: ContactId,
    /// Which one.
    pub address: Uuid,
    /// Which mails: none that are obligatory.
    pub group: MailGroup,
}

impl Unsubscribe {
    /// The link, in the language of its mail; `None` where the bff's address is not known, or of mails that nobody may miss.
    pub fn url(&self, language: MailLanguage) -> Option<String> {
        let base = BASE.get()?.as_ref()?;
        let token = (!self.group.is_obligatory()).then(|| self.token())?;
        let language = language.name();
        Some(format!("{base}/unsubscribe/{token}?language={language}"))
    }

    /// What the link names: ids and a signature, of `a-z 0-9 . _` alone.
    pub fn token(&self) -> String {
        self.signed(KEYS.get())
    }

    /// What a link of ours names; `None` of anything else.
    pub fn read(token: &str) -> Option<Self> {
        Self::verified(token, KEYS.get())
    }

    /// As a command.
    pub fn command(&self) -> Written {
        let unsubscribe = UnsubscribeV1 {
            address_id: self.address.to_string(),
            group: self.group.name().to_owned(),
        };
        About::of(self.contact.clone(), unsubscribe).write()
    }

    fn signed(&self, keys: &DerivedKeys) -> String {
        let Self {
            contact,
            address,
            group,
        } = self;
        let named = format!("{contact}.{}.{}", address.simple(), group.name());
        let signature = hmac::sign(&keys.current, named.as_bytes());
        format!("{named}.{}", hex(signature.as_ref()))
    }

    fn verified(token: &str, keys: &DerivedKeys) -> Option<Self> {
        let (named, signature) = token.rsplit_once('.')?;
        let signature = hash_of_hex(signature)?;
        let is_ours = |key| hmac::verify(key, named.as_bytes(), &signature).is_ok();
        if !keys.all().any(is_ours) {
            return None;
        }
        let mut parts = named.split('.');
        let read = Self {
            contact: parts.next()?.parse().ok()?,
            address: parts.next()?.parse().ok()?,
            group: MailGroup::parse(parts.next()?)?,
        };
        parts.next().is_none().then_some(read)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use types::PartnerId;

    use super::*;

    fn keys(current: &str, accepted: &[&str]) -> DerivedKeys {
        let accepted = accepted.iter().map(|secret| SecretString::from(*secret));
        let keys = LastingKeys {
            current: SecretString::from(current),
            accepted: accepted.collect(),
        };
        keys.derive(b"test")
    }

    fn link(partner: &str, group: MailGroup) -> Unsubscribe {
        Unsubscribe {
            contact: ContactId::of_partner(&PartnerId::parse(partner).unwrap()),
            address: Uuid::from_u128(7),
            group,
        }
    }

    #[test]
    fn a_link_ends_what_it_was_made_for_and_nothing_else() {
        let keys = keys("ours", &[]);
        let own = link("partner1", MailGroup::Earnings);
        let token = own.signed(&keys);
        assert_eq!(Unsubscribe::verified(&token, &keys), Some(own));
        assert!(!token.contains("partner1"), "{token}");
        let (_, signature) = token.rsplit_once('.').unwrap();
        for other in [
            link("partner2", MailGroup::Earnings),
            link("partner1", MailGroup::Programme),
            link("partner1", MailGroup::Money),
        ] {
            let named = other.signed(&keys);
            let (named, _) = named.rsplit_once('.').unwrap();
            let forged = format!("{named}.{signature}");
            assert_eq!(Unsubscribe::verified(&forged, &keys), None, "{forged}");
        }
    }

    #[test]
    fn what_is_no_link_of_ours_is_none() {
        let ours = keys("ours", &[]);
        let token = link("partner1", MailGroup::Earnings).signed(&ours);
        let stranger = link("partner1", MailGroup::Earnings).signed(&keys("theirs", &[]));
        let (named, signature) = token.rsplit_once('.').unwrap();
        for wrong in [
            stranger.as_str(),
            "",
            ".",
            named,
            &format!("{named}."),
            &format!("{named}.{}", &signature[..62]),
            &format!("{named}.{}", "0".repeat(64)),
            &format!("{named}.{named}.{signature}"),
            &format!("{token}\r\n"),
            &"é".repeat(40_000),
        ] {
            assert_eq!(Unsubscribe::verified(wrong, &ours), None);
        }
    }

    #[test]
    fn a_link_outlives_a_change_of_the_lasting_secret_while_the_one_before_is_accepted() {
        let own = link("partner1", MailGroup::Programme);
        let token = own.signed(&keys("before", &[]));
        let changed = keys("after", &["before"]);
        assert_eq!(Unsubscribe::verified(&token, &changed), Some(own));
        assert_eq!(Unsubscribe::verified(&token, &keys("after", &[])), None);
    }

    #[test]
    fn links_lead_to_the_named_address_and_on_a_developers_machine_to_the_bff() {
        let (local, public, bff) = (
            ("TRIBUTARY_PROFILE", "local"),
            ("PUBLIC_BASE_URL", "https://api.example.com/"),
            ("BFF_SERVICE_URL", "http://127.0.0.1:8002"),
        );
        for (variables, expected) in [
            (vec![local, public, bff], Some("https://api.example.com")),
            (vec![local, bff], Some("http://127.0.0.1:8002")),
            (vec![public, bff], Some("https://api.example.com")),
            (vec![bff], None),
        ] {
            let mut env = Env::from_map(variables);
            let base = base(&mut env).map(|url| url.to_string());
            assert_eq!(base.as_deref(), expected);
            assert!(env.finish().is_ok());
        }
        let mut env = Env::from_map([("PUBLIC_BASE_URL", "http://api.example.com")]);
        base(&mut env);
        let error = env.finish().unwrap_err().to_string();
        assert!(error.contains("must be https"), "{error}");
    }
}
