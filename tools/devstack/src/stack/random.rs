//! Randomness for secrets.

use anyhow::{Result, anyhow};
use aws_lc_rs::rand;
use types::hex;

/// `bytes` bytes of the system's randomness as hexadecimal digits. Asks the kernel: an image has no `/dev` of its own.
pub fn random_hex(bytes: usize) -> Result<String> {
    let mut raw = vec![0; bytes];
    rand::fill(&mut raw).map_err(|_| anyhow!("the system gave no randomness"))?;
    Ok(hex(&raw))
}
