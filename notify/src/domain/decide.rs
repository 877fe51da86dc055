//! What becomes of what is asked.

use schemas::visible::{POSTBACK_KINDS, kinds_sent};
use schemas::{
    About, NotificationFailedV1, NotificationSentV1, WebhookEndpointChangedV1,
    WebhookEndpointCreatedV1, WebhookEndpointDisabledV1, WebhookEndpointEnabledV1,
    WebhookEndpointRemovedV1, WebhookEndpointTestedV1, WebhookSecretRotatedV1, WebhooksResentV1,
};
use types::{
    MAX_WEBHOOK_ENDPOINTS, WebhookDisabledReason, WebhookEndpointStatus, WebhookFormat,
    check_postback_url,
};

use super::contact::{self, Concluded};
use super::workflow::{change_onboarding, decide_workflow};
use super::{
    Change, Code, Command, Context, Endpoint, Event, Owner, Rejection, Resend, View, give_up_id,
    mail_template,
};

/// What becomes of a command: what happened, first what was asked for; or it is refused.
pub fn decide_all(
    view: View,
    command: &Command,
    context: &Context,
) -> Result<Vec<Event>, Rejection> {
    match command {
        Command::ChangeOnboarding(new) => change_onboarding(view.onboarding, new, &context.actor),
        Command::Workflow(_, command) => {
            decide_workflow(view.workflow, view.ended_call, *command, context)
        }
        _ => decide(view, command, context).map(|event| vec![event]),
    }
}

/// Of endpoints, addresses and mails every command comes to one event, or is refused.
pub fn decide(view: View, command: &Command, context: &Context) -> Result<Event, Rejection> {
    if let Command::Create { new, owner } = command {
        return create(view, new, owner, context);
    }
    if let Command::ChangeContact { new, owner } = command {
        return contact::change(view.contact, new, owner, &context.actor).map(Event::from);
    }
    if let Command::Unsubscribe { address, group, .. } = command {
        return contact::unsubscribe(view.contact, *address, *group).map(Event::from);
    }
    if let Command::ChangeMailTemplate(new) = command {
        return mail_template::change(view.mail_template, new, &context.actor);
    }
    if let Command::Conclude(concluded) = command {
        return conclude(view, concluded);
    }
    if let Command::GiveUp(_, reason, id) = command {
        let endpoint = there(view.endpoint)?;
        enabled(endpoint)?;
        // It may have waited while its owner mended it.
        if *id != give_up_id(endpoint.id.as_str(), endpoint.enabled_at) {
            let detail = "the endpoint was enabled again since";
            return Err(Rejection::new(Code::WebhookEndpointDisabled, detail));
        }
        return Ok(disabled(endpoint, *reason));
    }
    let endpoint = there(view.endpoint.filter(|it| context.actor.is(&it.owner)))?;
    let (brand_id, partner_id) = named(&endpoint.owner);
    let id = endpoint.id.clone();
    Ok(match command {
        Command::Create { .. }
        | Command::GiveUp(..)
        | Command::ChangeContact { .. }
        | Command::Unsubscribe { .. }
        | Command::ChangeMailTemplate(_)
        | Command::Conclude(_)
        | Command::ChangeOnboarding(_)
        | Command::Workflow(..) => return Err(unknown()),
        Command::Change(_, change) => return changed(endpoint, change),
        Command::Enable(_) => {
            if endpoint.is_enabled() {
                let detail = "the endpoint is sent events";
                return Err(Rejection::new(Code::WebhookEndpointEnabled, detail));
            }
            let enabled = WebhookEndpointEnabledV1 {
                brand_id,
                partner_id,
            };
            About::of(id, enabled).into()
        }
        Command::Disable(_) => {
            enabled(endpoint)?;
            disabled(endpoint, WebhookDisabledReason::Owner)
        }
        Command::RotateSecret(_, overlap_seconds) => {
            let until = context.now.checked_add_seconds(*overlap_seconds);
            let rotated = WebhookSecretRotatedV1 {
                brand_id,
                partner_id,
                version: endpoint.secret_version.saturating_add(1),
                previous_until: until.filter(|_| *overlap_seconds > 0),
            };
            About::of(id, rotated).into()
        }
        Command::Remove(_) => removed(endpoint),
        Command::Test(_) => {
            enabled(endpoint)?;
            let tested = WebhookEndpointTestedV1 {
                brand_id,
                partner_id,
            };
            About::of(id, tested).into()
        }
        Command::Resend(_, which) => {
            enabled(endpoint)?;
            let (delivery_id, since, until) = match *which {
                Resend::One(_) if !view.has_delivery => {
                    let detail = "the endpoint was sent no such delivery";
                    return Err(Rejection::new(Code::WebhookDeliveryUnknown, detail));
                }
                Resend::One(delivery) => (Some(delivery), None, None),
                Resend::Range { since, until } => {
                    (None, Some(since), Some(until.unwrap_or(context.now)))
                }
            };
            let resent = WebhooksResentV1 {
                brand_id,
                partner_id,
                delivery_id,
                since,
                until,
            };
            About::of(id, resent).into()
        }
    })
}

