//! The messages as whoever sends and receives them sees them.

mod codec;
mod samples;
