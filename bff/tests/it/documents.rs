//! The checked-in document.

use std::path::Path;

use chassis::openapi::compare_copy;

use crate::app::bff;

#[tokio::test]
async fn the_copy_of_the_document_is_fresh() {
    let app = bff().await;
    let copy = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    compare_copy(&app.document, &copy).unwrap();
}
