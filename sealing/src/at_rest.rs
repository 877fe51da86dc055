//! What payment keeps, encrypted.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use secrecy::{ExposeSecret, SecretString};

use crate::SealError;

const PURPOSE: &[u8] = b"tributary payment data v1";
const KEY_BYTES: usize = 32;

/// The key under which payment keeps payment details and the private halves of its sealing keys.
pub struct DataKey(RandomizedNonceKey);

struct KeyLength;

impl KeyType for KeyLength {
    fn len(&self) -> usize {
        KEY_BYTES
    }
}

impl DataKey {
    /// Derives it (HKDF-SHA256) from a secret of at least 32 random bytes in any text form.
    pub fn derive(secret: &SecretString) -> Result<Self, SealError> {
        let root = Salt::new(HKDF_SHA256, &[]).extract(secret.expose_secret().as_bytes());
        let mut key = [0; KEY_BYTES];
        root.expand(&[PURPOSE], KeyLength)
            .and_then(|derived| derived.fill(&mut key))
            .map_err(|_| SealError)?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &key).map_err(|_| SealError)?;
        Ok(Self(key))
    }

    /// Encrypts, bound to what it belongs to: the nonce, the ciphertext, the tag.
    pub fn encrypt(&self, belongs_to: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut encrypted = plain.to_vec();
        let nonce = self
            .0
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
            .0
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
