//! Notify's HTTP surface.

mod contacts;
mod deliveries;
mod endpoints;
mod mail_templates;
mod mails;
mod onboarding;
mod workflows;

use runtime::Host;
use utoipa_axum::router::OpenApiRouter;

/// The routes that event mode closes: all that asks for something.
pub(crate) fn routes(host: &Host) -> OpenApiRouter {
    endpoints::routes()
        .merge(contacts::routes())
        .merge(mail_templates::routes())
        .merge(onboarding::routes())
        .merge(workflows::routes())
        .with_state(host.clone())
}

/// The routes that are open in every mode, since the bff hands on what is asked there: what stands, and what was sent.
pub(crate) fn reads(host: &Host) -> OpenApiRouter {
    endpoints::reads()
        .merge(deliveries::reads())
        .merge(contacts::reads())
        .merge(mail_templates::reads())
        .merge(mails::reads())
        .merge(onboarding::reads())
        .merge(workflows::reads())
        .with_state(host.clone())
}
