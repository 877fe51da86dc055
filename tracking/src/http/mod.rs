//! The HTTP surface in http and hybrid mode.

mod conversions;
mod events;
mod links;

use chassis::json::parse;
use chassis::problem::Problem;
use host::Host;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// All routes but the public edge.
pub(crate) fn routes(host: &Host) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(links::create_link, links::list_links))
        .routes(routes!(events::record_event))
        .routes(routes!(conversions::list_conversions))
        .routes(routes!(conversions::get_conversion))
        .with_state(host.clone())
}

/// Reads a body as the operation of that name does, up to where a command is made of it; `None` for an operation without
/// a body. For tests of hostile input, which cannot name the types.
#[doc(hidden)]
pub fn read_body(operation: &str, json: &[u8]) -> Option<Result<(), Problem>> {
    Some(match operation {
        "create_link" => parse::<links::CreateLink>(json).map(drop),
        "record_event" => parse::<events::RecordEvent>(json).map(drop),
        _ => return None,
    })
}
