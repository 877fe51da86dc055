//! Reading with the place of what cannot be read: off the way of what can. The format is behind a `dyn`, so that the compiler makes one
//! copy of each payload's reading for all of them, and none for each format with its places.

use serde::Deserializer;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Error, Track};

/// As [`serde_path_to_error::deserialize`] does.
pub(crate) fn read<'de, T, D>(deserializer: D) -> Result<T, Error<erased_serde::Error>>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
{
    let mut track = Track::new();
    let placed = serde_path_to_error::Deserializer::new(deserializer, &mut track);
    let read = erased_serde::deserialize(&mut <dyn erased_serde::Deserializer<'_>>::erase(placed));
    read.map_err(|error| Error::new(track.path(), error))
}
