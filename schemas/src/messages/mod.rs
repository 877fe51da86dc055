//! What the messages say: one struct per kind, named after its record in the `.avsc`.

mod campaign;
mod commission;
mod notify;
mod payment;
mod shared;
mod tracking;
mod workflow;

pub use campaign::*;
pub use commission::*;
pub use notify::*;
pub use payment::*;
pub use shared::*;
pub use tracking::*;
pub use workflow::*;
