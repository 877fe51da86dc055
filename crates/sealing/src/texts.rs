//! Texts of people in events: addresses of files, terms, names. Everybody may follow events; only our services, which all have
//! the lasting secret, can read these.
//!
//! AES-256-GCM-SIV under a key derived (HKDF-SHA256) from that secret, bound to what the text is of. The nonce follows from that
//! too, so the same text of the same thing is the same bytes, whoever seals it: a decision stays a function of what it is given,
//! and that it was given twice is all that equal bytes say.

use std::sync::{LazyLock, OnceLock};

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use secrecy::{ExposeSecret, SecretString};
use types::{
    BrandId, CampaignId, ContactId, EnrollmentId, EvidenceId, GroupId, MailTemplateId, PartnerId,
    Uuid,
};

use crate::SealError;

/// Keeps this use of the secret apart from every other.
const PURPOSE: &[&[u8]] = &[b"tributary texts v1"];

/// The current one first, which seals; each opens.
struct Keys(Vec<LessSafeKey>);

static KEYS: OnceLock<Keys> = OnceLock::new();
/// Before keys are set: one that ends with the process, so that nothing is ever sealed to a key that others could make.
static WITHOUT_KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let random = format!("{}{}", Uuid::new_v4(), Uuid::new_v4());
    Keys::derive(&SecretString::from(random), &[])
});

/// Derives the process's keys from secrets that all services have; the first call counts.
pub fn set_keys(current: &SecretString, accepted: &[SecretString]) {
    let _ = KEYS.set(Keys::derive(current, accepted));
}

fn keys() -> &'static Keys {
    KEYS.get().unwrap_or_else(|| &WITHOUT_KEYS)
}

/// Whose text the address of a file is.
pub fn of_evidence(evidence: &EvidenceId) -> String {
    format!("evidence/{evidence}")
}

/// Whose text the client's notes beside evidence are.
pub fn of_evidences_notes(evidence: &EvidenceId) -> String {
    format!("evidence/{evidence}/notes")
}

/// Whose text the client's notes beside an acceptance are.
pub fn of_acceptances_notes(enrollment: &EnrollmentId) -> String {
    format!("enrollment/{enrollment}/notes")
}

/// Whose text the terms of a campaign are, in whatever version.
pub fn of_terms(campaign: &CampaignId) -> String {
    format!("terms/{campaign}")
}

/// Whose text the name of a partner is.
pub fn of_partners_name(partner: &PartnerId) -> String {
    format!("partner/{partner}/name")
}

/// Whose text the website of a partner is.
pub fn of_partners_website(partner: &PartnerId) -> String {
    format!("partner/{partner}/website")
}

/// Whose text the name of a brand is.
pub fn of_brands_name(brand: &BrandId) -> String {
    format!("brand/{brand}/name")
}

/// Whose text the name of a group is.
pub fn of_groups_name(group: &GroupId) -> String {
    format!("group/{group}/name")
}

/// Whose text the mail addresses of a brand or a partner are.
pub fn of_mail_addresses(contact: &ContactId) -> String {
    format!("contact/{contact}/addresses")
}

/// Whose text the numbers of a brand or a partner are.
pub fn of_phone_numbers(contact: &ContactId) -> String {
    format!("contact/{contact}/numbers")
}

/// Whose text a brand's own subject of a kind of mail is.
pub fn of_mail_subjects(template: &MailTemplateId) -> String {
    format!("mail-template/{template}/subject")
}

/// Whose text a brand's own text of a kind of mail is.
pub fn of_mail_texts(template: &MailTemplateId) -> String {
    format!("mail-template/{template}/text")
}

/// Whose text the name of who looks after a brand's partners is.
pub fn of_managers_name(brand: &BrandId) -> String {
    format!("brand/{brand}/manager/name")
}

/// Whose text the mail address of who looks after a brand's partners is.
pub fn of_managers_mail(brand: &BrandId) -> String {
    format!("brand/{brand}/manager/mail")
}

/// Seals a text of this thing.
pub fn seal(belongs_to: &str, text: &str) -> Vec<u8> {
    keys().seal(belongs_to, text)
}

/// The text of this thing as each key of ours seals it, the current one first: what an accepted one sealed is known by its bytes.
pub fn seal_each(belongs_to: &str, text: &str) -> impl Iterator<Item = Vec<u8>> {
    keys().seal_each(belongs_to, text)
}

/// The text of this thing; `None` when it is no text that a key of ours sealed for it.
pub fn open(belongs_to: &str, sealed: &[u8]) -> Option<String> {
    keys().open(belongs_to, sealed)
}

