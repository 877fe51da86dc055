//! Campaign's HTTP surface.

mod bans;
mod campaigns;
mod enrollments;
mod evidence;
mod groups;
mod keys;
mod records;
mod terms;

use chassis::auth::Caller;
use chassis::problem::{FieldProblem, Problem};
use runtime::Host;
use types::{BrandId, PartnerId};
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

/// The partner that a body is about: the one it names, else the caller's own. Whether that is the caller's to act for is
/// decided with the state.
fn partner_of(caller: &Caller, named: Option<&PartnerId>) -> Result<PartnerId, Problem> {
    match named {
        Some(partner) => Ok(partner.clone()),
        None if caller.is_operator() && caller.partner().is_none() => {
            let detail = "must be given: the token is not a partner's";
            Err(Problem::invalid(vec![FieldProblem::at(
                "/partner_id",
                detail,
            )]))
        }
        None => caller.require_partner().cloned(),
    }
}

/// The brand that a campaign, a group or an API key is made for: the one that the body names, else the caller's own.
fn brand_of(caller: &Caller, named: Option<&BrandId>) -> Result<BrandId, Problem> {
    match named {
        Some(brand) => Ok(brand.clone()),
        None if caller.is_operator() && caller.brand().is_none() => {
            let detail = "must be given: the token is not a brand's";
            Err(Problem::invalid(vec![FieldProblem::at(
                "/brand_id",
                detail,
            )]))
        }
        None => caller.require_brand().cloned(),
    }
}
