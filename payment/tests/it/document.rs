use std::path::Path;

use crate::app::App;

#[tokio::test]
async fn the_checked_in_document_is_the_one_that_is_served() {
    let app = App::start().await;
    let copy = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    chassis::openapi::compare_copy(&app.service.document, &copy).unwrap();
}
