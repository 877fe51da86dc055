//! Commands and facts, as the domain takes them. Whatever an external producer sent ends here as a rejection at worst.

use std::str::FromStr;

use api::ProductId;
use api::visitor::Unreadable;
use chassis::json::{Metadata, WebUrl};
use schemas::{
    About, Actor, BindClickV1, Body, ChangeLinkV1, CreateLinkV1, EraseVisitorV1, Event as _,
    Header, Message, RecordEventV1, Topic, Utm, VisitorHashes, kind,
};
use types::{
    Amount, BrandId, CampaignId, ClaimId, ClickId, ConversionId, DeclineReason, ErasureId,
    LinkCode, LinkStatus, OrderId, PartnerId, check_time,
};

use crate::domain::{
    Access, BindClick, ChangeLink, ClaimDecision, Code, CreateLink, DecideClaim, EraseVisitor,
    Event, EventType, Fact, Rejection, Report, Requested, TargetUrl, Visitor, adopt,
    amount_refused,
};
use crate::visitor;

/// The longest visitor id, in characters.
pub const MAX_USER_ID_LENGTH: usize = 128;

/// What a message asks or states.
#[derive(Debug)]
pub enum Read {
    /// A link.
    Link(CreateLink),
    /// What becomes of a link.
    ChangedLink(ChangeLink),
    /// A report.
    Report(Report),
    /// Whose a click was.
    Binding(BindClick),
    /// Of whom nothing is to be kept.
    Erasure(EraseVisitor),
    /// What becomes of a claim.
    Claim(DecideClaim),
    /// What notify wants done for a workflow.
    Requested(Requested),
    /// A fact from campaign, as the own event that it becomes.
    Fact(Event),
}

/// Reads a command or a fact, now. A report that claims no time is of when it was requested.
pub fn read(message: &Message, now: types::Micros) -> Result<Read, Rejection> {
    let header = &message.header;
    match &message.body {
        Body::CreateLinkV1(body) => create_link(header, body).map(Read::Link),
        Body::ChangeLinkV1(body) => change_link(header, body).map(Read::ChangedLink),
        Body::RecordEventV1(body) => report(header, body, now).map(Read::Report),
        Body::BindClickV1(body) => bind_click(header, body).map(Read::Binding),
        Body::EraseVisitorV1(body) => erase_visitor(header, body).map(Read::Erasure),
        Body::AcceptClaimV1(_) => decide(header, ClaimDecision::Accept).map(Read::Claim),
        Body::DeclineClaimV1(body) => {
            let reason = DeclineReason::parse(&body.reason);
            let reason = reason.ok_or_else(|| invalid("/reason", "is none that is known"))?;
            decide(header, ClaimDecision::Decline(reason)).map(Read::Claim)
        }
        Body::WorkflowStepRequestedV1(body) => {
            let workflow = header.subject.parse();
            let workflow = workflow.map_err(|error| invalid("/workflow_id", error))?;
            Ok(Read::Requested(About::of(workflow, body.clone())))
        }
        _ => fact(message),
    }
}

fn create_link(header: &Header, body: &CreateLinkV1) -> Result<CreateLink, Rejection> {
    Ok(CreateLink {
        code: LinkCode::parse(&*header.subject).map_err(|error| invalid("/code", error))?,
        campaign: campaign(&body.campaign_id)?,
        partner: partner(&body.partner_id)?,
        target: target(&body.target_url)?,
        utm: utm(body.utm.as_ref())?.filter(|utm| *utm != Utm::default()),
        deep_paths: body.deep_paths.unwrap_or_default(),
    })
}

fn utm(utm: Option<&Utm>) -> Result<Option<Utm>, Rejection> {
    let faults = utm.map(Utm::faults).unwrap_or_default();
    match faults.into_iter().next() {
        Some((pointer, error)) => Err(invalid(pointer, error)),
        None => Ok(utm.cloned()),
    }
}

