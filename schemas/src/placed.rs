//! Reading with the place of what cannot be read: off the way of what can. The format is behind a `dyn`, so that the compiler makes one
//! copy of each payload's reading for all of them, and none for each format with its places.

use std::fmt;

use serde::Deserializer;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment, Track};

/// Why a value cannot be read, and where.
pub(crate) struct Unread {
    pub(crate) path: Path,
    pub(crate) error: erased_serde::Error,
}

/// The place, where there is one, and why.
impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut segments = self.path.iter();
        if segments.any(|it| !matches!(it, Segment::Unknown)) {
            write!(f, "{}: ", self.path)?;
        }
        self.error.fmt(f)
    }
}

pub(crate) fn read<'de, T, D>(deserializer: D) -> Result<T, Unread>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
{
    let mut track = Track::new();
    let placed = serde_path_to_error::Deserializer::new(deserializer, &mut track);
    let read = erased_serde::deserialize(&mut <dyn erased_serde::Deserializer<'_>>::erase(placed));
    read.map_err(|error| Unread {
        path: track.path(),
        error,
    })
}