/// An endpoint of whose owner nothing is to be kept any more: there is one no more.
pub fn forget(endpoint: &Endpoint) -> Option<Event> {
    there(Some(endpoint)).ok().map(removed)
}

fn removed(endpoint: &Endpoint) -> Event {
    let (brand_id, partner_id) = named(&endpoint.owner);
    let removed = WebhookEndpointRemovedV1 {
        brand_id,
        partner_id,
    };
    About::of(endpoint.id.clone(), removed).into()
}

fn create(
    view: View,
    new: &About<WebhookEndpointCreatedV1>,
    owner: &Owner,
    context: &Context,
) -> Result<Event, Rejection> {
    if !context.actor.is(owner) {
        return Err(contact::unknown(owner));
    }
    let format = new.format.unwrap_or(WebhookFormat::Webhook);
    if format == WebhookFormat::Postback && owner.partner().is_none() {
        let detail = "postbacks are for partners: a brand's systems are sent webhooks";
        return Err(Rejection::of("/format", Code::InvalidField, detail));
    }
    sent(owner, format, &new.kinds)?;
    // Its id is that of the command: one that is known is the same command.
    if view.endpoint.is_some() || view.endpoints_of_owner >= MAX_WEBHOOK_ENDPOINTS {
        let detail = format!("an owner has {MAX_WEBHOOK_ENDPOINTS} endpoints at most: remove one");
        return Err(Rejection::new(Code::TooManyWebhookEndpoints, detail));
    }
    let mut new = new.clone();
    named_kinds(format, &mut new.record.kinds);
    Ok(new.into())
}

/// Of a postback the types that it is sent are named, also where its owner names none.
fn named_kinds(format: WebhookFormat, kinds: &mut Vec<String>) {
    if format == WebhookFormat::Postback && kinds.is_empty() {
        kinds.extend(POSTBACK_KINDS.map(str::to_owned));
    }
}

/// What became of a mail is stated once.
fn conclude(view: View, concluded: &Concluded) -> Result<Event, Rejection> {
    if !view.mail_waits {
        let detail = "there is no such mail, or what became of it is known";
        return Err(Rejection::new(Code::MailUnknown, detail));
    }
    let (brand_id, partner_id) = named(&concluded.owner);
    let (mail, kind, event_id) = (
        concluded.mail.clone(),
        concluded.kind.clone(),
        concluded.event_id,
    );
    Ok(match concluded.failure {
        None => {
            let sent = NotificationSentV1 {
                brand_id,
                partner_id,
                kind,
                event_id,
                channel: Some(concluded.channel),
            };
            About::of(mail, sent).into()
        }
        Some(reason) => {
            let failed = NotificationFailedV1 {
                brand_id,
                partner_id,
                kind,
                event_id,
                reason,
                smtp_status: concluded.smtp_status,
                channel: Some(concluded.channel),
            };
            About::of(mail, failed).into()
        }
    })
}

