//! The checked-in document.

use std::path::Path;

use crate::app::start;

#[tokio::test]
async fn the_checked_in_openapi_document_is_fresh() {
    let service = start().await;
    let copy = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let compared = chassis::openapi::compare_copy(&service.document, &copy);
    service.stop().await;
    compared.unwrap();
}
