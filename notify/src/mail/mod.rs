//! Mails: which event is told whom, by which template, and how it is sent.

mod message;
mod own;
mod server;
mod settings;
mod templates;
#[cfg(test)]
mod tests;

use api::unsubscribe::Unsubscribe;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemas::visible::{self, Owners, Seen, SpokenFor};
use schemas::{Body, Message, TermsPublishedV1};
use sealing::texts;
use serde_json::{Value, json};
use types::{
    BrandId, Channel, ContactId, MailGroup, MailLanguage, Month, PartnerId, Uuid,
    WebhookDisabledReason,
};

use crate::domain::Owner;
pub(crate) use message::{Outgoing, message};
pub(crate) use own::{Draft, Variable, sample_values};
pub(crate) use server::{Answer, Server};
pub(crate) use settings::read_mails;
pub(crate) use templates::{Rendered, render};

/// Where a mail keeps the name of who looks after its reader.
const SEALED_MANAGER: &str = "sealed_manager";
/// Where a template finds the link by which its reader ends such mails.
const UNSUBSCRIBE: &str = "unsubscribe";
/// Every partner has one at once, when a month is over.
const STATEMENT: &str = "statement.issued.v1";
/// The status of a commission that is not earned for good yet.
const HELD: &str = "held";
/// The status of one that is, from the start.
const APPROVED: &str = "approved";

/// To whom a mail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    /// The partner whose its event is.
    Partner,
    /// The brand whose its event is.
    Brand,
    /// Whoever of the two owns what its event is about.
    Owner,
    /// Each partner that is in the campaign of its event: a job goes through them.
    Enrolled,
}

impl To {
    /// Whether such an owner, who sees its event, is told at once.
    pub(crate) fn is(self, owner: &Owner) -> bool {
        match self {
            Self::Partner => owner.partner().is_some(),
            Self::Brand => owner.brand().is_some(),
            Self::Owner => true,
            Self::Enrolled => false,
        }
    }

    /// The names of roles that it may be to.
    pub(crate) fn names(self) -> Vec<String> {
        let names: &[&str] = match self {
            Self::Partner | Self::Enrolled => &["partner"],
            Self::Brand => &["brand"],
            Self::Owner => &["partner", "brand"],
        };
        names.iter().map(|name| (*name).to_owned()).collect()
    }
}

/// A kind of mail.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// What it is about, as the type of its event.
    pub(crate) event: &'static str,
    /// The name of its templates.
    pub(crate) template: &'static str,
    /// To whom it is.
    pub(crate) to: To,
    /// Which addresses of theirs are sent it.
    pub(crate) group: MailGroup,
    /// The golden sample of its event.
    sample: &'static str,
}

impl Kind {
    /// By which ways it goes.
    pub(crate) fn channels(&self) -> &'static [Channel] {
        if self.is_texted() {
            &Channel::ALL
        } else {
            &[Channel::Mail]
        }
    }

    /// Whether it goes by text too: there is one of it.
    pub(crate) fn is_texted(&self) -> bool {
        TEXTS.iter().any(|(_, name, _)| *name == self.template)
    }

    /// Whether it goes before mails that tell of what is earned, or each partner the same: those are many.
    pub(crate) fn hurries(&self) -> bool {
        self.group.is_obligatory() && self.to != To::Enrolled && self.event != STATEMENT
    }
}

/// What is mailed to whom, with what: templates are files of that name in each language, as text and as HTML.
macro_rules! kinds {
    ($($topic:literal $event:literal => $template:literal, $to:ident, $group:ident;)+) => {
        /// What is mailed to whom.
        pub(crate) const KINDS: &[Kind] = &[$(Kind {
            event: $event,
            template: $template,
            to: To::$to,
            group: MailGroup::$group,
            sample: include_str!(concat!("../../../schemas/golden/next/", $topic, "/", $event, ".json")),
        }),+];

        /// Each template as text, whose first line is the subject, and as HTML.
        const FILES: &[(MailLanguage, &str, &str, &str)] = &[$(
            (
                MailLanguage::English,
                $template,
                include_str!(concat!("../../templates/en/", $template, ".txt")),
                include_str!(concat!("../../templates/en/", $template, ".html")),
            ),
            (
                MailLanguage::German,
                $template,
                include_str!(concat!("../../templates/de/", $template, ".txt")),
                include_str!(concat!("../../templates/de/", $template, ".html")),
            ),
        )+];
    };
}

