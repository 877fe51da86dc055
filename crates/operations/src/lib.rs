//! What operators do with one process of a service, with the routes that they do it by: the log's old parts, replay, fencing
//! after a restore, the retry queue, and who did what.
//!
//! The way of a message does without any of this: [`messaging`] knows nothing of it. What an act needs of a process stands in
//! [`Process`], which is made when the process starts.

pub mod archive;
pub mod audit;
mod documents;
mod event_store;
pub mod fencing;
mod followers;
mod help;
mod operator;
mod process;
pub mod replay;
pub mod retry_queue;
mod routes;
mod unread;

pub use documents::{CommandState, RejectionName};
pub use help::METRICS;
pub use operator::{Operator, Reason};
pub use process::Process;
pub use routes::{document, document_of_clock, routes};
pub use unread::{OrUnread, unread, unread_schema};
