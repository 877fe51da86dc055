//! Hexadecimal digits.

use std::fs;
use std::io::Read;

use anyhow::Result;

/// `bytes` bytes of the system's randomness as hexadecimal digits.
pub fn random_hex(bytes: usize) -> Result<String> {
    let mut raw = vec![0; bytes];
    fs::File::open("/dev/urandom")?.read_exact(&mut raw)?;
    Ok(hex(&raw))
}

/// Hexadecimal digits of these bytes.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _infallible = write!(digits, "{byte:02x}");
        digits
    })
}
