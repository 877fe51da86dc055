//! Campaign through its real edges: HTTP, its command topic and a real Postgres.

mod app;
mod walk;
