//! What operators do with one process of a service: `/api/v1/operator/<service>/…`, open in every mode.
//!
//! Everything here is for the role `operator` alone. What changes something takes a [`Reason`](crate::Reason) and is audited in the
//! transaction that changes it, by [`messaging::audit::record`].

mod archive;
mod audit;
mod clock;
mod commands;
mod epoch;
mod events;
mod live;
mod redrives;
mod replay;
mod retry_queue;
mod retry_queue_acts;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{self, Next};
use axum::response::Response;
use chassis::problem::{Code, FieldProblem, Problem, code};
use schemas::Service;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::operator::Operator;
use crate::process::Process;
use crate::retry_queue::acts::ActError;
use crate::unread::unread;

pub(crate) const FOLLOWER_UNAVAILABLE: Code = Code::new(
    503,
    "follower_unavailable",
    "A follower that has to be asked does not answer; try again.",
);
const NOT_NOW: Code = Code::new(
    409,
    "not_now",
    "Not as the message stands now; the detail says why.",
);
chassis::refuses!(pub(crate) FollowerAway: FOLLOWER_UNAVAILABLE);
chassis::refuses!(NotNow: NOT_NOW);

/// The routes of a process, under the prefix of its service.
pub fn routes(process: Arc<Process>) -> OpenApiRouter {
    let service = process.service();
    let (mut documented, mut all) = (document(service), all());
    if process.has_test_clock {
        documented.merge(document_of_clock(service));
        all = all.merge(of_clock());
    }
    OpenApiRouter::with_openapi(documented).merge(OpenApiRouter::from(
        Router::new()
            .nest(&prefix(service), Router::from(all))
            .route_layer(middleware::from_fn(operators_only))
            .layer(DefaultBodyLimit::max(process.body_bytes))
            .with_state(process),
    ))
}

/// What these routes look like at a service.
pub fn document(service: Service) -> OpenApi {
    documented(service, all())
}

/// What those of the test clock look like, which are there in the local profile alone.
pub fn document_of_clock(service: Service) -> OpenApi {
    documented(service, of_clock())
}

fn documented(service: Service, routes: OpenApiRouter<Arc<Process>>) -> OpenApi {
    let base = chassis::openapi::base(
        "Tributary operators",
        "What operators do with one process of a service.",
    );
    let mut document = OpenApiRouter::<Arc<Process>>::with_openapi(base)
        .nest(&prefix(service), routes)
        .into_openapi();
    for operation in chassis::openapi::operations_mut(&mut document) {
        // Unique in the bff's document too, where the routes of all services stand.
        let id = operation.operation_id.take().unwrap_or_default();
        operation.operation_id = Some(format!("{}_{id}", service.name()));
    }
    chassis::openapi::refuse(&mut document, &[code::FORBIDDEN]);
    document
}

fn prefix(service: Service) -> String {
    format!("/api/v1/operator/{}", service.name())
}

/// The test clock's, without their prefix.
fn of_clock() -> OpenApiRouter<Arc<Process>> {
    OpenApiRouter::new().routes(routes!(
        clock::get_clock,
        clock::move_clock,
        clock::reset_clock
    ))
}

/// Every other route, without its prefix.
fn all() -> OpenApiRouter<Arc<Process>> {
    OpenApiRouter::new()
        .routes(routes!(audit::list_audit))
        .routes(routes!(events::list_events))
        .routes(routes!(events::get_event))
        .routes(routes!(live::live_events))
        .routes(routes!(commands::list_command_log))
        .routes(routes!(replay::list_replays, replay::start_replay))
        .routes(routes!(replay::get_replay))
        .routes(routes!(replay::drop_replaced))
        .routes(routes!(archive::list_archive))
        .routes(routes!(archive::run_archive))
        .routes(routes!(archive::verify_archive))
        .routes(routes!(archive::drop_archive))
        .routes(routes!(epoch::get_epoch))
        .routes(routes!(epoch::raise_epoch))
        .routes(routes!(epoch::keep_epoch))
        .routes(routes!(epoch::accept_epoch))
        .routes(routes!(epoch::rewind_relay))
        .routes(routes!(retry_queue::list_retry_queue))
        .routes(routes!(retry_queue::count_retry_queue))
        .routes(routes!(retry_queue::show_in_retry_queue))
        .routes(routes!(retry_queue_acts::dry_run_in_retry_queue))
        .routes(routes!(retry_queue_acts::edit_in_retry_queue))
        .routes(routes!(retry_queue_acts::redrive_in_retry_queue))
        .routes(routes!(retry_queue_acts::drop_in_retry_queue))
        .routes(routes!(redrives::start_redrive, redrives::list_redrives))
        .routes(routes!(redrives::get_redrive))
        .routes(routes!(redrives::cancel_redrive))
}

/// Whoever forgets to ask who acts still lets nobody else in.
async fn operators_only(_: Operator, request: Request, next: Next) -> Response {
    next.run(request).await
}

/// Not as things stand.
pub(crate) fn conflict(code: Code, detail: String) -> Problem {
    Problem::of(code).with_detail(detail)
}

fn not_in_retry_queue() -> Problem {
    Problem::not_found().with_detail(
        "no such message is in the retry queue here: it may have been handled or dropped",
    )
}

/// Why an act upon what is in the retry queue was not done.
fn refused(error: &ActError) -> Problem {
    match error {
        ActError::Sql(error) => unread(error),
        ActError::Gone => not_in_retry_queue(),
        ActError::NotNow(reason) => conflict(NOT_NOW, reason.clone()),
        ActError::Edit(edit) => {
            let pointer = format!("/payload{}", edit.pointer);
            Problem::invalid(vec![FieldProblem::at(pointer, edit.detail.clone())])
        }
        ActError::Schema(_) | ActError::Unreported(_) => Problem::internal(error),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_copy_of_the_operators_document_is_fresh() {
        let copy = Path::new(env!("CARGO_MANIFEST_DIR")).join("operator.json");
        chassis::openapi::compare_copy(&document(Service::Campaign), &copy).unwrap();
    }
}
