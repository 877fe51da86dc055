//! Campaign's HTTP surface.

mod bans;
mod campaigns;
mod enrollments;
mod evidence;
mod groups;
mod keys;
mod records;
mod terms;

use runtime::Host;
use utoipa_axum::router::OpenApiRouter;

/// The routes that event mode closes: all of them.
pub(crate) fn routes(host: &Host) -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(campaigns::routes())
        .merge(terms::routes())
        .merge(enrollments::routes())
        .merge(bans::routes())
        .merge(evidence::routes())
        .merge(keys::routes())
        .merge(records::routes())
        .merge(groups::routes())
        .with_state(host.clone())
}
