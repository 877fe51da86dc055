//! The HTTP shell: what surrounds every route of every service.

mod ask;
mod context;
mod limits;
mod measure;
mod probes;
mod rate;
mod server;
mod shell;
mod shutdown;
mod traced;

pub use ask::ask;
pub use context::{CORRELATION_ID, RequestContext};
pub use limits::Limits;
pub use probes::{Probes, ReadyCheck};
pub use rate::{RATE_LIMIT, RATE_LIMIT_POLICY, RateLimits};
pub use server::{Server, ServerConfig};
pub use shell::Shell;
pub use shutdown::cancel_on_signal;
