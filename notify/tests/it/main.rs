//! Notify through its real edges, against a real Postgres.

#![allow(clippy::unwrap_used, reason = "what is not there has failed the test")]

mod app;
#[path = "../../../tools/devstack/tests/it/clients/crm.rs"]
mod crm;
mod endpoints;
mod erasing;
mod mail;
mod onboarding;
mod own_texts;
mod postbacks;
mod receiver;
mod sending;
#[path = "../../../tools/devstack/tests/it/clients/smtp.rs"]
mod smtp;
mod terms;
mod text;
mod twilio;
mod unsubscribe;

use std::path::Path;

use runtime::testing::until;

#[tokio::test]
async fn the_checked_in_document_is_the_one_that_is_served() {
    let service = app::start().await;
    let copy = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    chassis::openapi::compare_copy(&service.document, &copy).unwrap();
}
