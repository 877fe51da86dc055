//! How much memory an entry of Pulsar's takes when the client takes it apart: it copies the entry's metadata for each of its messages, so one
//! of a few MiB may become many GiB, before anybody is given a message. And many wait until those before them are handled, so none is kept that is
//! much larger than ours.

/// So large an entry may be, in bytes: twice what a service puts into one, of 512 KiB of messages with what travels beside each.
pub const MAX_ENTRY: usize = 2 << 20;
/// So much memory an entry may take in messages, in bytes: that of 10,000 messages whose entry has metadata of half a KiB.
pub const MAX_APART: usize = 16 << 20;

/// What a message takes by itself, in bytes: the client's records of it.
const MESSAGE: usize = 1 << 10;
/// No message is shorter: the size of its metadata.
const MIN_MESSAGE: usize = size_of::<u32>();
/// `num_messages_in_batch` of Pulsar's `MessageMetadata`.
const MESSAGES: u64 = 11;

/// Whether what a checksum is taken of, `[size of the metadata][metadata][payload]`, is more than [`MAX_ENTRY`], becomes more than
/// [`MAX_APART`], or says that it has more messages than there is room for: the broker sends as many more, or fewer, as an entry says that it has.
#[must_use]
pub fn is_too_large_apart(entry: &[u8]) -> bool {
    if entry.len() > MAX_ENTRY {
        return true;
    }
    let Some((size, rest)) = entry.split_first_chunk() else {
        return false;
    };
    let size = u32::from_be_bytes(*size) as usize;
    let Some((metadata, payload)) = rest.split_at_checked(size) else {
        return false;
    };
    let Some(claimed) = messages(metadata) else {
        return true;
    };
    // One alone may be empty.
    claimed > (payload.len() / MIN_MESSAGE).max(1)
        || claimed.saturating_mul(size + MESSAGE) > MAX_APART
}

/// How many messages the metadata name at most; `None` of what nobody writes. What is cut off no client reads.
fn messages(mut metadata: &[u8]) -> Option<usize> {
    let mut most = 0;
    while !metadata.is_empty() {
        let Some(tag) = varint(&mut metadata) else {
            return Some(most);
        };
        let behind = match tag & 7 {
            0 => varint(&mut metadata).map(|value| {
                if tag >> 3 == MESSAGES {
                    // A negative one is a large one to the client.
                    most = most.max(low(value));
                }
                metadata
            }),
            1 => metadata.get(8..),
            2 => varint(&mut metadata)
                .and_then(|length| metadata.get(usize::try_from(length).ok()?..)),
            5 => metadata.get(4..),
            _ => return None,
        };
        let Some(behind) = behind else {
            return Some(most);
        };
        metadata = behind;
    }
    Some(most)
}

/// What the client makes of a number of 32 bits.
fn low(value: u64) -> usize {
    usize::try_from(value & u64::from(u32::MAX)).unwrap_or(usize::MAX)
}

/// A number of the [encoding](https://protobuf.dev/programming-guides/encoding/#varints), and what stands behind it.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(metadata: &[u8], payload: usize) -> Vec<u8> {
        let size = metadata.len().to_be_bytes();
        let mut entry = size[size.len() - 4..].to_vec();
        entry.extend_from_slice(metadata);
        entry.resize(entry.len() + payload, 0);
        entry
    }

    /// `producer_name` of so many bytes, then the number of messages.
    fn metadata(name: usize, messages: &[u8]) -> Vec<u8> {
        let mut metadata = vec![0x0a];
        let mut rest = name;
        while rest > 0x7f {
            metadata.push(rest.to_le_bytes()[0] | 0x80);
            rest >>= 7;
        }
        metadata.push(rest.to_le_bytes()[0]);
        metadata.resize(metadata.len() + name, b'a');
        metadata.push(0x58);
        metadata.extend_from_slice(messages);
        metadata
    }

    const THOUSAND: &[u8] = &[0xe8, 0x07];
    const ALL_THAT_GO: &[u8] = &[0xff, 0xff, 0xff, 0xff, 0x07];
    const FEWER_THAN_NONE: &[u8] = &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];

    #[test]
    fn an_entry_is_too_large_by_its_messages_and_what_is_copied_for_each() {
        for (name, messages, payload, too_large) in [
            (200, THOUSAND, 1 << 20, false),
            (15_000, THOUSAND, 1 << 20, false),
            (16_000, THOUSAND, 1 << 20, true),
            (1 << 20, THOUSAND, 6_000, true),
            (1 << 20, &[14], 14 * 4, false),
            (1 << 20, &[16], 16 * 4, true),
            (0, &[14], 14 * 4 - 1, true),
            (0, ALL_THAT_GO, 5 << 20, true),
            (0, FEWER_THAN_NONE, 5 << 20, true),
            (1 << 19, &[1], 1 << 20, false),
            (1 << 20, &[1], 1 << 20, true),
            (0, THOUSAND, 2 << 20, true),
            (0, &[1], 0, false),
        ] {
            let entry = entry(&metadata(name, messages), payload);
            assert_eq!(
                is_too_large_apart(&entry),
                too_large,
                "{name} {messages:?} {payload}"
            );
        }
    }

    #[test]
    fn the_largest_number_of_messages_counts_and_a_group_is_too_large() {
        let mut twice = metadata(16_000, THOUSAND);
        twice.extend_from_slice(&[0x58, 1]);
        assert!(is_too_large_apart(&entry(&twice, 1 << 20)));
        assert!(is_too_large_apart(&entry(&[0x5b, 0x5c], 4)));
    }

    #[test]
    fn what_is_cut_off_is_left_to_who_reads_it() {
        let whole = entry(&metadata(200, &[1]), 8);
        for end in 0..whole.len() {
            assert!(!is_too_large_apart(&whole[..end]), "{end}");
        }
        for cut in [
            &[0x58_u8][..],
            &[0x0a, 5, 1],
            &[0x09, 1],
            &[0x0d, 1],
            &[0x80; 11],
        ] {
            assert!(!is_too_large_apart(&entry(cut, 4)), "{cut:?}");
        }
    }
}
