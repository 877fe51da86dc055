//! The HTTP shell: what surrounds every route of every service.

mod admission;
mod bodies;
mod context;
mod cors;
pub(crate) mod host;
mod limits;
mod linger;
mod measure;
mod probe;
mod probes;
mod rate;
mod sending;
mod server;
mod shares;
mod shell;
mod shutdown;
mod traced;

pub use context::{CORRELATION_ID, RequestContext, to_its_end};
pub use cors::AllowedOrigins;
pub use limits::Limits;
pub use probe::probe;
pub use probes::{Probes, ReadyCheck};
pub(crate) use rate::Bucket;
pub use rate::{AddressLimits, RATE_LIMIT, RATE_LIMIT_POLICY, RateLimits};
pub use server::{Server, ServerConfig};
pub use shares::{Holder, Percent, Place, Shares};
pub use shell::{Groups, Shell};
pub use shutdown::cancel_on_signal;
