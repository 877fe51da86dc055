//! The HTTP shell: what surrounds every route of every service.

mod context;
mod limits;
mod measure;
mod probes;
mod server;
mod shell;
mod shutdown;

pub use context::{CORRELATION_ID, RequestContext};
pub use limits::Limits;
pub use probes::{Probes, ReadyCheck};
pub use server::{Server, ServerConfig};
pub use shell::Shell;
pub use shutdown::cancel_on_signal;
