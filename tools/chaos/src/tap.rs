//! Just enough of three protocols to see where frames begin and which of them mean something.
//!
//! Nothing is held back but the first bytes of a frame, and whole only the answers to Pulsar's topic look-ups, in which
//! the broker's address is replaced by ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::link::Target;
use super::point::Point;

/// What a tap makes of the bytes at hand.
#[derive(Debug, PartialEq, Eq)]
pub enum Look {
    /// Too few to tell.
    More,
    /// A frame of so many bytes begins here, which may go on beyond those at hand.
    Frame(usize, Option<Point>),
}

/// Reads one direction of one connection.
#[derive(Debug)]
pub enum Tap {
    /// A client's bytes to Postgres: `true` once it has introduced itself.
    PostgresFront(bool),
    /// Postgres' bytes: `true` once it has answered anything but the question for TLS.
    PostgresBack(bool),
    /// A client's bytes to the broker.
    BrokerFront,
    /// The broker's bytes, and the ports to replace: the broker's by ours.
    BrokerBack { broker: u16, ours: u16 },
    /// A client's bytes to an HTTP server; notes whether the last request was a write.
    HttpFront {
        point: Point,
        wrote: Arc<AtomicBool>,
    },
    /// An HTTP server's bytes.
    HttpBack {
        point: Point,
        wrote: Arc<AtomicBool>,
    },
}

/// Longest look-up answer that is looked at: a topic's name and two addresses.
const MAX_LOOKUP_LENGTH: usize = 8_192;
/// Of Pulsar's `BaseCommand.Type`.
const SEND: u8 = 6;
const SEND_RECEIPT: u8 = 7;
const MESSAGE: u8 = 9;
const ACK: u8 = 10;
const LOOKUP_RESPONSE: u8 = 24;
/// Protobuf: field 1, a varint.
const TYPE_FIELD: u8 = 0x08;

impl Tap {
    /// The taps of both directions of a connection: from the client, from the server.
    pub fn both(target: Target, broker: u16, ours: u16) -> (Self, Self) {
        let http = |request, answer| {
            let wrote = Arc::new(AtomicBool::new(false));
            (
                Self::HttpFront {
                    point: request,
                    wrote: Arc::clone(&wrote),
                },
                Self::HttpBack {
                    point: answer,
                    wrote,
                },
            )
        };
        match target {
            Target::Database => (Self::PostgresFront(false), Self::PostgresBack(false)),
            Target::Broker => (Self::BrokerFront, Self::BrokerBack { broker, ours }),
            Target::Provider => http(Point::Submit, Point::Submitted),
            Target::Service(_) => http(Point::Request, Point::Answer),
        }
    }

    /// What begins at the first of these bytes, of which there is at least one.
    pub fn look(&mut self, bytes: &mut [u8]) -> Look {
        match self {
            Self::PostgresFront(introduced) => postgres_front(bytes, introduced),
            Self::PostgresBack(answered) => postgres_back(bytes, answered),
            Self::BrokerFront => pulsar(bytes, None),
            Self::BrokerBack { broker, ours } => pulsar(bytes, Some((*broker, *ours))),
            Self::HttpFront { point, wrote } => {
                let write = bytes.starts_with(b"POST ");
                if write || bytes.starts_with(b"GET ") || bytes.starts_with(b"HEAD ") {
                    wrote.store(write, Ordering::Relaxed);
                }
                Look::Frame(bytes.len(), write.then_some(*point))
            }
            Self::HttpBack { point, wrote } => {
                let answer = bytes.starts_with(b"HTTP/1.") && wrote.load(Ordering::Relaxed);
                Look::Frame(bytes.len(), answer.then_some(*point))
            }
        }
    }
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let four: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(four)).ok()
}

/// <https://www.postgresql.org/docs/current/protocol-message-formats.html>
fn postgres_front(bytes: &[u8], introduced: &mut bool) -> Look {
    if !*introduced {
        const TLS: usize = 80_877_103;
        let (Some(length), Some(code)) = (number(bytes, 0), number(bytes, 4)) else {
            return Look::More;
        };
        *introduced = code != TLS;
        return Look::Frame(length.max(8), None);
    }
    let Some(length) = number(bytes, 1) else {
        return Look::More;
    };
    let text = b"QxxxxCOMMIT";
    if bytes[0] == b'Q' && bytes.len() < text.len() && length + 1 >= text.len() {
        return Look::More;
    }
    let commit = bytes[0] == b'Q' && bytes.get(5..11) == Some(b"COMMIT");
    Look::Frame(length + 1, commit.then_some(Point::Commit))
}

