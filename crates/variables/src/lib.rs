//! What services and the control program both have to know of variables: how a `.env` file is read, which names there are,
//! and what a value of some kinds looks like.

use std::ops::RangeInclusive;

mod dotenv;
mod files;
mod guessable;
mod log_filter;
mod loopback;
mod names;
mod release;
mod service_url;

pub use dotenv::{DotenvError, parse, read};
pub use files::{overlay, read as read_file, variable as file_variable};
pub use guessable::guessable;
pub use log_filter::{LogFilter, RustLog};
pub use loopback::is_loopback;
pub use names::{EXAMPLE, Unknown, former, unknown};
pub use release::Version;
pub use service_url::ServiceUrl;

/// How many partitions a topic may have: `PULSAR_TOPIC_PARTITIONS`.
pub const TOPIC_PARTITIONS: RangeInclusive<u32> = 1..=64;