fn change_link(header: &Header, body: &ChangeLinkV1) -> Result<ChangeLink, Rejection> {
    let nothing = ChangeLinkV1 {
        target_url: None,
        status: None,
        utm: None,
        deep_paths: None,
    };
    if *body == nothing {
        return Err(invalid("", "must change something"));
    }
    let status = body.status.as_deref().map(|name| {
        let status = LinkStatus::parse(name);
        status.ok_or_else(|| invalid("/status", "is none that is known"))
    });
    let unknown = |_| Rejection::new(Code::LinkUnknown, "there is no such link");
    Ok(ChangeLink {
        code: LinkCode::parse(&*header.subject).map_err(unknown)?,
        target: body.target_url.as_deref().map(target).transpose()?,
        status: status.transpose()?,
        utm: utm(body.utm.as_ref())?,
        deep_paths: body.deep_paths,
    })
}

fn target(url: &str) -> Result<TargetUrl, Rejection> {
    let url = WebUrl::parse(url).map_err(|error| invalid("/target_url", error))?;
    Ok(TargetUrl {
        host: url.host(),
        url: url.into_string(),
    })
}

fn decide(header: &Header, decision: ClaimDecision) -> Result<DecideClaim, Rejection> {
    let unknown = |_| Rejection::new(Code::ClaimUnknown, "there is no such claim");
    let claim = ClaimId::parse(&*header.subject).map_err(unknown)?;
    Ok(DecideClaim { claim, decision })
}

/// The conversion that a report is about, as its message says it.
pub fn conversion_of(message: &Message) -> Option<ConversionId> {
    let Body::RecordEventV1(body) = &message.body else {
        return None;
    };
    let named = Named::read(body).ok()?;
    Some(named.conversion(shop(&message.header).as_ref(), &message.header))
}

/// What a report names.
struct Named {
    campaign: Option<CampaignId>,
    order: Option<OrderId>,
    conversion: Option<ConversionId>,
}

impl Named {
    fn read(body: &RecordEventV1) -> Result<Self, Rejection> {
        let conversion = body.conversion_id.as_deref().map(|text| {
            let named = ConversionId::named(text);
            named.ok_or_else(|| invalid("/conversion_id", "must be a UUID"))
        });
        Ok(Self {
            campaign: body.campaign_id.as_deref().map(campaign).transpose()?,
            order: optional("/order_id", body.order_id.as_deref())?,
            conversion: conversion.transpose()?,
        })
    }

    fn conversion(&self, shop: Option<&BrandId>, header: &Header) -> ConversionId {
        let (campaign, order) = (self.campaign.as_ref(), self.order.as_ref());
        let derived = || ConversionId::of_report(shop, campaign, order, header.id);
        self.conversion.clone().unwrap_or_else(derived)
    }
}

fn shop(header: &Header) -> Option<BrandId> {
    access(header.actor.as_ref()).shop().cloned()
}

fn report(header: &Header, body: &RecordEventV1, now: types::Micros) -> Result<Report, Rejection> {
    let named = Named::read(body)?;
    let shop = shop(header);
    let is_subject = |id: &ConversionId| id.as_str() == header.subject;
    let conversion = named.conversion(shop.as_ref(), header);
    // An edge that was not yet upgraded says it without the brand.
    if !is_subject(&conversion) && !is_subject(&named.conversion(None, header)) {
        let detail = "the message's subject is neither the conversion that it names nor that of its brand, campaign and order";
        return Err(Rejection::new(Code::InvalidField, detail));
    }
    // Nobody decides by these; they are kept as they are, so they must be what can be kept.
    if let Some(metadata) = &body.metadata {
        Metadata::parse(metadata).map_err(|error| invalid("/metadata", error))?;
    }
    if let Some(product) = &body.product_id {
        ProductId::parse(product).map_err(|error| invalid("/product_id", error))?;
    }
    check_time(body.occurred_at).map_err(|error| invalid("/occurred_at", error))?;
    let event_type = EventType::parse(&body.event_type);
    let wrong_type = "must be 1 to 64 characters from A-Z a-z 0-9 _ - .";
    let event_type = event_type.ok_or_else(|| invalid("/event_type", wrong_type))?;
    let names_conversion = named.conversion.is_some();
    if names_conversion && event_type != EventType::Refund {
        return Err(invalid("/conversion_id", "is for a refund alone"));
    }
    Ok(Report {
        conversion,
        event_type,
        user: visitor(Some(&body.user_id), body.visitor.as_ref())?,
        occurred_at: body.occurred_at.unwrap_or_else(|| header.requested_at(now)),
        claims_time: body.occurred_at.is_some(),
        amount: amount(body.amount.as_deref())?,
        currency: optional("/currency", body.currency.as_deref())?,
        order: named.order,
        campaign: named.campaign,
        click: optional("/click_id", body.click_id.as_deref())?,
        names_conversion,
    })
}

