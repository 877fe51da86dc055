//! Where a reader of the feed has come to: a place in every stream, since streams have no order between them.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemas::{Service, Topic};

/// The longest cursor that is read, in characters: all that there is of a request's head.
const MAX_LENGTH: usize = 32 * 1_024;
/// How a cursor of this form begins.
const FORM: &str = "1";

/// A stream: a partition of a topic, of which there is one log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Stream {
    topic: &'static str,
    pub(crate) partition: i32,
}

impl Stream {
    /// Of a topic on which services state events; `None` of any other.
    pub(crate) fn of(topic: &str, partition: i32) -> Option<Self> {
        let topic = Topic::parse(topic).filter(|topic| !topic.is_commands())?;
        Some(Self {
            topic: topic.name(),
            partition,
        })
    }

    pub(crate) fn topic(self) -> &'static str {
        self.topic
    }

    /// Whose log it is of.
    pub(crate) fn owner(self) -> Option<Service> {
        Topic::parse(self.topic).map(Topic::owner)
    }
}

/// A place in it. A log that was restored goes on under a raised epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) epoch: i64,
    pub(crate) sequence: i64,
}

/// What was sent, stream by stream: up to its place. Of a stream that is not there nothing was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cursor(BTreeMap<Stream, Place>);

impl Cursor {
    pub(crate) fn at(&self, stream: Stream) -> Place {
        self.0.get(&stream).copied().unwrap_or_default()
    }

    pub(crate) fn has(&self, stream: Stream) -> bool {
        self.0.contains_key(&stream)
    }

    pub(crate) fn set(&mut self, stream: Stream, place: Place) {
        self.0.insert(stream, place);
    }

    /// Leaves only streams that another has.
    pub(crate) fn keep_those_of(&mut self, other: &Self) {
        self.0.retain(|stream, _| other.has(*stream));
    }

    pub(crate) fn streams(&self) -> impl Iterator<Item = (Stream, Place)> {
        self.0.iter().map(|(stream, place)| (*stream, *place))
    }

    /// As clients keep it.
    pub(crate) fn text(&self) -> String {
        let place = |(stream, place): (Stream, Place)| {
            let (topic, partition) = (stream.topic, stream.partition);
            format!(" {topic} {partition} {} {}", place.epoch, place.sequence)
        };
        let places: String = self.streams().map(place).collect();
        URL_SAFE_NO_PAD.encode(format!("{FORM}{places}"))
    }

    /// What a client kept; `None` of what no feed has given out.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let mut parts = text.split(' ');
        if parts.next() != Some(FORM) {
            return None;
        }
        let mut cursor = Self::default();
        while let Some(topic) = parts.next() {
            let mut number = || parts.next()?.parse::<i64>().ok().filter(|it| *it >= 0);
            let partition = i32::try_from(number()?).ok()?;
            let (epoch, sequence) = (number()?, number()?);
            cursor.set(Stream::of(topic, partition)?, Place { epoch, sequence });
        }
        Some(cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor() -> Cursor {
        let mut cursor = Cursor::default();
        for (topic, partition, epoch, sequence) in [
            ("tracking-events", 0, 1, 17),
            ("tracking-events", 1, 1, 0),
            ("payment-events", 0, 3, i64::MAX),
        ] {
            let stream = Stream::of(topic, partition).unwrap();
            cursor.set(stream, Place { epoch, sequence });
        }
        cursor
    }

    #[test]
    fn a_cursor_is_read_back_as_it_was_given_out() {
        for one in [Cursor::default(), cursor()] {
            assert_eq!(Cursor::parse(&one.text()), Some(one));
        }
    }

    #[test]
    fn the_largest_cursor_that_there_can_be_is_read_back() {
        let mut largest = Cursor::default();
        for topic in Topic::ALL
            .into_iter()
            .filter(|it| it.name().ends_with("-events"))
        {
            for partition in 0..64 {
                let stream = Stream::of(topic.name(), partition).unwrap();
                let (epoch, sequence) = (9_999_999, i64::MAX);
                largest.set(stream, Place { epoch, sequence });
            }
        }
        assert_eq!(Cursor::parse(&largest.text()), Some(largest));
    }

    #[test]
    fn what_no_feed_has_given_out_is_no_cursor() {
        let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let long = encoded(&format!("1{}", " tracking-events 0 1 1".repeat(5_000)));
        for wrong in [
            "",
            "17",
            "%",
            &encoded("2"),
            &encoded("1 tracking-events"),
            &encoded("1 tracking-events 0 1"),
            &encoded("1 tracking-events 0 1 -1"),
            &encoded("1 tracking-events 0 1 x"),
            &encoded("1 tracking-commands 0 1 1"),
            &encoded("1 nothing 0 1 1"),
            &encoded("1 tracking-events 99999999999 1 1"),
            &long,
        ] {
            assert_eq!(Cursor::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn places_of_a_raised_epoch_come_behind_all_before() {
        let place = |epoch, sequence| Place { epoch, sequence };
        assert!(place(2, 5) > place(1, 900));
        assert!(place(2, 5) < place(2, 6));
    }
}
