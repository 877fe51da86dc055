//! What operators see of the retry queue, and do with it.

pub mod acts;
pub mod dry_run;
pub mod look;
pub mod redrive;
