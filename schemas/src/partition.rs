//! Which partition a key goes to: as the Java client decides it with `Murmur3_32Hash`, so that producers in
//! either language keep one subject on one partition.

/// The partition of a key among `n`. With no partitions there is only the first.
pub fn partition(key: &str, n: u32) -> u32 {
    (murmur3_32(key.as_bytes()) & 0x7fff_ffff)
        .checked_rem(n)
        .unwrap_or(0)
}

/// `MurmurHash3`, x86, 32 bits, seed 0 (Austin Appleby, public domain).
fn murmur3_32(bytes: &[u8]) -> u32 {
    let (blocks, tail) = bytes.as_chunks::<4>();
    let mut hash = blocks.iter().fold(0, |hash: u32, block| {
        (hash ^ mix(u32::from_le_bytes(*block)))
            .rotate_left(13)
            .wrapping_mul(5)
            .wrapping_add(0xe654_6b64)
    });
    if !tail.is_empty() {
        let mut last = [0; 4];
        last[..tail.len()].copy_from_slice(tail);
        hash ^= mix(u32::from_le_bytes(last));
    }
    // The length is part of the hash modulo 2^32 by definition.
    #[expect(clippy::cast_possible_truncation, reason = "modulo 2^32")]
    let mut hash = hash ^ bytes.len() as u32;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

fn mix(block: u32) -> u32 {
    block
        .wrapping_mul(0xcc9e_2d51)
        .rotate_left(15)
        .wrapping_mul(0x1b87_3593)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_has_the_published_vectors() {
        assert_eq!(murmur3_32(b""), 0);
        assert_eq!(murmur3_32(b"test"), 0xba6b_d213);
        assert_eq!(murmur3_32(b"Hello, world!"), 0xc036_3e43);
        assert_eq!(
            murmur3_32(b"The quick brown fox jumps over the lazy dog"),
            0x2e4f_f723
        );
    }

    #[test]
    fn a_key_goes_where_the_java_client_sends_it() {
        // From Pulsar's own Murmur3_32HashTest: k1, k2, key1, key2 are 2110152746, 1479966664, 462881061, 1936800180.
        let hashes = ["k1", "k2", "key1", "key2"].map(|key| partition(key, u32::MAX));
        assert_eq!(
            hashes,
            [2_110_152_746, 1_479_966_664, 462_881_061, 1_936_800_180]
        );
        assert_eq!(partition("k1", 4), 2);
        assert_eq!(partition("anything", 1), 0);
    }
}
