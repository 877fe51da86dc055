//! `/api/v1/onboarding` and `/api/v1/workflows`: what is done with applications. What is asked becomes a command of notify's; what is shown
//! is handed on to notify.

use api::{
    CancelWorkflow, ChangeOnboarding, OnboardingFilter, OnboardingView, RetryWorkflow,
    SkipWorkflowStep, WorkflowFilter, WorkflowView,
};
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use chassis::auth::Caller;
use chassis::http::RequestContext;
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable, Waits};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::write::{NoBody, Write};
use runtime::{HandsOn, Host, NotifyRefusals};
use types::WorkflowId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::operator::Proxy;
use super::submit::{Answers, CommandRequest};
use super::webhooks::{hand_on, query};

/// At notify.
const ONBOARDING: &str = "/api/v1/notify/onboarding";
const WORKFLOWS: &str = "/api/v1/notify/workflows";

/// What is asked of onboarding and of workflows.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new()
        .routes(routes!(change_onboarding))
        .routes(routes!(retry_workflow))
        .routes(routes!(skip_workflow_step))
        .routes(routes!(cancel_workflow))
}

/// Onboarding and workflows as notify shows them.
pub(super) fn reads(host: &Host) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list_onboardings))
        .routes(routes!(list_workflows))
        .routes(routes!(get_workflow))
        .with_state(Proxy::new(host))
}

/// Asks that applications to a brand's campaigns are taken through these steps, whole: what is absent is not done, except `crm`, which is
/// done unless it is `false`. It counts for those that come from then on.
#[utoipa::path(
    put, path = "/api/v1/onboarding", tag = "onboarding", params(Repeatable, Waits),
    request_body(content = ChangeOnboarding, example = json!({"enabled": true, "countries": ["DE", "AT"], "tags": ["newcomer"]})),
    responses(Answers<(Forbidden, NotFound, NotifyRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn change_onboarding(
    State(bff): State<Bff>,
    caller: Caller,
    write: Write<ChangeOnboarding>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    let caller = &command_request.caller;
    let brand = caller.brand_or_own(body.brand_id())?;
    caller.require_owner(None, Some(&brand))?;
    bff.submit(command_request, body.command(brand)).await
}

/// Asks that a step that waits is tried now.
#[utoipa::path(
    post, path = "/api/v1/workflows/{id}/retry", tag = "onboarding", params(("id" = String, Path), Repeatable, Waits),
    request_body = NoBody,
    responses(Answers<(Forbidden, NotifyRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn retry_workflow(
    State(bff): State<Bff>,
    caller: Caller,
    Path(workflow): Path<WorkflowId>,
    write: Write<RetryWorkflow>,
) -> Result<Response, Problem> {
    caller.brand_scope()?;
    let (body, command_request) = CommandRequest::part(write, caller);
    bff.submit(command_request, body.command(workflow)).await
}

/// Asks that a step that waits is left out, `crm_contact` or `link`: the rest goes on without it.
#[utoipa::path(
    post, path = "/api/v1/workflows/{id}/skip", tag = "onboarding", params(("id" = String, Path), Repeatable, Waits),
    request_body(content = SkipWorkflowStep, example = json!({"step": "crm_contact"})),
    responses(Answers<(Forbidden, NotifyRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn skip_workflow_step(
    State(bff): State<Bff>,
    caller: Caller,
    Path(workflow): Path<WorkflowId>,
    write: Write<SkipWorkflowStep>,
) -> Result<Response, Problem> {
    caller.brand_scope()?;
    let (body, command_request) = CommandRequest::part(write, caller);
    bff.submit(command_request, body.command(workflow)).await
}

/// Asks that a workflow ends, and what it did is taken back. The application waits for the brand, as without onboarding.
#[utoipa::path(
    post, path = "/api/v1/workflows/{id}/cancel", tag = "onboarding", params(("id" = String, Path), Repeatable, Waits),
    request_body = NoBody,
    responses(Answers<(Forbidden, NotifyRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn cancel_workflow(
    State(bff): State<Bff>,
    caller: Caller,
    Path(workflow): Path<WorkflowId>,
    write: Write<CancelWorkflow>,
) -> Result<Response, Problem> {
    caller.brand_scope()?;
    let (body, command_request) = CommandRequest::part(write, caller);
    bff.submit(command_request, body.command(workflow)).await
}

/// What is done with applications: to the caller's own campaigns, for operators of all brands.
#[utoipa::path(
    get, path = "/api/v1/onboarding", tag = "onboarding", params(PageQuery, OnboardingFilter),
    responses((status = 200, body = Page<OnboardingView>), Problems<(Forbidden, NotFound, HandsOn)>), security(("bearer" = []))
)]
pub(crate) async fn list_onboardings(
    State(proxy): State<Proxy>,
    caller: Caller,
    context: RequestContext,
    headers: HeaderMap,
    uri: Uri,
    list: List<OnboardingFilter>,
) -> Result<Response, Problem> {
    caller.narrowed(list.filter.brand_id.as_ref())?;
    hand_on(&proxy, ONBOARDING, query(&uri), (context, headers)).await
}

/// What is done with applications, newest first: to the caller's own campaigns, for operators to all.
#[utoipa::path(
    get, path = "/api/v1/workflows", tag = "onboarding", params(PageQuery, WorkflowFilter),
    responses((status = 200, body = Page<WorkflowView>), Problems<(Forbidden, NotFound, HandsOn)>), security(("bearer" = []))
)]
pub(crate) async fn list_workflows(
    State(proxy): State<Proxy>,
    caller: Caller,
    context: RequestContext,
    headers: HeaderMap,
    uri: Uri,
    list: List<WorkflowFilter>,
) -> Result<Response, Problem> {
    caller.narrowed(list.filter.brand_id.as_ref())?;
    hand_on(&proxy, WORKFLOWS, query(&uri), (context, headers)).await
}

/// What is done with one application, step by step.
#[utoipa::path(
    get, path = "/api/v1/workflows/{id}", tag = "onboarding", params(("id" = String, Path)),
    responses((status = 200, body = WorkflowView), Problems<(Forbidden, NotFound, HandsOn)>), security(("bearer" = []))
)]
pub(crate) async fn get_workflow(
    State(proxy): State<Proxy>,
    caller: Caller,
    context: RequestContext,
    headers: HeaderMap,
    Path(workflow): Path<WorkflowId>,
) -> Result<Response, Problem> {
    caller.brand_scope()?;
    hand_on(
        &proxy,
        WORKFLOWS,
        format!("/{workflow}"),
        (context, headers),
    )
    .await
}
