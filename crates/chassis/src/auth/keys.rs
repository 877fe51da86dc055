//! Keys that sign tokens and keys that verify them.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{DecodingKey, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::jwks::KeySet;

/// An HS256 secret is at least as long as its hash (RFC 7518, 3.2).
pub(super) const MIN_SECRET_LENGTH: usize = 32;

types::names! {
    /// The closed list of algorithms; `none` is not on it.
    pub enum Algorithm {
        /// HMAC with SHA-256.
        Hs256 = "HS256",
        /// RSA with SHA-256.
        Rs256 = "RS256",
        /// ECDSA on P-256 with SHA-256.
        Es256 = "ES256",
        /// Ed25519.
        EdDsa = "EdDSA",
    }
}

/// A key that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// An HS256 secret under 32 bytes.
    #[error("the secret must have at least 32 bytes")]
    TooShort,
    /// HS256 has no key file, and the others have no secret.
    #[error("{0} does not use this kind of key")]
    WrongKind(Algorithm),
    /// A key set without a key for the algorithm.
    #[error("the key set holds no key that can be used with {0}")]
    NoUsableKey(Algorithm),
    /// A key set that nobody means.
    #[error("there are more than {0} keys")]
    TooMany(usize),
    /// A key set that leaves open which key counts.
    #[error("two keys of the key set have the same kid")]
    TwoOfOneName,
    /// PEM without a key in it.
    #[error("there is no key in PEM")]
    NoPem,
    /// The key set is not a JWKS.
    #[error("the key set is not JSON of a JWKS: {0}")]
    NotAKeySet(#[from] serde_json::Error),
    /// The key cannot be read or used.
    #[error("the key cannot be used: {0}")]
    Unusable(#[from] jsonwebtoken::errors::Error),
}

impl Algorithm {
    pub(super) fn of_library(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Hs256 => jsonwebtoken::Algorithm::HS256,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        }
    }
}

impl FromStr for Algorithm {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or("expected HS256, RS256, ES256 or EdDSA")
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A key that makes tokens.
pub struct SigningKey {
    algorithm: Algorithm,
    key: EncodingKey,
    kid: Option<String>,
}

impl SigningKey {
    /// An HS256 key.
    pub fn secret(secret: &SecretString) -> Result<Self, KeyError> {
        let key = EncodingKey::from_secret(checked(secret)?);
        Ok(Self {
            algorithm: Algorithm::Hs256,
            key,
            kid: None,
        })
    }

    /// A private key in PEM.
    pub fn pem(algorithm: Algorithm, pem: &[u8]) -> Result<Self, KeyError> {
        let key = match algorithm {
            Algorithm::Hs256 => return Err(KeyError::WrongKind(algorithm)),
            Algorithm::Rs256 => EncodingKey::from_rsa_pem(pem)?,
            Algorithm::Es256 => EncodingKey::from_ec_pem(pem)?,
            Algorithm::EdDsa => EncodingKey::from_ed_pem(pem)?,
        };
        Ok(Self {
            algorithm,
            key,
            kid: None,
        })
    }

    /// Names the key in its tokens, for a verifier with a key set.
    #[must_use]
    pub fn named(self, kid: &str) -> Self {
        Self {
            kid: Some(kid.to_owned()),
            ..self
        }
    }

    /// The key set (RFC 7517) whose only key verifies this one's tokens.
    pub fn key_set(&self) -> Result<String, KeyError> {
        if self.algorithm == Algorithm::Hs256 {
            return Err(KeyError::WrongKind(self.algorithm));
        }
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm.of_library())?;
        jwk.common.key_id.clone_from(&self.kid);
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(serde_json::to_string(&JwkSet { keys: vec![jwk] })?)
    }

