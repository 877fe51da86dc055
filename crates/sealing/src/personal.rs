//! Texts that are erased with whom they are of: sealed under a key of that person's own, so that whoever deletes the key has
//! deleted them in every log, topic and archive.
//!
//! AES-256-GCM-SIV, bound to what the text is of ([`crate::texts`]). The key is random and its id stands before what it sealed;
//! what was sealed under the lasting secret, before there were such keys, has no id and is opened by that.

use std::collections::HashMap;
use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, LessSafeKey, UnboundKey};
use aws_lc_rs::rand;
use types::Uuid;

use crate::{SealError, texts};

/// What a text sealed under a personal key begins with; its key's id follows.
const MARK: &[u8; 4] = b"trp1";
/// The longest text that is sealed, in bytes.
const MAX_TEXT_BYTES: usize = 8 * 1024;
/// The longest sealed text, in bytes.
pub const MAX_SEALED_BYTES: usize = MAX_TEXT_BYTES + MARK.len() + 16 + 16;

/// A person's key.
#[derive(Clone)]
pub struct PersonalKey {
    id: Uuid,
    secret: [u8; 32],
}

impl fmt::Debug for PersonalKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PersonalKey({})", self.id)
    }
}

impl PersonalKey {
    /// A new one.
    ///
    /// # Errors
    ///
    /// When the operating system has no random bytes.
    pub fn random() -> Result<Self, SealError> {
        let mut secret = [0; 32];
        rand::fill(&mut secret).map_err(|_| SealError)?;
        let id = Uuid::new_v4();
        Ok(Self { id, secret })
    }

    /// Which it is.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// As it is kept: sealed under the lasting secret.
    pub fn kept(&self) -> Vec<u8> {
        texts::seal(&of_key(self.id), &types::hex(&self.secret))
    }

    /// The key of this id, of how it was kept; `None` when its lasting secret is accepted no more.
    pub fn of_kept(id: Uuid, kept: &[u8]) -> Option<Self> {
        let secret = types::hash_of_hex(&texts::open(&of_key(id), kept)?)?;
        Some(Self { id, secret })
    }

    /// Seals a text of this thing, which is of this person.
    pub fn seal(&self, belongs_to: &str, text: &str) -> Vec<u8> {
        let mut sealed = [MARK.as_slice(), self.id.as_bytes()].concat();
        let body = self
            .cipher()
            .and_then(|cipher| texts::seal_with(&cipher, belongs_to, text));
        // Neither can fail: the key is of its length, and texts are far shorter than the cipher takes.
        sealed.extend(body.unwrap_or_default());
        sealed
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        let key = UnboundKey::new(&AES_256_GCM_SIV, &self.secret).ok()?;
        Some(LessSafeKey::new(key))
    }
}

fn of_key(id: Uuid) -> String {
    format!("personal-key/{id}")
}

/// Under which personal key it was sealed; `None` of what was sealed under the lasting secret.
pub fn key_of(sealed: &[u8]) -> Option<Uuid> {
    let id = sealed.strip_prefix(MARK)?.get(..16)?;
    Uuid::from_slice(id).ok()
}

/// Keys by which texts are opened.
#[derive(Debug, Default)]
pub struct PersonalKeys(HashMap<Uuid, PersonalKey>);

impl FromIterator<PersonalKey> for PersonalKeys {
    fn from_iter<I: IntoIterator<Item = PersonalKey>>(keys: I) -> Self {
        Self(keys.into_iter().map(|key| (key.id, key)).collect())
    }
}

impl Extend<PersonalKey> for PersonalKeys {
    fn extend<I: IntoIterator<Item = PersonalKey>>(&mut self, keys: I) {
        self.0.extend(keys.into_iter().map(|key| (key.id, key)));
    }
}

impl PersonalKeys {
    /// Whether it is among them.
    pub fn has(&self, id: Uuid) -> bool {
        self.0.contains_key(&id)
    }

    /// The text of this thing; `None` when its person was erased, or it is no text of this thing.
    pub fn open(&self, belongs_to: &str, sealed: &[u8]) -> Option<String> {
        let opened = key_of(sealed).and_then(|id| {
            let body = sealed.get(MARK.len() + 16..)?;
            texts::open_with(&self.0.get(&id)?.cipher()?, belongs_to, body)
        });
        opened.or_else(|| texts::open(belongs_to, sealed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_with_its_persons_key_for_the_same_thing_and_nowhere_else() {
        let key = PersonalKey::random().unwrap();
        let sealed = key.seal("partner/p1/name", "Ada Lovelace");
        assert_eq!(key_of(&sealed), Some(key.id()));
        let keys = PersonalKeys::from_iter([key.clone()]);
        let read = keys.open("partner/p1/name", &sealed);
        assert_eq!(read.as_deref(), Some("Ada Lovelace"));
        assert_eq!(keys.open("partner/p2/name", &sealed), None);
        assert_eq!(
            PersonalKeys::default().open("partner/p1/name", &sealed),
            None
        );
        let another = PersonalKey {
            id: key.id(),
            ..PersonalKey::random().unwrap()
        };
        let others = PersonalKeys::from_iter([another]);
        assert_eq!(others.open("partner/p1/name", &sealed), None);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(keys.open("partner/p1/name", &changed), None);
            assert_eq!(keys.open("partner/p1/name", &sealed[..at]), None);
        }
        assert!(!sealed.windows(3).any(|part| part == b"Ada"));
    }

    #[test]
    fn a_key_is_kept_sealed_and_is_the_same_when_it_is_read_again() {
        let key = PersonalKey::random().unwrap();
        let kept = key.kept();
        assert!(!kept.windows(32).any(|part| part == key.secret));
        let again = PersonalKey::of_kept(key.id(), &kept).unwrap();
        assert_eq!(again.seal("a", "text"), key.seal("a", "text"));
        assert!(PersonalKey::of_kept(Uuid::new_v4(), &kept).is_none());
    }

    #[test]
    fn what_was_sealed_before_there_were_personal_keys_is_read_as_ever() {
        let sealed = texts::seal("partner/p1/name", "Ada Lovelace");
        assert_eq!(key_of(&sealed), None);
        let read = PersonalKeys::default().open("partner/p1/name", &sealed);
        assert_eq!(read.as_deref(), Some("Ada Lovelace"));
    }
}
