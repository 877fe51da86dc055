//! Wire records to what the domain is asked.

mod mail;
mod workflow;

use schemas::{
    About, Body, ChangeWebhookEndpointV1, CreateWebhookEndpointV1, Header, Message,
    ResendWebhooksV1, Service, WebhookEndpointCreatedV1,
};
use types::{
    PartnerId, Uuid, WebhookDisabledReason, WebhookEndpointId, WebhookFormat, check_description,
    check_overlap, check_postback_url, check_time, check_webhook_url,
};

use crate::domain::{Actor, Change, Code, Command, Owner, Rejection, Resend, WorkflowCommand};

pub(crate) use workflow::{Concerns, concerns};

/// Who asks. An operator's word counts from the bff and from this service's own HTTP surface only.
pub(crate) fn actor(header: &Header) -> Actor {
    let who = header.actor.as_ref();
    Actor {
        operator: header.is_from_edge_of(Service::Notify)
            && who.is_some_and(schemas::Actor::is_operator),
        partner: who.and_then(schemas::Actor::partner),
        brand: who.and_then(schemas::Actor::brand),
    }
}

/// The command of a message; `None` when the message is no command of ours.
pub(crate) fn command(message: &Message) -> Option<Result<Command, Rejection>> {
    let header = &message.header;
    Some(match &message.body {
        Body::CreateWebhookEndpointV1(wire) => create(header, wire),
        Body::ChangeWebhookEndpointV1(wire) => change(header, wire),
        Body::EnableWebhookEndpointV1(_) => of_endpoint(header).map(Command::Enable),
        Body::DisableWebhookEndpointV1(_) => of_endpoint(header).map(Command::Disable),
        Body::RotateWebhookSecretV1(wire) => {
            rotate(header, wire.overlap_seconds.unwrap_or_default())
        }
        Body::RemoveWebhookEndpointV1(_) => of_endpoint(header).map(Command::Remove),
        Body::TestWebhookEndpointV1(_) => of_endpoint(header).map(Command::Test),
        Body::ResendWebhooksV1(wire) => resend(header, wire),
        Body::GiveWebhookEndpointUpV1(wire) => give_up(header, &wire.reason),
        Body::ChangeContactV1(wire) => mail::change_contact(header, wire),
        Body::UnsubscribeV1(wire) => mail::unsubscribe(header, wire),
        Body::ChangeMailTemplateV1(wire) => mail::change_template(header, wire),
        Body::ConcludeMailV1(wire) => mail::conclude(header, wire),
        Body::ChangeOnboardingV1(wire) => workflow::change_onboarding(header, wire),
        Body::RetryWorkflowV1(_) => workflow::by_people(header, WorkflowCommand::Retry),
        Body::SkipWorkflowStepV1(wire) => workflow::skip(header, wire),
        Body::CancelWorkflowV1(_) => workflow::by_people(header, WorkflowCommand::Cancel),
        Body::ConcludeCrmCallV1(wire) => workflow::conclude(header, wire),
        Body::EndWorkflowV1(wire) => workflow::end(header, wire),
        _ => return None,
    })
}

/// Whether a command is to disable an endpoint: it comes to one event, or to none.
pub(crate) fn disables(message: &Message) -> bool {
    matches!(
        message.body,
        Body::DisableWebhookEndpointV1(_) | Body::GiveWebhookEndpointUpV1(_)
    )
}

/// The partner of whom nothing is to be kept any more, where a fact says so.
pub(crate) fn erased(message: &Message) -> Option<PartnerId> {
    match &message.body {
        Body::PartnerErasedV1(_) => message.header.subject.parse().ok(),
        _ => None,
    }
}

/// The campaign that a fact says has ended for good.
pub(crate) fn closed(message: &Message) -> Option<&str> {
    match &message.body {
        Body::CampaignClosedV1(_) => Some(&message.header.subject),
        _ => None,
    }
}

fn owner(brand: Option<&str>, partner: Option<&str>) -> Result<Owner, Rejection> {
    let brand = brand.map(str::parse).transpose().map_err(at("/brand_id"))?;
    let partner = partner.map(str::parse).transpose();
    let partner = partner.map_err(at("/partner_id"))?;
    let owner = Owner::of(brand, partner).ok_or("is a brand's or a partner's");
    owner.map_err(at(""))
}