fn bind_click(header: &Header, body: &BindClickV1) -> Result<BindClick, Rejection> {
    let unknown = |_| Rejection::new(Code::ClickUnknown, "there is no such click");
    Ok(BindClick {
        click: ClickId::parse(&*header.subject).map_err(unknown)?,
        visitor: visitor(body.user_id.as_ref(), body.visitor.as_ref())?,
    })
}

fn erase_visitor(header: &Header, body: &EraseVisitorV1) -> Result<EraseVisitor, Rejection> {
    let brand = BrandId::parse(&*body.brand_id);
    Ok(EraseVisitor {
        erasure: ErasureId::parse(&*header.subject).map_err(|error| invalid("", error))?,
        brand: brand.map_err(|error| invalid("/brand_id", error))?,
        visitor: visitor(None, Some(&body.visitor))?,
    })
}

/// Who, as an edge says it, or by the id that an external producer gives.
fn visitor(id: Option<&String>, hashes: Option<&VisitorHashes>) -> Result<Visitor, Rejection> {
    if let Some(hashes) = hashes {
        return visitor::of_command(hashes).map_err(|unreadable| match unreadable {
            Unreadable::Malformed => invalid("/visitor", "is no hash"),
            Unreadable::KeyUnknown => {
                let detail = "the visitor is named by a key that tracking does not have: LASTING_SECRET_KEY differs";
                Rejection::new(Code::VisitorKeyUnknown, detail)
            }
        });
    }
    let id = id.map_or("", String::as_str);
    let length = id.chars().count();
    if !(1..=MAX_USER_ID_LENGTH).contains(&length) || id.chars().any(char::is_control) {
        return Err(invalid("/user_id", "must be 1 to 128 characters"));
    }
    Ok(visitor::read(id))
}

fn fact(message: &Message) -> Result<Read, Rejection> {
    let fact = Fact::read(message)
        .map_err(|error| Rejection::new(Code::InvalidField, error.to_string()))?;
    let unknown = || {
        let kind = &message.header.kind;
        Rejection::new(
            Code::InvalidField,
            format!("tracking does nothing with {kind}"),
        )
    };
    Ok(Read::Fact(adopt(fact.ok_or_else(unknown)?)))
}

/// What the one who asks may touch; no actor is the system itself.
pub fn access(actor: Option<&Actor>) -> Access {
    match actor {
        Some(actor) if !actor.is_operator() => Access::Own {
            partner: actor.partner(),
            brand: actor.brand(),
        },
        _ => Access::All,
    }
}

/// What became of a report, for an answer: the name in its event's kind.
pub fn event_outcome(body: &Body) -> &'static str {
    let kind = body.kind(Topic::TrackingEvents);
    kind.and_then(|kind| outcome_of(kind.name))
        .unwrap_or_default()
}

/// Everything that may become of a report.
pub fn event_outcomes() -> Vec<&'static str> {
    let report = kind("tracking.record_event.command.v1");
    let kinds = report.map_or(&[][..], |kind| kind.outcomes).iter();
    kinds.filter_map(|kind| outcome_of(kind)).collect()
}

fn outcome_of(kind: &'static str) -> Option<&'static str> {
    kind.split('.').nth(1)
}

fn amount(text: Option<&str>) -> Result<Option<Amount>, Rejection> {
    text.map(Amount::parse).transpose().map_err(amount_refused)
}

fn optional<T>(pointer: &'static str, text: Option<&str>) -> Result<Option<T>, Rejection>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    text.map(str::parse)
        .transpose()
        .map_err(|error| invalid(pointer, error))
}

fn campaign(text: &str) -> Result<CampaignId, Rejection> {
    CampaignId::parse(text).map_err(|error| invalid("/campaign_id", error))
}

fn partner(text: &str) -> Result<PartnerId, Rejection> {
    PartnerId::parse(text).map_err(|error| invalid("/partner_id", error))
}

fn invalid(pointer: &'static str, error: impl std::fmt::Display) -> Rejection {
    Rejection::of(pointer, Code::InvalidField, error.to_string())
}
