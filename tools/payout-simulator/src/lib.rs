//! A payout provider for local work and tests: a process of its own that speaks HTTP, keeps its own ledger, and can be
//! told to fail at each step, also after paying.
//!
//! | route | what |
//! |---|---|
//! | `POST /v1/payouts` | pay; idempotent by `reference` while its key lives |
//! | `GET /v1/payouts/{reference}` | look up; 404 when never seen, or forgotten |
//! | `GET /v1/payouts` | the statement: everything ever taken, in order |
//! | `GET /control`, `POST /control` | how it behaves |
//! | `GET /health` | alive |
//!
//! It shares no code with the services, as a real provider would not.

mod behaviour;
mod http;
mod journal;
mod ledger;

pub use behaviour::{Behaviour, Fault};
pub use http::{Simulator, router};
pub use journal::Journal;
pub use ledger::{Ledger, Outcome, Payout, Submission};