fn create(header: &Header, wire: &CreateWebhookEndpointV1) -> Result<Command, Rejection> {
    let endpoint = of_endpoint(header)?;
    about(header, WebhookEndpointId::of_command(header.id).as_str())?;
    let owner = owner(wire.brand_id.as_deref(), wire.partner_id.as_deref())?;
    let format = wire.format.as_deref().map(|name| {
        let format = WebhookFormat::parse(name).ok_or("is none that is known");
        format.map_err(at("/format"))
    });
    let format = format.transpose()?;
    match format.unwrap_or(WebhookFormat::Webhook) {
        WebhookFormat::Webhook => check_webhook_url(&wire.url).map_err(at("/url"))?,
        WebhookFormat::Postback => check_postback_url(&wire.url).map_err(at("/url"))?,
    }
    describe(wire.description.as_deref())?;
    let new = WebhookEndpointCreatedV1 {
        brand_id: owner.brand().cloned(),
        partner_id: owner.partner().cloned(),
        url: wire.url.clone(),
        kinds: wire.kinds.clone(),
        description: wire.description.clone(),
        format,
    };
    let new = Box::new(About::of(endpoint, new));
    Ok(Command::Create { new, owner })
}

fn change(header: &Header, wire: &ChangeWebhookEndpointV1) -> Result<Command, Rejection> {
    let endpoint = of_endpoint(header)?;
    if let Some(url) = &wire.url {
        check_webhook_url(url).map_err(at("/url"))?;
    }
    describe(wire.description.as_deref().filter(|text| !text.is_empty()))?;
    let change = Change {
        url: wire.url.clone(),
        kinds: wire.kinds.clone(),
        description: wire.description.clone(),
    };
    Ok(Command::Change(endpoint, change))
}

fn rotate(header: &Header, overlap_seconds: i64) -> Result<Command, Rejection> {
    check_overlap(overlap_seconds).map_err(at("/overlap_seconds"))?;
    Ok(Command::RotateSecret(of_endpoint(header)?, overlap_seconds))
}

fn resend(header: &Header, wire: &ResendWebhooksV1) -> Result<Command, Rejection> {
    let endpoint = of_endpoint(header)?;
    check_time(wire.since).map_err(at("/since"))?;
    check_time(wire.until).map_err(at("/until"))?;
    let resend = match (&wire.delivery_id, wire.since, wire.until) {
        (Some(id), None, None) => Resend::One(id.parse::<Uuid>().map_err(at("/delivery_id"))?),
        (None, Some(since), until) if until.is_none_or(|until| until > since) => {
            Resend::Range { since, until }
        }
        _ => return Err(at("")("names one delivery, or a time")),
    };
    Ok(Command::Resend(endpoint, resend))
}

fn give_up(header: &Header, reason: &str) -> Result<Command, Rejection> {
    let reason = WebhookDisabledReason::parse(reason).ok_or("is none that is known");
    let reason = reason.map_err(at("/reason"))?;
    Ok(Command::GiveUp(of_endpoint(header)?, reason, header.id))
}

fn describe(text: Option<&str>) -> Result<(), Rejection> {
    let checked = text.map(check_description).transpose();
    checked.map(|_| ()).map_err(at("/description"))
}

/// The endpoint that is key and subject, of an edge's command: who may send commands for a brand is not for that one who may have
/// told all that the brand sees.
fn of_endpoint(header: &Header) -> Result<WebhookEndpointId, Rejection> {
    from_people(header)?;
    about(header, &header.key)?;
    header.key.parse().map_err(at("/endpoint_id"))
}

fn from_people(header: &Header) -> Result<(), Rejection> {
    if header.is_from_edge_of(Service::Notify) {
        return Ok(());
    }
    let detail = "webhook endpoints, mail addresses, texts of mails and onboarding are for people to make and change, and not for a producer";
    Err(Rejection::new(Code::NotForProducers, detail))
}

/// A command must be ordered and parked by the aggregate that it changes.
fn about(header: &Header, subject: &str) -> Result<(), Rejection> {
    if header.subject == subject {
        return Ok(());
    }
    let detail = format!("the command cannot be read: its subject must be {subject}");
    Err(Rejection::new(Code::Unreadable, detail))
}

fn at<E: ToString>(pointer: &'static str) -> impl FnOnce(E) -> Rejection {
    move |error| {
        let detail = format!("the command cannot be read: {}", error.to_string());
        Rejection::of(pointer, Code::Unreadable, detail)
    }
}
