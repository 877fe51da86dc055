//! Checksums of the Pulsar client and of sqlx, by the processor's own instructions: stands in for the crate `crc`.
//!
//! The Pulsar client takes a CRC-32C of all that it sends and receives. The crate `crc` looks that up byte by byte, which was a twentieth of
//! what a purchase costs here. This one has what the two use of its interface, and no more
//! ([decision 0070](../../docs/decisions/0070-checksums.md)).

pub mod entry;

/// Which checksum, of `W` bits.
#[derive(Debug)]
pub struct Algorithm<W> {
    checksum: fn(&[u8]) -> W,
}

/// CRC-32C (Castagnoli), as in iSCSI (RFC 3720, appendix B.4). Nobody but the Pulsar client takes it, and of entries: of one that is
/// [too large apart](entry::is_too_large_apart) it is the complement, so that the client refuses it before it takes it apart
/// ([decision 0096](../../docs/decisions/0096-entries-too-large-apart.md)).
pub const CRC_32_ISCSI: Algorithm<u32> = Algorithm {
    checksum: |entry| {
        let checksum = crc32c::crc32c(entry);
        if entry::is_too_large_apart(entry) {
            !checksum
        } else {
            checksum
        }
    },
};

/// CRC-32 of IEEE 802.3, as in zip and PNG.
pub const CRC_32_ISO_HDLC: Algorithm<u32> = Algorithm {
    checksum: crc32fast::hash,
};

/// A checksum that can be taken.
#[derive(Debug)]
pub struct Crc<W: 'static> {
    algorithm: &'static Algorithm<W>,
}

impl<W> Crc<W> {
    /// By this algorithm.
    #[must_use]
    pub const fn new(algorithm: &'static Algorithm<W>) -> Self {
        Self { algorithm }
    }

    /// Of all these bytes.
    #[must_use]
    pub fn checksum(&self, bytes: &[u8]) -> W {
        (self.algorithm.checksum)(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values are those of the catalogue of parametrised CRC algorithms.
    #[test]
    fn both_checksums_are_those_of_the_catalogue() {
        for (algorithm, check) in [
            (&CRC_32_ISCSI, 0xe306_9283),
            (&CRC_32_ISO_HDLC, 0xcbf4_3926),
        ] {
            assert_eq!(Crc::<u32>::new(algorithm).checksum(b"123456789"), check);
        }
    }
}
