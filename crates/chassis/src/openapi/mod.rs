//! The `OpenAPI` 3.1 document, made from the handlers, and a page that shows it.

/// Parameters that many operations have, as another type describes them: `utoipa` would have each operation compile them anew.
macro_rules! described_once {
    ($parameters:ty, $described:ty) => {
        impl ::utoipa::IntoParams for $parameters {
            fn into_params(
                _: impl Fn() -> Option<::utoipa::openapi::path::ParameterIn>,
            ) -> Vec<::utoipa::openapi::path::Parameter> {
                fn described() -> Vec<::utoipa::openapi::path::Parameter> {
                    <$described as ::utoipa::IntoParams>::into_params(|| None)
                }
                described()
            }
        }
    };
}

mod answers;
mod bodies;
mod complete;
mod headers;
mod lists;
mod lists_as_csv;
mod parameters;
mod schemas;
mod tags;

use std::panic::resume_unwind;
use std::path::Path;
use std::thread;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder};
use utoipa::{PartialSchema, ToSchema};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::problem::{Code, FieldProblem, ProblemBody};

pub use answers::{Forbidden, Limited, NotFound, Problems, Refuses};
pub use bodies::answer_of;
pub(crate) use described_once;
pub(crate) use headers::headers_of_answers;
pub use headers::{Repeatable, Waits};
pub use lists::one_of;

/// The name of the security scheme: `security(("bearer" = []))` on a handler.
pub const BEARER: &str = "bearer";

/// The name of the scheme of API keys: `("api_key" = ["reports.read"])` beside it says which scope a key needs for the operation.
pub const API_KEY: &str = "api_key";

/// An empty document with this title, the bearer scheme and the problem's schema:
/// `OpenApiRouter::with_openapi(base("Tributary tracking", "…"))`.
pub fn base(title: &str, description: &str) -> OpenApi {
    let info = InfoBuilder::new()
        .title(title)
        .version(env!("CARGO_PKG_VERSION"));
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    let components = ComponentsBuilder::new()
        .security_scheme(BEARER, SecurityScheme::Http(bearer))
        .schema(ProblemBody::name(), ProblemBody::schema())
        .schema(FieldProblem::name(), FieldProblem::schema())
        .build();
    OpenApiBuilder::new()
        .info(info.description(Some(description)).build())
        .components(Some(components))
        .build()
}

/// The routes, with their document at `/openapi.json` and a page that shows it at `/docs`. The text is kept as long as the
/// service runs, so it is best without what only a reader of it would need.
pub fn pages<S: Clone + Send + Sync + 'static>(router: Router<S>, json: String) -> Router<S> {
    let json = bytes::Bytes::from(json);
    let document = get(move || async move { ([(CONTENT_TYPE, "application/json")], json) });
    let page = SwaggerUi::new("/docs").config(Config::from("/openapi.json"));
    router.route("/openapi.json", document).merge(page)
}

/// Does something with documents in a thread of its own: as trees they take many times what remains of them, and the
/// allocator gives a thread's memory back when all of it is free, where holes between what is kept would stay for ever.
pub fn off_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let done = thread::scope(|scope| scope.spawn(work).join());
    done.unwrap_or_else(|panic| resume_unwind(panic))
}

/// The document as it is served: complete, in one line.
pub fn text(mut document: OpenApi) -> String {
    complete::complete(&mut document);
    document.to_json().unwrap_or_default()
}

/// The document as it is checked in: complete, indented, in a stable order, with a line end.
pub fn render(document: &OpenApi) -> String {
    let mut document = document.clone();
    complete::complete(&mut document);
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// Adds codes that every operation of the document may refuse with: where it is asked, not what it does, makes them.
pub fn refuse(document: &mut OpenApi, codes: &[Code]) {
    let shared = document.components.clone().unwrap_or_default();
    for operation in operations_mut(document) {
        answers::add(operation, codes, &shared);
    }
}

/// Lets API keys of whatever scope ask the operations of the document.
pub fn take_any_api_key(document: &mut OpenApi) {
    for operation in operations_mut(document) {
        let ways = operation.security.get_or_insert_default();
        ways.push(SecurityRequirement::new(API_KEY, Vec::<String>::new()));
    }
}

/// Every operation of the document.
pub fn operations_mut(document: &mut OpenApi) -> impl Iterator<Item = &mut Operation> {
    let items = document.paths.paths.values_mut();
    items.flat_map(|item| {
        let methods = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.patch,
            &mut item.delete,
        ];
        methods.into_iter().flatten()
    })
}

/// Fails when the copy at `path` is not the document, after writing the fresh one beside it as
/// `*.new` for a look and a move. For tests.
pub fn compare_copy(document: &OpenApi, path: &Path) -> Result<(), String> {
    let fresh = render(document);
    if std::fs::read_to_string(path).is_ok_and(|copy| copy == fresh) {
        return Ok(());
    }
    let beside = path.with_extension("json.new");
    std::fs::write(&beside, fresh)
        .map_err(|error| format!("cannot write {}: {error}", beside.display()))?;
    Err(format!(
        "{} is stale: look at {} and move it there",
        path.display(),
        beside.display()
    ))
}
