//! One derivation for every id: `UUIDv5(namespace, parts joined by 0x1f)`.

use sha1::{Digest, Sha1};
use uuid::{Builder, Uuid};

use crate::Micros;

/// The project's own namespace. It never changes: every derived id hangs on it.
pub const NAMESPACE: Uuid = Uuid::from_u128(0x7d1c_3f0e_5b1a_4c56_9a64_0e2f_8c71_b3d9);

/// The unit separator. It cannot stand in an id, and edges refuse control characters in other text.
const SEPARATOR: u8 = 0x1f;

/// The id that follows from `parts`. The first part says what is named, so that two derivations of the same shape (a
/// client's command, an order's conversion) never meet.
pub fn derive(parts: &[&str]) -> Uuid {
    // As RFC 9562, 5.5 has it. A purchase derives a dozen ids, and the uuid crate's SHA-1 does without the processor's.
    let mut hash = Sha1::new_with_prefix(NAMESPACE.as_bytes());
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            hash.update([SEPARATOR]);
        }
        hash.update(part);
    }
    let hash: [u8; 20] = hash.finalize().into();
    let mut id = [0; 16];
    id.copy_from_slice(&hash[..16]);
    Builder::from_sha1_bytes(id).into_uuid()
}

/// The id of the event number `ordinal` that handling `causation` made at `source`.
pub fn event_id(source: &str, epoch: i64, causation: Uuid, ordinal: usize) -> Uuid {
    let epoch = epoch.to_string();
    derive(&[
        "event",
        source,
        &epoch,
        &causation.to_string(),
        &ordinal.to_string(),
    ])
}

/// The id of the command by which `effect` gives its `answer` to an event.
pub fn effect_command_id(effect: &str, event_id: Uuid, answer: &str) -> Uuid {
    derive(&["effect", effect, &event_id.to_string(), answer])
}

/// The id of the command that `timer` of `aggregate` gives when it falls `due`.
pub fn timer_command_id(aggregate: &str, timer: &str, due: Micros) -> Uuid {
    derive(&["timer", aggregate, timer, &due.get().to_string()])
}

/// Who asks: a token's subject, with the partner and the brand that it speaks for. Two people of one name are not one, and
/// who gains a role stays who it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker<'a> {
    /// The token's subject.
    pub subject: &'a str,
    /// The partner that it speaks for.
    pub partner: Option<&'a str>,
    /// The brand that it speaks for.
    pub brand: Option<&'a str>,
}

impl Asker<'_> {
    fn parts(&self) -> [&str; 3] {
        let or_none = Option::unwrap_or_default;
        [self.subject, or_none(self.partner), or_none(self.brand)]
    }

    /// What it is compared by.
    pub fn id(&self) -> Uuid {
        let [subject, partner, brand] = self.parts();
        derive(&["caller", subject, partner, brand])
    }

    /// The id of the command of this kind, and so of its service, that it gave under an idempotency key with this hash:
    /// the same at the bff and the services.
    pub fn command_id(&self, kind: &str, key_hash: &str) -> Uuid {
        let [subject, partner, brand] = self.parts();
        derive(&["command", kind, subject, partner, brand, key_hash])
    }
}

/// The text of an id made by a command: the prefix, which says of what kind it is, and 32 hexadecimal digits.
pub fn prefixed(prefix: &str, command_id: Uuid) -> String {
    named(prefix, &["aggregate", prefix, &command_id.to_string()])
}

pub(super) fn named(prefix: &str, parts: &[&str]) -> String {
    format!("{prefix}{}", derive(parts).simple())
}
