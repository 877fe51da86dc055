//! Bytes as hexadecimal digits.

use std::fmt::Write;

/// In digits of lower case, two for each byte.
pub fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _cannot_fail = write!(digits, "{byte:02x}");
    }
    digits
}

/// The 32 bytes of a hash from its 64 digits, of either case; `None` of any other text.
pub fn hash_of_hex(digits: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_comes_back_from_its_digits_and_from_nothing_else() {
        let hash: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * 8).unwrap());
        assert_eq!(hash_of_hex(&hex(&hash)), Some(hash));
        assert_eq!(hash_of_hex(&hex(&hash).to_uppercase()), Some(hash));
        for other in [
            "",
            "9f86",
            &"é".repeat(32),
            &"+1".repeat(32),
            &"0".repeat(65),
        ] {
            assert_eq!(hash_of_hex(other), None, "{other}");
        }
    }
}