impl Keys {
    fn derive(current: &SecretString, accepted: &[SecretString]) -> Self {
        let all = std::iter::once(current).chain(accepted);
        Self(all.filter_map(|secret| key(secret).ok()).collect())
    }

    fn seal(&self, belongs_to: &str, text: &str) -> Vec<u8> {
        self.seal_each(belongs_to, text).next().unwrap_or_default()
    }

    fn seal_each(&self, belongs_to: &str, text: &str) -> impl Iterator<Item = Vec<u8>> {
        // None can fail: each key is of its length, and texts are far shorter than the cipher takes.
        let keys = self.0.iter();
        keys.filter_map(move |key| seal_with(key, belongs_to, text))
    }

    fn open(&self, belongs_to: &str, sealed: &[u8]) -> Option<String> {
        self.0
            .iter()
            .find_map(|key| open_with(key, belongs_to, sealed))
    }
}

pub(crate) fn seal_with(key: &LessSafeKey, belongs_to: &str, text: &str) -> Option<Vec<u8>> {
    let mut sealed = text.as_bytes().to_vec();
    let aad = Aad::from(belongs_to.as_bytes());
    let nonce = nonce(belongs_to).ok()?;
    key.seal_in_place_append_tag(nonce, aad, &mut sealed).ok()?;
    Some(sealed)
}

pub(crate) fn open_with(key: &LessSafeKey, belongs_to: &str, sealed: &[u8]) -> Option<String> {
    let mut text = sealed.to_vec();
    let aad = Aad::from(belongs_to.as_bytes());
    let opened = key.open_in_place(nonce(belongs_to).ok()?, aad, &mut text);
    let length = opened.ok()?.len();
    text.truncate(length);
    String::from_utf8(text).ok()
}

fn key(secret: &SecretString) -> Result<LessSafeKey, SealError> {
    let root = Salt::new(HKDF_SHA256, &[]).extract(secret.expose_secret().as_bytes());
    let derived = root.expand(PURPOSE, &AES_256_GCM_SIV);
    let key = derived.map(UnboundKey::from).map_err(|_| SealError)?;
    Ok(LessSafeKey::new(key))
}

fn nonce(belongs_to: &str) -> Result<Nonce, SealError> {
    let hash = digest(&SHA256, belongs_to.as_bytes());
    let start = hash.as_ref().get(..NONCE_LEN).ok_or(SealError)?;
    Nonce::try_assume_unique_for_key(start).map_err(|_| SealError)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys_of(current: &str, accepted: &[&str]) -> Keys {
        let accepted: Vec<_> = accepted
            .iter()
            .map(|one| SecretString::from(*one))
            .collect();
        Keys::derive(&SecretString::from(current), &accepted)
    }

    #[test]
    fn what_was_sealed_is_read_under_the_same_secret_for_the_same_thing_and_nowhere_else() {
        let keys = keys_of("one", &[]);
        let sealed = keys.seal("evidence/evd_1", "https://example.com/é.jpg");
        let open = |keys: &Keys, of: &str| keys.open(of, &sealed);
        assert_eq!(
            open(&keys, "evidence/evd_1").as_deref(),
            Some("https://example.com/é.jpg")
        );
        assert_eq!(open(&keys, "evidence/evd_2"), None);
        assert_eq!(open(&keys_of("another", &[]), "evidence/evd_1"), None);
        assert!(open(&keys_of("another", &["one"]), "evidence/evd_1").is_some());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(keys.open("evidence/evd_1", &changed), None);
            assert_eq!(keys.open("evidence/evd_1", &sealed[..at]), None);
        }
    }

    #[test]
    fn the_same_text_of_the_same_thing_is_the_same_bytes_and_of_another_thing_others() {
        let keys = keys_of("one", &[]);
        let text = "https://example.com/photo.jpg";
        let sealed = keys.seal("evidence/evd_1", text);
        assert_eq!(
            sealed,
            keys_of("one", &["old"]).seal("evidence/evd_1", text)
        );
        let later = keys_of("next", &["one"]);
        let each: Vec<_> = later.seal_each("evidence/evd_1", text).collect();
        assert_eq!(each, [later.seal("evidence/evd_1", text), sealed.clone()]);
        assert_ne!(sealed, keys.seal("evidence/evd_2", text));
        assert_eq!(sealed.len(), text.len() + 16);
        let contained = sealed.windows(7).any(|part| part == b"example");
        assert!(!contained);
    }

    #[test]
    fn before_keys_are_set_a_text_is_sealed_all_the_same() {
        let sealed = seal("terms/camp1/1", "Be honest.");
        assert_eq!(
            open("terms/camp1/1", &sealed).as_deref(),
            Some("Be honest.")
        );
    }
}
