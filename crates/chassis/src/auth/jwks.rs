//! JSON Web Key Sets (RFC 7517): what a document lends to one algorithm.

use std::collections::BTreeMap;

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse,
};

use super::{Algorithm, KeyError, VerifyingKeys};

/// Keys of a document, of all algorithms together.
const MAX_KEYS: usize = 64;

/// The keys of a document that fit one algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeySet {
    algorithm: Algorithm,
    /// By their `kid`.
    pub(super) named: BTreeMap<String, Jwk>,
    /// The only key, which a token without a `kid` means.
    only: Option<Jwk>,
}

impl KeySet {
    /// Reads a document. Passed over are keys of other types, curves, uses and algorithms, keys that are malformed, and
    /// keys without a `kid` unless it is the only one. Two keys of one name leave open which counts, and are refused.
    pub(super) fn parse(algorithm: Algorithm, json: &str) -> Result<Self, KeyError> {
        let set: JwkSet = serde_json::from_str(json)?;
        if set.keys.len() > MAX_KEYS {
            return Err(KeyError::TooMany(MAX_KEYS));
        }
        let fits = |jwk: &Jwk| algorithm.fits(jwk) && DecodingKey::from_jwk(jwk).is_ok();
        let fitting: Vec<Jwk> = set.keys.into_iter().filter(fits).collect();
        let only = match fitting.as_slice() {
            [jwk] => Some(jwk.clone()),
            _ => None,
        };
        let mut named = BTreeMap::new();
        for jwk in fitting {
            if let Some(kid) = jwk.common.key_id.clone()
                && named.insert(kid, jwk).is_some()
            {
                return Err(KeyError::TwoOfOneName);
            }
        }
        if only.is_none() && named.is_empty() {
            return Err(KeyError::NoUsableKey(algorithm));
        }
        Ok(Self {
            algorithm,
            named,
            only,
        })
    }

    /// The keys to verify with, and further ones that the document does not hold any more.
    pub(super) fn with<'a>(
        &self,
        dropped: impl Iterator<Item = (&'a String, &'a Jwk)>,
    ) -> Result<VerifyingKeys, KeyError> {
        let mut named: BTreeMap<&String, &Jwk> = dropped.collect();
        named.extend(&self.named);
        let named = named
            .into_iter()
            .map(|(kid, jwk)| Ok((kid.clone(), DecodingKey::from_jwk(jwk)?)));
        let named = named.collect::<Result<_, KeyError>>()?;
        let only = self.only.as_ref().map(DecodingKey::from_jwk).transpose()?;
        Ok(VerifyingKeys::of(
            self.algorithm,
            only.into_iter().collect(),
            named,
        ))
    }
}

impl Algorithm {
    /// Whether a key is this algorithm's and for signatures: a symmetric key never passes as a public one.
    fn fits(self, jwk: &Jwk) -> bool {
        let common = &jwk.common;
        let for_signatures = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature));
        let named = common.key_algorithm;
        let right = named.is_none_or(|named| named == KeyAlgorithm::from(self.of_library()));
        let typed = match (&jwk.algorithm, self) {
            (AlgorithmParameters::RSA(_), Self::Rs256) => true,
            (AlgorithmParameters::EllipticCurve(key), Self::Es256) => {
                key.curve == EllipticCurve::P256
            }
            (AlgorithmParameters::OctetKeyPair(key), Self::EdDsa) => {
                key.curve == EllipticCurve::Ed25519
            }
            _ => false,
        };
        typed && for_signatures && right
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The key of RFC 8037, A.2, under this name.
    fn key(kid: &str) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
    }

    fn with(kid: &str, name: &str, value: Value) -> Value {
        let mut key = key(kid);
        key[name] = value;
        key
    }

    fn parse(keys: &[Value]) -> Result<KeySet, KeyError> {
        KeySet::parse(Algorithm::EdDsa, &json!({ "keys": keys }).to_string())
    }

    #[test]
    fn keys_of_another_type_curve_use_or_algorithm_are_passed_over() {
        let secret = json!({"kty": "oct", "kid": "secret", "k": "c2VjcmV0"});
        let set = parse(&[
            key("good"),
            secret.clone(),
            with("use", "use", json!("enc")),
            with("alg", "alg", json!("ES256")),
            with("crv", "crv", json!("X25519")),
            with("kty", "kty", json!("AKP")),
            with("x", "x", json!("not base64!")),
            with("sig", "use", json!("sig")),
        ]);
        let set = set.unwrap();
        assert_eq!(set.named.keys().collect::<Vec<_>>(), ["good", "sig"]);
        for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
            let only_secret = json!({"keys": [secret]}).to_string();
            let refused = KeySet::parse(algorithm, &only_secret);
            assert!(
                matches!(refused, Err(KeyError::NoUsableKey(_))),
                "{algorithm}"
            );
        }
    }

    #[test]
    fn two_keys_of_one_name_and_too_many_keys_are_refused() {
        assert!(matches!(
            parse(&[key("a"), key("a")]),
            Err(KeyError::TwoOfOneName)
        ));
        let many: Vec<Value> = (0..=MAX_KEYS).map(|n| key(&n.to_string())).collect();
        assert!(matches!(parse(&many), Err(KeyError::TooMany(MAX_KEYS))));
        assert!(parse(&many[1..]).is_ok());
    }

    #[test]
    fn a_token_without_a_name_means_the_only_key_and_none_of_several() {
        let find = |set: KeySet, kid| {
            let keys = set.with(std::iter::empty()).unwrap();
            keys.candidates(kid).len()
        };
        assert_eq!(find(parse(&[key("a")]).unwrap(), None), 1);
        let both = parse(&[key("a"), key("b")]).unwrap();
        assert_eq!(find(both.clone(), None), 0);
        assert_eq!(find(both.clone(), Some("b")), 1);
        assert_eq!(find(both, Some("c")), 0);
    }
}
