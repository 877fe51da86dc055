//! HPKE, base mode: anyone may seal to the public key, one can open.

use std::fmt;

use rustls::crypto::aws_lc_rs::hpke::DH_KEM_X25519_HKDF_SHA256_AES_128;
use rustls::crypto::hpke::{EncapsulatedSecret, Hpke, HpkePrivateKey, HpkePublicKey};

use crate::{Details, SealError};

/// Keeps this use of a key apart from any other.
const INFO: &[u8] = b"tributary payment details v1";
const ENCAPSULATED_BYTES: usize = 32;
const PUBLIC_BYTES: usize = 32;
const SEPARATOR: u8 = 0x1f;

/// What details are sealed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// Names the key; goes with what was sealed to it.
    pub id: String,
    bytes: Vec<u8>,
}

impl PublicKey {
    /// A key by its 32 bytes.
    pub fn new(id: impl Into<String>, bytes: &[u8]) -> Result<Self, SealError> {
        if bytes.len() != PUBLIC_BYTES {
            return Err(SealError);
        }
        Ok(Self {
            id: id.into(),
            bytes: bytes.to_vec(),
        })
    }

    /// The 32 bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// What opens them. Debug output hides it; it is wiped when dropped.
pub struct PrivateKey(HpkePrivateKey);

impl PrivateKey {
    /// A key by its bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(HpkePrivateKey::from(bytes))
    }

    /// The bytes, only to be encrypted.
    pub fn expose(&self) -> &[u8] {
        self.0.secret_bytes()
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

/// Both halves of a key.
#[derive(Debug)]
pub struct KeyPair {
    /// The 32 bytes to publish.
    pub public: Vec<u8>,
    /// The half to keep.
    pub private: PrivateKey,
}

impl KeyPair {
    /// A new key.
    pub fn generate() -> Result<Self, SealError> {
        let (public, private) = DH_KEM_X25519_HKDF_SHA256_AES_128
            .generate_key_pair()
            .map_err(|_| SealError)?;
        Ok(Self {
            public: public.0,
            private: PrivateKey(private),
        })
    }
}

/// Seals a partner's details: the encapsulated secret and the ciphertext behind it.
pub fn seal(key: &PublicKey, partner: &str, details: &Details) -> Result<Vec<u8>, SealError> {
    let public = HpkePublicKey(key.bytes.clone());
    let aad = bound_to(&key.id, partner);
    let (secret, ciphertext) = DH_KEM_X25519_HKDF_SHA256_AES_128
        .seal(INFO, &aad, &details.to_json(), &public)
        .map_err(|_| SealError)?;
    let mut sealed = secret.0;
    sealed.extend(ciphertext);
    Ok(sealed)
}

/// Opens what was sealed for this partner to the key of this id.
pub fn open(
    key: &PrivateKey,
    key_id: &str,
    partner: &str,
    sealed: &[u8],
) -> Result<Details, SealError> {
    let (secret, ciphertext) = sealed
        .split_at_checked(ENCAPSULATED_BYTES)
        .ok_or(SealError)?;
    let secret = EncapsulatedSecret(secret.to_vec());
    let aad = bound_to(key_id, partner);
    let json = DH_KEM_X25519_HKDF_SHA256_AES_128
        .open(&secret, INFO, &aad, ciphertext, &key.0)
        .map_err(|_| SealError)?;
    Details::parse(&json).map_err(|_| SealError)
}

/// So that one partner's sealed details are of no use in another's request. Ids have no control characters.
fn bound_to(key_id: &str, partner: &str) -> Vec<u8> {
    let mut aad = key_id.as_bytes().to_vec();
    aad.push(SEPARATOR);
    aad.extend(partner.as_bytes());
    aad
}
