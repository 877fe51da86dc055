//! The shell of a service: configuration, telemetry, HTTP, problems and tokens.
//!
//! It knows no service and no message: what a service adds is a router of short handlers whose
//! arguments are the extractors found here, and whose failures are [`problem::Problem`]s.

pub mod auth;
mod causes;
pub mod config;
pub mod http;
pub mod idempotency;
pub mod json;
pub mod lasting;
pub mod openapi;
pub mod page;
pub mod params;
pub mod prefer;
pub mod problem;
pub mod telemetry;
pub mod time;
pub mod write;

pub use variables::version;