fn postgres_back(bytes: &[u8], answered: &mut bool) -> Look {
    if !*answered && bytes[0] == b'N' {
        return Look::Frame(1, None);
    }
    *answered = true;
    let Some(length) = number(bytes, 1) else {
        return Look::More;
    };
    let text = b"CxxxxCOMMIT";
    if bytes[0] == b'C' && bytes.len() < text.len() && length + 1 >= text.len() {
        return Look::More;
    }
    let commit = bytes[0] == b'C' && bytes.get(5..11) == Some(b"COMMIT");
    Look::Frame(length + 1, commit.then_some(Point::Committed))
}

/// <https://pulsar.apache.org/docs/4.0.x/developing-binary-protocol/>: size of all, size of the command, the command.
fn pulsar(bytes: &mut [u8], replace: Option<(u16, u16)>) -> Look {
    let (Some(size), true) = (number(bytes, 0), bytes.len() >= 10) else {
        return Look::More;
    };
    let length = size + 4;
    let kind = (bytes[8] == TYPE_FIELD).then_some(bytes[9]);
    if let (Some(LOOKUP_RESPONSE), Some((broker, ours))) = (kind, replace)
        && length <= MAX_LOOKUP_LENGTH
    {
        if bytes.len() < length {
            return Look::More;
        }
        replace_port(&mut bytes[..length], broker, ours);
    }
    let point = match (kind, replace.is_some()) {
        (Some(SEND), false) => Some(Point::Send),
        (Some(ACK), false) => Some(Point::Ack),
        (Some(SEND_RECEIPT), true) => Some(Point::Receipt),
        (Some(MESSAGE), true) => Some(Point::Message),
        _ => None,
    };
    Look::Frame(length, point)
}

/// Both have five digits, so that no length changes.
fn replace_port(frame: &mut [u8], broker: u16, ours: u16) {
    let (from, to) = (format!(":{broker:05}"), format!(":{ours:05}"));
    let mut at = 0;
    while at + from.len() <= frame.len() {
        if frame[at..].starts_with(from.as_bytes()) {
            frame[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(tap: &mut Tap, bytes: &[u8]) -> Vec<(usize, Option<Point>)> {
        let (mut found, mut at) = (Vec::new(), 0);
        while at < bytes.len() {
            match tap.look(&mut bytes.to_vec()[at..]) {
                Look::More => break,
                Look::Frame(length, point) => {
                    found.push((length, point));
                    at += length;
                }
            }
        }
        found
    }

    #[test]
    fn a_commit_is_seen_behind_the_introduction_and_only_as_a_whole_word_at_the_beginning() {
        let mut bytes = [0, 0, 0, 8, 4, 210, 22, 47].to_vec();
        bytes.extend([0, 0, 0, 9, 0, 3, 0, 0, 0]);
        bytes.extend(b"Q\0\0\0\x0aBEGIN\0");
        bytes.extend(b"Q\0\0\0\x0bCOMMIT\0");
        let seen = frames(&mut Tap::PostgresFront(false), &bytes);
        let expected = [(8, None), (9, None), (11, None), (12, Some(Point::Commit))];
        assert_eq!(seen, expected);
    }

    #[test]
    fn the_answer_to_a_commit_is_seen_behind_the_refusal_of_tls() {
        let mut bytes = b"N".to_vec();
        bytes.extend(b"R\0\0\0\x08\0\0\0\0");
        bytes.extend(b"C\0\0\0\x0bCOMMIT\0Z\0\0\0\x05I");
        let seen = frames(&mut Tap::PostgresBack(false), &bytes);
        let expected = [
            (1, None),
            (9, None),
            (12, Some(Point::Committed)),
            (6, None),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn too_few_bytes_are_waited_for() {
        let mut tap = Tap::PostgresFront(true);
        for length in 1..11 {
            let mut cut = b"Q\0\0\0\x0bCOMMIT\0"[..length].to_vec();
            assert_eq!(tap.look(&mut cut), Look::More, "{length} bytes");
        }
    }

    #[test]
    fn a_broker_that_names_its_own_address_is_given_ours() {
        let mut frame = vec![0, 0, 0, 0, 0, 0, 0, 0, 8, LOOKUP_RESPONSE];
        frame.extend(b"pulsar://127.0.0.1:16650");
        frame[3] = u8::try_from(frame.len() - 4).unwrap();
        let whole = frame.len();
        let mut tap = Tap::BrokerBack {
            broker: 16_650,
            ours: 20_001,
        };
        assert_eq!(tap.look(&mut frame[..20]), Look::More);
        assert_eq!(tap.look(&mut frame), Look::Frame(whole, None));
        assert!(frame.ends_with(b"pulsar://127.0.0.1:20001"));
    }

    #[test]
    fn entries_receipts_and_acknowledgements_are_distinguishable_by_direction() {
        let frame = |kind| vec![0, 0, 0, 6, 0, 0, 0, 2, 8, kind];
        let front = [SEND, ACK, MESSAGE].map(|kind| pulsar(&mut frame(kind), None));
        let expected = [Some(Point::Send), Some(Point::Ack), None];
        assert_eq!(front, expected.map(|point| Look::Frame(10, point)));
    }
}
