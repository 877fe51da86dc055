//! Campaign's HTTP surface.

mod acceptance;
mod campaigns;
mod evidence;
mod plan;
mod terms;

use chassis::auth::Caller;
use chassis::json::parse;
use chassis::problem::{FieldProblem, Problem};
use chassis::write::NoBody;
use host::Host;
use money::PartnerId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes that event mode closes: all of them.
pub(crate) fn routes(host: &Host) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(
            campaigns::create_campaign,
            campaigns::list_campaigns
        ))
        .routes(routes!(campaigns::get_campaign))
        .routes(routes!(campaigns::activate_campaign))
        .routes(routes!(terms::publish_terms, terms::list_terms))
        .routes(routes!(acceptance::accept_campaign))
        .routes(routes!(evidence::submit_evidence, evidence::list_evidence))
        .with_state(host.clone())
}

/// Reads a body as the operation of that name does, up to where a command is made of it; `None` for an operation without
/// a body. For tests of hostile input, which cannot name the types.
#[doc(hidden)]
pub fn read_body(operation: &str, json: &[u8]) -> Option<Result<(), Problem>> {
    Some(match operation {
        "create_campaign" => parse::<campaigns::CreateCampaign>(json).map(drop),
        "activate_campaign" => parse::<NoBody>(json).map(drop),
        "publish_terms" => parse::<terms::PublishTerms>(json).map(drop),
        "accept_campaign" => parse::<acceptance::AcceptCampaign>(json).map(drop),
        "submit_evidence" => parse::<evidence::SubmitEvidence>(json).map(drop),
        _ => return None,
    })
}

/// The partner that a body is about: the one it names, else the caller's own. Whether that is the caller's to act for is
/// decided with the state.
fn partner_of(caller: &Caller, named: Option<PartnerId>) -> Result<PartnerId, Problem> {
    match named {
        Some(partner) => Ok(partner),
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
