//! The `OpenAPI` 3.1 document, made from the handlers, and a page that shows it.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Response,
    ResponseBuilder,
};
use utoipa::{IntoResponses, PartialSchema, ToSchema};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::problem::{FieldProblem, PROBLEM_JSON, ProblemBody};

/// The name of the security scheme: `security(("bearer" = []))` on a handler.
pub const BEARER: &str = "bearer";

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
pub fn aside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let done = thread::scope(|scope| scope.spawn(work).join());
    done.unwrap_or_else(|panic| resume_unwind(panic))
}

/// The document as it is checked in: indented, in a stable order, with a line end.
pub fn render(document: &OpenApi) -> String {
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
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

/// The problems that any handler with a body and a token may answer: `responses((…), Problems)`.
#[derive(Debug)]
pub struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        [
            ("400", "The request cannot be understood"),
            ("401", "No valid token"),
            ("403", "Not in the role that this needs"),
            ("404", "Not there, or not yours"),
            ("413", "The body is too long"),
            (
                "422",
                "A field is not acceptable, or the domain refuses; see code",
            ),
            ("503", "Not able to serve now; see Retry-After"),
        ]
        .into_iter()
        .map(|(status, description)| (status.to_owned(), problem(description).into()))
        .collect()
    }
}

/// Says of every operation that needs a token that it may answer 429.
pub fn document_rate_limits(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.patch,
            &mut item.delete,
        ];
        let limited = operations.into_iter().flatten();
        for operation in limited.filter(|operation| operation.security.is_some()) {
            let answer = problem("Too many requests of this token's subject; see Retry-After");
            let responses = &mut operation.responses.responses;
            responses.insert("429".to_owned(), answer.into());
        }
    }
}

fn problem(description: &str) -> Response {
    let schema = RefOr::Ref(Ref::from_schema_name(ProblemBody::name()));
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new()
        .description(description)
        .content(PROBLEM_JSON, content)
        .build()
}
