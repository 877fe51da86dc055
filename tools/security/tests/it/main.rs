//! What whoever is not invited may try, against real services with real objects.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot be set up has failed"
)]

mod codes;
mod corpus;
mod edges;
mod ownership;
mod routes;
mod scene;
mod scopes;
mod tokens;
