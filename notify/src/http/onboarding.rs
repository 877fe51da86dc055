//! `/api/v1/notify/onboarding`: what brands want done with applications.

use api::{ChangeOnboarding, ManagerView, OnboardingFilter, OnboardingView};
use axum::extract::State;
use chassis::auth::Caller;
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable};
use chassis::page::{List, Page, PageQuery};
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::Write;
use runtime::{Done, Host, NotifyRefusals, OrUnread};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::Onboarding;
use crate::store::onboardings;

/// What is asked of onboarding.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new().routes(routes!(change_onboarding))
}

/// Onboarding as it stands.
pub(super) fn reads() -> OpenApiRouter<Host> {
    OpenApiRouter::new().routes(routes!(list_onboardings))
}

super::done!(
    /// What was done to a brand's onboarding.
    OnboardingDone, brand_id, "brand1", "onboarding.changed.v1"
);

/// Say what is done with applications to a brand's campaigns
///
/// Whole: what is absent is not done, except `crm`, which is done unless it is `false`. It counts for applications that come from then on.
#[utoipa::path(
    put,
    path = "/api/v1/notify/onboarding",
    tag = "onboarding",
    params(Repeatable),
    request_body(content = ChangeOnboarding, example = json!({"enabled": true, "countries": ["DE", "AT"], "tags": ["newcomer"]})),
    responses(Done<OnboardingDone>, Problems<(Forbidden, NotifyRefusals)>),
    security(("bearer" = []))
)]
pub(super) async fn change_onboarding(
    State(host): State<Host>,
    caller: Caller,
    write: Write<ChangeOnboarding>,
) -> Result<Done<OnboardingDone>, Problem> {
    let brand = caller.brand_or_own(write.body.brand_id())?;
    let command = |_, body: ChangeOnboarding| body.command(brand);
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|first| OnboardingDone::from(first)))
}

/// What is done with applications: to the caller's own campaigns, for operators of all brands.
#[utoipa::path(
    get,
    path = "/api/v1/notify/onboarding",
    tag = "onboarding",
    params(PageQuery, OnboardingFilter),
    responses((status = 200, body = Page<OnboardingView>), Problems<(Forbidden, NotFound)>),
    security(("bearer" = []))
)]
pub(super) async fn list_onboardings(
    State(host): State<Host>,
    caller: Caller,
    list: List<OnboardingFilter>,
) -> Result<Page<OnboardingView>, Problem> {
    let brand = caller.narrowed(list.filter.brand_id.as_ref())?;
    let rows = onboardings::list(host.pool(), brand, list.page)
        .await
        .or_unread()?;
    Ok(Page::new(list.page, rows, |row| row.position, view))
}

fn view(row: Onboarding) -> OnboardingView {
    let wants = row.wants;
    let manager = wants.sealed_manager.as_deref();
    OnboardingView {
        enabled: wants.enabled,
        approves: wants.approves,
        countries: wants.countries.iter().map(ToString::to_string).collect(),
        group_id: wants.group_id.map(types::GroupId::into_string),
        tags: wants.tags,
        crm: wants.crm,
        manager: ManagerView::open(&row.brand, manager, wants.sealed_manager_mail.as_deref()),
        changed_at: Timestamp(row.changed_at),
        brand_id: row.brand.into_string(),
    }
}
