//! What payment keeps, encrypted.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use secrecy::{ExposeSecret, SecretString};

use crate::SealError;

const PURPOSE: &[u8] = b"tributary payment data v1";
const ID_PURPOSE: &[u8] = b"tributary payment data key id v1";
const KEY_BYTES: usize = 32;
const ID_BYTES: usize = 8;

/// The key under which payment keeps payment details and the private halves of its sealing keys.
pub struct DataKey {
    id: [u8; ID_BYTES],
    key: RandomizedNonceKey,
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl DataKey {
    /// Derives it (HKDF-SHA256) from a secret of at least 32 random bytes in any text form.
    pub fn derive(secret: &SecretString) -> Result<Self, SealError> {
        let root = Salt::new(HKDF_SHA256, &[]).extract(secret.expose_secret().as_bytes());
        let derive = |purpose: &[u8], bytes: &mut [u8]| {
            let purpose = [purpose];
            root.expand(&purpose, Length(bytes.len()))
                .and_then(|derived| derived.fill(bytes))
                .map_err(|_| SealError)
        };
        let (mut key, mut id) = ([0; KEY_BYTES], [0; ID_BYTES]);
        derive(PURPOSE, &mut key)?;
        derive(ID_PURPOSE, &mut id)?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &key).map_err(|_| SealError)?;
        Ok(Self { id, key })
    }

    /// Names the key, and gives nothing of it away.
    pub fn id(&self) -> &[u8] {
        &self.id
    }

    /// Encrypts, bound to what it belongs to: the nonce, the ciphertext, the tag.
    pub fn encrypt(&self, belongs_to: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut encrypted = plain.to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(belongs_to.as_bytes()), &mut encrypted)
            .map_err(|_| SealError)?;
        let mut out = nonce.as_ref().to_vec();
        out.append(&mut encrypted);
        Ok(out)
    }

    /// Decrypts what was encrypted for the same thing.
    pub fn decrypt(&self, belongs_to: &str, encrypted: &[u8]) -> Result<Vec<u8>, SealError> {
        let (nonce, ciphertext) = encrypted.split_at_checked(NONCE_LEN).ok_or(SealError)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError)?;
        let mut plain = ciphertext.to_vec();
        let length = self
            .key
            .open_in_place(nonce, Aad::from(belongs_to.as_bytes()), &mut plain)
            .map_err(|_| SealError)?
            .len();
        plain.truncate(length);
        Ok(plain)
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(..)")
    }
}

/// The data keys while one is changed: one encrypts, each decrypts what it encrypted.
#[derive(Debug)]
pub struct DataKeys {
    current: DataKey,
    accepted: Vec<DataKey>,
}

impl DataKeys {
    /// Derives them from their secrets.
    pub fn derive(current: &SecretString, accepted: &[SecretString]) -> Result<Self, SealError> {
        let accepted: Result<_, _> = accepted.iter().map(DataKey::derive).collect();
        Ok(Self {
            current: DataKey::derive(current)?,
            accepted: accepted?,
        })
    }

    /// The one that encrypts.
    pub fn current(&self) -> &DataKey {
        &self.current
    }

    /// Whether a key is being changed.
    pub fn is_changing(&self) -> bool {
        !self.accepted.is_empty()
    }

    /// Decrypts what the key of that id encrypted; without an id, what any of them did.
    pub fn decrypt(
        &self,
        key: Option<&[u8]>,
        belongs_to: &str,
        encrypted: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let all = std::iter::once(&self.current).chain(&self.accepted);
        all.filter(|one| key.is_none_or(|id| id == one.id()))
            .find_map(|one| one.decrypt(belongs_to, encrypted).ok())
            .ok_or(SealError)
    }
}

impl From<DataKey> for DataKeys {
    fn from(current: DataKey) -> Self {
        Self {
            current,
            accepted: Vec::new(),
        }
    }
}
