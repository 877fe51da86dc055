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

/// What a write answers: whose it is, by the id that its event is about, and what came of it.
macro_rules! done {
    ($(#[$doc:meta])* $name:ident, $id:ident, $example:literal, $event:literal) => {
        $(#[$doc])*
        #[derive(Debug, serde::Serialize, utoipa::ToSchema)]
        pub(super) struct $name {
            #[schema(example = $example)]
            $id: String,
            /// What came of it, as its event's type.
            #[schema(example = $event)]
            event: String,
            recorded_at: chassis::time::Timestamp,
        }

        impl From<&schemas::Message> for $name {
            fn from(first: &schemas::Message) -> Self {
                Self {
                    $id: first.header.subject.clone(),
                    event: first.header.kind.clone(),
                    recorded_at: chassis::time::Timestamp(first.header.time),
                }
            }
        }
    };
}
use done;

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