fn changed(endpoint: &Endpoint, change: &Change) -> Result<Event, Rejection> {
    if let Some(kinds) = &change.kinds {
        sent(&endpoint.owner, endpoint.format, kinds)?;
    }
    let mut kinds = change.kinds.as_ref().unwrap_or(&endpoint.kinds).clone();
    named_kinds(endpoint.format, &mut kinds);
    let url = change.url.as_ref().unwrap_or(&endpoint.url).clone();
    addressed(endpoint.format, &url)?;
    let description = match change.description.as_deref() {
        None => endpoint.description.clone(),
        Some("") => None,
        Some(text) => Some(text.to_owned()),
    };
    let (brand_id, partner_id) = named(&endpoint.owner);
    let after = WebhookEndpointChangedV1 {
        brand_id,
        partner_id,
        url,
        kinds,
        description,
    };
    let same = after.url == endpoint.url
        && after.kinds == endpoint.kinds
        && after.description == endpoint.description;
    if same {
        let detail = "the endpoint is so already";
        return Err(Rejection::new(Code::WebhookEndpointUnchanged, detail));
    }
    Ok(About::of(endpoint.id.clone(), after).into())
}

fn disabled(endpoint: &Endpoint, reason: WebhookDisabledReason) -> Event {
    let (brand_id, partner_id) = named(&endpoint.owner);
    let disabled = WebhookEndpointDisabledV1 {
        brand_id,
        partner_id,
        reason,
    };
    About::of(endpoint.id.clone(), disabled).into()
}

/// The kinds are ones of which the owner is sent something: else it would wait for ever.
fn sent(owner: &Owner, format: WebhookFormat, kinds: &[String]) -> Result<(), Rejection> {
    let to_brands = owner.brand().is_some();
    for (index, kind) in kinds.iter().enumerate() {
        let (is_sent, what) = match format {
            WebhookFormat::Webhook => (kinds_sent(to_brands).any(|sent| sent == kind), "the owner"),
            WebhookFormat::Postback => (POSTBACK_KINDS.contains(&kind.as_str()), "a postback"),
        };
        if !is_sent {
            let detail = format!("there is no type of event {kind} that {what} is sent");
            let pointer = format!("/kinds/{index}");
            return Err(Rejection::of(pointer, Code::InvalidField, detail));
        }
    }
    Ok(())
}

/// The address is one that what is sent there can have.
fn addressed(format: WebhookFormat, url: &str) -> Result<(), Rejection> {
    let checked = match format {
        // Checked where it was read.
        WebhookFormat::Webhook => return Ok(()),
        WebhookFormat::Postback => check_postback_url(url),
    };
    checked.map_err(|invalid| {
        let detail = format!("the address of a postback {invalid}");
        Rejection::of("/url", Code::InvalidField, detail)
    })
}

fn named(owner: &Owner) -> (Option<types::BrandId>, Option<types::PartnerId>) {
    (owner.brand().cloned(), owner.partner().cloned())
}

fn there(endpoint: Option<&Endpoint>) -> Result<&Endpoint, Rejection> {
    let is_there = |it: &&Endpoint| it.status != WebhookEndpointStatus::Removed;
    endpoint.filter(is_there).ok_or_else(unknown)
}

fn unknown() -> Rejection {
    Rejection::new(
        Code::WebhookEndpointUnknown,
        "there is no such webhook endpoint",
    )
}

fn enabled(endpoint: &Endpoint) -> Result<(), Rejection> {
    if endpoint.is_enabled() {
        return Ok(());
    }
    let detail = "the endpoint is disabled: enable it";
    Err(Rejection::new(Code::WebhookEndpointDisabled, detail))
}
