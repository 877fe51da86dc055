//! Tracking through its real edges: facts delivered as relays deliver them, a real Postgres, real HTTP.

mod app;
mod attributing;