kinds! {
    "campaign-events" "enrollment.applied.v1" => "application_received", Brand, Programme;
    "campaign-events" "enrollment.approved.v1" => "application_approved", Partner, Programme;
    "campaign-events" "enrollment.rejected.v1" => "application_rejected", Partner, Programme;
    "campaign-events" "enrollment.invited.v1" => "invited", Partner, Programme;
    "campaign-events" "terms.published.v1" => "terms_changed", Enrolled, Money;
    "tracking-events" "claim.accepted.v1" => "claim_accepted", Partner, Earnings;
    "tracking-events" "claim.declined.v1" => "claim_declined", Partner, Earnings;
    "tracking-events" "claim.settled.v1" => "claim_settled", Partner, Earnings;
    "commission-events" "commission.calculated.v1" => "commission_held", Partner, Earnings;
    "commission-events" "commission.approved.v1" => "commission_approved", Partner, Earnings;
    "payment-events" "payout.requested.v1" => "payout_requested", Partner, Money;
    "payment-events" "payout.paid.v1" => "payout_paid", Partner, Money;
    "payment-events" "payout.failed.v1" => "payout_failed", Partner, Money;
    "payment-events" "statement.issued.v1" => "statement_ready", Partner, Money;
    "payment-events" "funds.low.v1" => "funds_low", Brand, Money;
    "payment-events" "funds.exhausted.v1" => "funds_exhausted", Brand, Money;
    "payment-events" "funds.restored.v1" => "funds_restored", Brand, Money;
    "notify-events" "webhook_endpoint.disabled.v1" => "webhook_disabled", Owner, Security;
    "notify-events" "workflow.completed.v1" => "welcome", Partner, Programme;
    "notify-events" "workflow.compensated.v1" => "onboarding_stopped", Brand, Programme;
}

/// The texts, in each language: few, since each costs money and disturbs somebody.
const TEXTS: &[(MailLanguage, &str, &str)] = &[
    (
        MailLanguage::English,
        "payout_paid",
        include_str!("../../templates/en/payout_paid.sms.txt"),
    ),
    (
        MailLanguage::German,
        "payout_paid",
        include_str!("../../templates/de/payout_paid.sms.txt"),
    ),
    (
        MailLanguage::English,
        "webhook_disabled",
        include_str!("../../templates/en/webhook_disabled.sms.txt"),
    ),
    (
        MailLanguage::German,
        "webhook_disabled",
        include_str!("../../templates/de/webhook_disabled.sms.txt"),
    ),
];

/// The mail about an event of this type, if there is one.
pub(crate) fn kind_of(event: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.event == event)
}

/// The mail that this event is told by, if by one: of a commission that is calculated that it is held, or that it is approved, of which no other
/// event follows; of statements those of the last month, as many may be issued at once.
pub(crate) fn kind_for(event: &Message) -> Option<&'static Kind> {
    let kind = event.header.kind.as_str();
    match &event.body {
        Body::CommissionCalculatedV1(it) => match it.status.as_str() {
            HELD => kind_of(kind),
            APPROVED if it.amount.minor > 0 => kind_of("commission.approved.v1"),
            _ => None,
        },
        Body::StatementIssuedV1(it) => {
            let issued_in = Month::of(event.header.time);
            let is_mailed = issued_in.is_some_and(|month| month.start() == it.month.end());
            kind_of(kind).filter(|_| is_mailed)
        }
        _ => kind_of(kind),
    }
}

/// The campaign that an event belongs to: the one that it names, or that it is ordered by.
pub(crate) fn campaign_of<'a>(event: &str, key: &'a str, data: &'a Value) -> Option<&'a str> {
    let of = |value: &'a Value| value["campaign_id"].as_str();
    let by_key = event.starts_with("enrollment.").then_some(key);
    of(data).or_else(|| of(&data["sale"])).or(by_key)
}

