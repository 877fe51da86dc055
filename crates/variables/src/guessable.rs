//! Which secrets are none.

/// Sixteen random bytes in hexadecimal have fewer once in ten million times.
const LEAST_DISTINCT: usize = 8;

/// Why a secret is refused as one that can be guessed, which never shows it: random bytes in any text form have more
/// different characters than a person's choice of one letter, 32 times.
pub fn guessable(secret: &str) -> Option<String> {
    let mut distinct: Vec<u8> = secret.bytes().collect();
    distinct.sort_unstable();
    distinct.dedup();
    (distinct.len() < LEAST_DISTINCT)
        .then(|| format!("can be guessed: fewer than {LEAST_DISTINCT} different characters"))
}
