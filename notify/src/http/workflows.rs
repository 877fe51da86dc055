//! `/api/v1/notify/workflows`, `…/{workflow_id}`, and what is asked of one.

use std::collections::HashMap;

use api::{
    CancelWorkflow, ManagerView, RetryWorkflow, SkipWorkflowStep, WorkflowFilter, WorkflowStepView,
    WorkflowView,
};
use axum::extract::State;
use chassis::auth::Caller;
use chassis::json::Json;
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable};
use chassis::page::{List, Page, PageQuery};
use chassis::params::Path;
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::{NoBody, Write};
use runtime::{Done, Host, NotifyRefusals, OrUnread};
use types::{Micros, WorkflowId, WorkflowReason, WorkflowStep, WorkflowStepState};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::{StepRecord, Workflow};
use crate::store::crm_calls::{self, Call};
use crate::store::workflows;

/// What is asked of workflows.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(retry_workflow))
        .routes(routes!(skip_workflow_step))
        .routes(routes!(cancel_workflow))
}

/// Workflows as they stand.
pub(super) fn reads() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(list_workflows))
        .routes(routes!(get_workflow))
}

super::done!(
    /// What was done to a workflow.
    WorkflowDone, workflow_id, "wfl_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f", "workflow.cancelled.v1"
);

/// Try a step that waits now
#[utoipa::path(
    post,
    path = "/api/v1/notify/workflows/{workflow_id}/retry",
    tag = "onboarding",
    params(("workflow_id" = String, Path), Repeatable),
    request_body = NoBody,
    responses(Done<WorkflowDone>, Problems<NotifyRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn retry_workflow(
    State(host): State<Host>,
    caller: Caller,
    Path(workflow): Path<WorkflowId>,
    write: Write<RetryWorkflow>,
) -> Result<Done<WorkflowDone>, Problem> {
    let command = |_, body: RetryWorkflow| body.command(workflow);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|first| WorkflowDone::from(first)))
}

/// Leave out a step that waits
///
/// It is `crm_contact` or `link`: the rest goes on without it.
#[utoipa::path(
    post,
    path = "/api/v1/notify/workflows/{workflow_id}/skip",
    tag = "onboarding",
    params(("workflow_id" = String, Path), Repeatable),
    request_body(content = SkipWorkflowStep, example = json!({"step": "crm_contact"})),
    responses(Done<WorkflowDone>, Problems<NotifyRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn skip_workflow_step(
    State(host): State<Host>,
    caller: Caller,
    Path(workflow): Path<WorkflowId>,
    write: Write<SkipWorkflowStep>,
) -> Result<Done<WorkflowDone>, Problem> {
    let command = |_, body: SkipWorkflowStep| body.command(workflow);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|first| WorkflowDone::from(first)))
}

/// Stop a workflow
///
/// What it did is taken back. The application waits for the brand, as without onboarding.
#[utoipa::path(
    post,
    path = "/api/v1/notify/workflows/{workflow_id}/cancel",
    tag = "onboarding",
    params(("workflow_id" = String, Path), Repeatable),
    request_body = NoBody,
    responses(Done<WorkflowDone>, Problems<NotifyRefusals>),
    security(("bearer" = []))
)]
pub(super) async fn cancel_workflow(
    State(host): State<Host>,
    caller: Caller,
    Path(workflow): Path<WorkflowId>,
    write: Write<CancelWorkflow>,
) -> Result<Done<WorkflowDone>, Problem> {
    let command = |_, body: CancelWorkflow| body.command(workflow);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|first| WorkflowDone::from(first)))
}

/// What is done with applications, newest first: to the caller's own campaigns, for operators to all.
#[utoipa::path(
    get,
    path = "/api/v1/notify/workflows",
    tag = "onboarding",
    params(PageQuery, WorkflowFilter),
    responses((status = 200, body = Page<WorkflowView>), Problems<(Forbidden, NotFound)>),
    security(("bearer" = []))
)]
pub(super) async fn list_workflows(
    State(host): State<Host>,
    caller: Caller,
    list: List<WorkflowFilter>,
) -> Result<Page<WorkflowView>, Problem> {
    let brand = caller.narrowed(list.filter.brand_id.as_ref())?;
    let rows = workflows::list(host.pool(), brand, &list.filter, list.page)
        .await
        .or_unread()?;
    let calls = calls(&host, &rows).await?;
    let view = |row: Workflow| view(row, &calls);
    Ok(Page::new(list.page, rows, |row| row.position, view))
}

/// What is done with one application, step by step.
#[utoipa::path(
    get,
    path = "/api/v1/notify/workflows/{workflow_id}",
    tag = "onboarding",
    params(("workflow_id" = String, Path)),
    responses((status = 200, body = WorkflowView), Problems<(Forbidden, NotFound)>),
    security(("bearer" = []))
)]
pub(super) async fn get_workflow(
    State(host): State<Host>,
    caller: Caller,
    Path(workflow): Path<WorkflowId>,
) -> Result<Json<WorkflowView>, Problem> {
    let row = workflows::find(host.pool(), caller.brand_scope()?, &workflow)
        .await
        .or_unread()?;
    let row = row.ok_or_else(Problem::not_found)?;
    let calls = calls(&host, std::slice::from_ref(&row)).await?;
    Ok(Json(view(row, &calls)))
}

/// How the CRM is called for these just now.
async fn calls(host: &Host, rows: &[Workflow]) -> Result<HashMap<String, Call>, Problem> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.to_string()).collect();
    let calls = crm_calls::load(host.pool(), &ids).await.or_unread()?;
    let calls = calls.into_iter();
    Ok(calls.map(|it| (it.workflow_id.clone(), it)).collect())
}

fn view(row: Workflow, calls: &HashMap<String, Call>) -> WorkflowView {
    let call = calls.get(row.id.as_str());
    let steps = row.steps.iter().map(|it| step(it, call)).collect();
    let started = row.started;
    WorkflowView {
        steps,
        manager: ManagerView::open(
            &started.brand_id,
            started.sealed_manager.as_deref(),
            started.sealed_manager_mail.as_deref(),
        ),
        id: row.id.into_string(),
        brand_id: started.brand_id.into_string(),
        partner_id: started.partner_id.into_string(),
        campaign_id: started.campaign_id.into_string(),
        correlation_id: started.correlation_id.to_string(),
        status: row.status.name().to_owned(),
        country: row.country.map(|it| it.to_string()),
        group_id: started.group_id.map(types::GroupId::into_string),
        tags: started.tags,
        failed: row.failed.map(|it| it.name().to_owned()),
        reason: row.reason.map(|it| it.name().to_owned()),
        returned: row.returned,
        started_at: Timestamp(row.started_at),
        changed_at: Timestamp(row.changed_at),
        ended_at: row.ended_at.map(Timestamp),
    }
}

fn step(record: &StepRecord, call: Option<&Call>) -> WorkflowStepView {
    let under_way = matches!(
        record.state,
        WorkflowStepState::Running | WorkflowStepState::Compensating
    );
    let call = call.filter(|_| under_way && record.step == WorkflowStep::CrmContact);
    WorkflowStepView {
        step: record.step.name().to_owned(),
        state: record.state.name().to_owned(),
        reason: record.reason.map(|it| WorkflowReason::name(it).to_owned()),
        crm_status: call.map_or(record.crm_status, |it| it.crm_status),
        attempts: call.map(|it| it.attempts),
        next_at: call.map(|it| Timestamp(Micros(it.next_at))),
        changed_at: record.changed_at.map(Timestamp),
    }
}