    /// A signed token.
    pub fn mint<C: Serialize>(&self, claims: &C) -> Result<String, KeyError> {
        let mut header = Header::new(self.algorithm.of_library());
        header.kid.clone_from(&self.kid);
        Ok(jsonwebtoken::encode(&header, claims, &self.key)?)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// The keys of one algorithm that tokens are verified with.
pub struct VerifyingKeys {
    pub(super) algorithm: Algorithm,
    unnamed: Vec<DecodingKey>,
    named: HashMap<String, DecodingKey>,
}

/// Each is tried for a token that does not say which one signed it.
const MAX_UNNAMED: usize = 4;

impl VerifyingKeys {
    pub(super) fn of(
        algorithm: Algorithm,
        unnamed: Vec<DecodingKey>,
        named: HashMap<String, DecodingKey>,
    ) -> Self {
        Self {
            algorithm,
            unnamed,
            named,
        }
    }

    /// An HS256 secret.
    pub fn secret(secret: &SecretString) -> Result<Self, KeyError> {
        Self::secrets([secret])
    }

    /// HS256 secrets, up to four: a token may be signed with any of them.
    pub fn secrets<'a>(
        secrets: impl IntoIterator<Item = &'a SecretString>,
    ) -> Result<Self, KeyError> {
        let key = |secret| Ok(DecodingKey::from_secret(checked(secret)?));
        let keys: Result<Vec<_>, KeyError> = secrets.into_iter().map(key).collect();
        Self::unnamed(Algorithm::Hs256, keys?)
    }

    /// Public keys in PEM, up to four behind each other: a token may be signed with any of them.
    pub fn pem(algorithm: Algorithm, pem: &str) -> Result<Self, KeyError> {
        let read = match algorithm {
            Algorithm::Hs256 => return Err(KeyError::WrongKind(algorithm)),
            Algorithm::Rs256 => DecodingKey::from_rsa_pem,
            Algorithm::Es256 => DecodingKey::from_ec_pem,
            Algorithm::EdDsa => DecodingKey::from_ed_pem,
        };
        let begins: Vec<usize> = pem.match_indices(PEM_BEGIN).map(|(at, _)| at).collect();
        let ends = begins.iter().skip(1).copied().chain([pem.len()]);
        let blocks = begins
            .iter()
            .zip(ends)
            .map(|(begin, end)| &pem[*begin..end]);
        let keys: Result<Vec<_>, KeyError> =
            blocks.map(|block| Ok(read(block.as_bytes())?)).collect();
        Self::unnamed(algorithm, keys?)
    }

    /// A JWKS document. Keys of other types and keys without a `kid` (unless it is the only one)
    /// are passed over.
    pub fn jwks(algorithm: Algorithm, json: &str) -> Result<Self, KeyError> {
        KeySet::parse(algorithm, json)?.with(std::iter::empty())
    }

    fn unnamed(algorithm: Algorithm, keys: Vec<DecodingKey>) -> Result<Self, KeyError> {
        match keys.len() {
            0 => Err(KeyError::NoPem),
            1..=MAX_UNNAMED => Ok(Self::of(algorithm, keys, HashMap::new())),
            _ => Err(KeyError::TooMany(MAX_UNNAMED)),
        }
    }

    /// The key of that name; without names, each of those there are.
    pub(super) fn candidates(&self, kid: Option<&str>) -> Vec<&DecodingKey> {
        match kid {
            Some(kid) if !self.named.is_empty() => self.named.get(kid).into_iter().collect(),
            _ => self.unnamed.iter().collect(),
        }
    }
}

const PEM_BEGIN: &str = "-----BEGIN ";

impl fmt::Debug for VerifyingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kids: Vec<_> = self.named.keys().collect();
        kids.sort_unstable();
        f.debug_struct("VerifyingKeys")
            .field("algorithm", &self.algorithm)
            .field("named", &kids)
            .finish_non_exhaustive()
    }
}

fn checked(secret: &SecretString) -> Result<&[u8], KeyError> {
    let bytes = secret.expose_secret().as_bytes();
    if bytes.len() < MIN_SECRET_LENGTH {
        Err(KeyError::TooShort)
    } else {
        Ok(bytes)
    }
}
