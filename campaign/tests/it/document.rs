//! The checked-in document.

use std::path::Path;

use crate::app;

#[tokio::test]
async fn the_checked_in_document_is_that_of_the_handlers() {
    let service = app::start().await;
    let copy = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    if let Err(stale) = chassis::openapi::compare_copy(&service.document, &copy) {
        panic!("{stale}");
    }
    service.stop().await;
}