/// What a template is made of: what the viewer sees of the event, what it is about, and what its campaign is called.
pub(crate) fn data(mut shown: Value, about: &str, campaign: Option<&str>) -> Value {
    shown["about"] = about.into();
    if let Some(campaign) = campaign {
        shown["campaign"] = campaign.into();
    }
    shown
}

/// The endpoint that a mail about a disabled one is about, which is made of this; `None` where an operator disabled it.
pub(crate) fn given_up(data: &str) -> Option<String> {
    let data: Value = serde_json::from_str(data).ok()?;
    let about = data["about"].as_str().map(str::to_owned);
    about.filter(|_| data["reason"] != WebhookDisabledReason::Owner.name())
}

/// Whether a version of terms is worse; where it is not said, who accepted the version before keeps it.
pub(crate) fn worsens(published: &TermsPublishedV1) -> bool {
    published.worsens.unwrap_or(true)
}

/// What partners are told of a version of terms that takes the place of theirs.
pub(crate) fn terms(version: i32, effective_at: i64, worsens: bool) -> Value {
    json!({"version": version, "effective_at": effective_at, "worsens": worsens})
}

/// Has a mail name who looks after its reader: sealed, until it is sent.
pub(crate) fn keep_manager(data: &mut Value, sealed: &[u8]) {
    data[SEALED_MANAGER] = STANDARD.encode(sealed).into();
}

/// Opens who is kept there, of the mail's brand.
pub(crate) fn open_manager(data: &mut Value) {
    let brand = data["brand_id"].as_str();
    let brand = brand.and_then(|id| BrandId::parse(id).ok());
    let sealed = data[SEALED_MANAGER].as_str();
    let sealed = sealed.and_then(|text| STANDARD.decode(text).ok());
    let opened = brand
        .zip(sealed)
        .and_then(|(brand, sealed)| texts::open(&texts::of_managers_name(&brand), &sealed));
    if let Some(name) = opened {
        data["manager"] = name.into();
    }
}

/// Has a mail to this address of a contact have the link by which its reader ends such mails, where they can be ended.
pub(crate) fn add_link(
    data: &mut Value,
    kind: &Kind,
    language: MailLanguage,
    (contact, address): (&ContactId, Uuid),
) {
    let link = Unsubscribe {
        contact: contact.clone(),
        address,
        group: kind.group,
    };
    if let Some(url) = link.url(language) {
        data[UNSUBSCRIBE] = url.into();
    }
}

/// The same of a sample: a link that ends nobody's mails.
pub(crate) fn add_sample_link(data: &mut Value, kind: &Kind, language: MailLanguage) {
    if let Ok(nobody) = BrandId::parse("sample") {
        let nobody = (&ContactId::of_brand(&nobody), Uuid::nil());
        add_link(data, kind, language, nobody);
    }
}

impl Kind {
    /// What a template is made of to show what it looks like.
    pub(crate) fn sample(&self) -> Option<Value> {
        let sample: Value = serde_json::from_str(self.sample).ok()?;
        let kind = schemas::kind(self.event)?;
        let payload = sample["payload"][kind.field].clone();
        let body = schemas::payload(kind, &payload).ok()?;
        if let Body::TermsPublishedV1(it) = &body {
            let terms = terms(it.version.get(), it.effective_at.get(), worsens(it));
            return Some(data(terms, "sample", Some("Summer")));
        }
        let (partner, brand) = ("partner123", "brand1");
        let owner = match self.to {
            To::Brand => Owner::Brand(BrandId::parse(brand).ok()?),
            To::Partner | To::Owner | To::Enrolled => {
                Owner::Partner(PartnerId::parse(partner).ok()?)
            }
        };
        let id = owner.brand().map_or(partner, BrandId::as_str);
        let seen = Seen {
            kind: self.event,
            key: id,
            subject: "sample",
            asker: SpokenFor::default(),
            payload: Some(&payload),
            body: Some(&body),
        };
        let both = (Some(partner.to_owned()), Some(brand.to_owned()));
        let owners = Owners {
            subjects: [("sample".to_owned(), both)].into(),
            ..Owners::default()
        };
        let shown = visible::shown(&seen, &owner.viewer(), &owners)?;
        Some(data(shown, "sample", Some("Summer")))
    }
}
