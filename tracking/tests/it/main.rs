//! Tracking through its real edges: facts delivered as relays deliver them, a real Postgres, real HTTP.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod api_keys;
mod app;
mod attributing;
mod bad_input;
mod binding;
mod brands;
mod callers;
mod changing;
mod claiming;
mod click_sums;
mod counting;
mod documents;
mod edge;
mod erasing;
mod facts;
mod groups;
mod links;
mod lists;
mod onboarding;
mod orders;
mod overload;
mod replay;
mod signed_redirects;
mod single_clicks;
mod stopping;
mod subjects;
mod versions;
mod visitors;
