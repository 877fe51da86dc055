//! What is requested beside what every journey does: by operators of a brand's money and of visitors, by brands of keys, of who
//! comes in and of dates, and links of which many are made at once.

use reqwest::Method;
use schemas::{
    Actor, Body, ChangeV1, InviteV1, RejectEvidenceV1, RejectV1, Service, SetFundsWarningV1,
};
use serde_json::{Value, json};
use types::{CampaignId, EnrollmentId, EvidenceId, GroupId, Micros, PartnerId};
use uuid::Uuid;

use super::act::{Act, Amount, HOME, actor_of_brand, actor_of_partner, brand_of};

/// Stands in a path for the id that the journey noted last.
const NOTED: &str = "{noted}";
/// When a campaign of the workload ends: after every run.
const ENDS_AT: Micros = Micros(4_070_908_800_000_000);
const ENDS_AT_TEXT: &str = "2099-01-01T00:00:00Z";
const WHY: &str = "needs_more_detail";
const GROUPS: &str = "groups";
/// Nobody listens there: what is sent waits, and is tried again and again.
const RECEIVER: &str = "http://127.0.0.1:9/hook";

/// A command that has the same form at the bff and at its service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requested {
    /// Who decides it.
    pub service: Service,
    /// By which method it is taken.
    pub method: Method,
    path: String,
    body: Value,
    /// Who asks; none: an operator.
    pub by: Option<Actor>,
    /// Key, subject and body of the message, where an external producer sends one.
    pub sent: Option<(String, String, Body)>,
}

impl Requested {
    fn new(service: Service, path: impl Into<String>, body: Value) -> Self {
        Self {
            service,
            method: Method::POST,
            path: path.into(),
            body,
            by: None,
            sent: None,
        }
    }

    fn by(self, actor: Actor) -> Self {
        Self {
            by: Some(actor),
            ..self
        }
    }

    fn method(self, method: Method) -> Self {
        Self { method, ..self }
    }

    fn act(self) -> Act {
        Act::Requested(Box::new(self))
    }

    /// Where the bff takes it.
    pub fn path(&self, noted: Option<&str>) -> String {
        self.path.replace(NOTED, noted.unwrap_or_default())
    }

    /// The body, at both.
    pub fn json(&self, noted: Option<&str>) -> Value {
        let mut body = self.body.clone();
        if let Some(group) = body.get_mut("group_id").filter(|it| **it == NOTED) {
            *group = json!(noted);
        }
        body
    }

    /// The id of what the command of this id makes, where a later step names it.
    pub fn makes(&self, id: Uuid) -> Option<String> {
        (self.path == GROUPS).then(|| GroupId::of_command(id).into_string())
    }
}

fn of_campaign(campaign: &str, path: impl Into<String>, body: Value) -> Requested {
    Requested::new(Service::Campaign, path, body).by(actor_of_brand(brand_of(campaign)))
}

/// An operator says that the campaign's brand pays before.
pub fn bill(campaign: &str, currency: &str) -> Act {
    let body = json!({"brand_id": brand_of(campaign), "currency": currency, "billing": "prepaid"});
    Requested::new(Service::Payment, "billing", body).act()
}

/// The campaign's brand wants to be warned when its funds cover less than this.
pub fn warn(campaign: &str, amount: Amount) -> Act {
    let brand = brand_of(campaign);
    let body = SetFundsWarningV1 {
        currency: amount.currency.to_owned(),
        amount: Some(amount.minor.cast_signed()),
    };
    // An operator, who may set it too, has to say whose it is.
    let json = json!({"brand_id": brand, "currency": amount.currency, "amount": amount.text()});
    Requested {
        sent: Some((brand.clone(), brand.clone(), body.into())),
        ..Requested::new(Service::Payment, "funds/warning", json).by(actor_of_brand(brand))
    }
    .method(Method::PUT)
    .act()
}

/// An operator says what the bank says of the deposit, or the withdrawal, that the journey noted last.
pub fn settle(what: &str, status: &str) -> Act {
    let mut body = json!({"status": status});
    if status == "failed" {
        body["reason"] = json!("returned");
    }
    Requested::new(Service::Payment, format!("{what}/{NOTED}/settle"), body).act()
}

/// The campaign's brand gives the key that the journey noted last another secret.
pub fn rotate(campaign: &str) -> Act {
    of_campaign(campaign, format!("keys/{NOTED}/rotate"), json!({})).act()
}

/// The campaign's brand ends the key that the journey noted last.
pub fn revoke(campaign: &str) -> Act {
    of_campaign(campaign, format!("keys/{NOTED}"), json!({}))
        .method(Method::DELETE)
        .act()
}

/// The brand asks a partner in.
pub fn invite(campaign: &str, partner: &str) -> Act {
    let path = format!("campaigns/{campaign}/partners/{partner}/invite");
    let body = InviteV1 {
        partner_id: partner.to_owned(),
    };
    let sent = (
        campaign.to_owned(),
        enrollment(campaign, partner),
        body.into(),
    );
    Requested {
        sent: Some(sent),
        ..of_campaign(campaign, path, json!({}))
    }
    .act()
}

/// The brand wants to know more before a partner that applied comes in.
pub fn reject(campaign: &str, partner: &str) -> Act {
    let path = format!("campaigns/{campaign}/partners/{partner}/reject");
    let body = RejectV1 {
        partner_id: partner.to_owned(),
        reason: WHY.to_owned(),
    };
    let sent = (
        campaign.to_owned(),
        enrollment(campaign, partner),
        body.into(),
    );
    Requested {
        sent: Some(sent),
        ..of_campaign(campaign, path, json!({"reason": WHY}))
    }
    .act()
}

/// What is made of a campaign's id and a partner's; nothing where they are none, which the plan has not.
fn of_both(
    campaign: &str,
    partner: &str,
    id: impl Fn(&CampaignId, &PartnerId) -> String,
) -> String {
    let ids = (CampaignId::parse(campaign), PartnerId::parse(partner));
    match ids {
        (Ok(campaign), Ok(partner)) => id(&campaign, &partner),
        _ => String::new(),
    }
}

fn enrollment(campaign: &str, partner: &str) -> String {
    of_both(campaign, partner, |campaign, partner| {
        EnrollmentId::of(campaign, partner).to_string()
    })
}

/// The brand does not take a partner's evidence, for good.
pub fn reject_evidence(campaign: &str, partner: &str, url: &str) -> Act {
    let evidence = of_both(campaign, partner, |campaign, partner| {
        EvidenceId::of(campaign, partner, "photo", url).into_string()
    });
    let path = format!("evidence/{evidence}/reject");
    let body = RejectEvidenceV1 {
        reason: WHY.to_owned(),
    };
    let json = json!({"campaign_id": campaign, "reason": WHY});
    Requested {
        sent: Some((campaign.to_owned(), evidence, body.into())),
        ..of_campaign(campaign, path, json)
    }
    .act()
}

/// The brand says when its campaign ends.
pub fn change_end(campaign: &str) -> Act {
    let change = ChangeV1 {
        ends_at: Some(ENDS_AT),
        ..ChangeV1::default()
    };
    let sent = (campaign.to_owned(), campaign.to_owned(), change.into());
    let path = format!("campaigns/{campaign}");
    Requested {
        sent: Some(sent),
        ..of_campaign(campaign, path, json!({"ends_at": ENDS_AT_TEXT}))
    }
    .method(Method::PATCH)
    .act()
}

/// An operator erases a visitor of the campaign's brand.
pub fn erase_visitor(campaign: &str, user: &str) -> Act {
    let body = json!({"brand_id": brand_of(campaign), "user_id": user});
    Requested::new(Service::Tracking, "erasures", body).act()
}

/// The partner makes these links by one request.
pub fn batch(campaign: &str, partner: &str, codes: &[String]) -> Act {
    let links = codes.iter().map(|code| {
        json!({"campaign_id": campaign, "partner_id": partner, "code": code, "target_url": "https://shop.example/"})
    });
    let body = json!({"links": links.collect::<Vec<_>>()});
    Requested::new(Service::Tracking, "links:batch", body)
        .by(actor_of_partner(partner))
        .act()
}

/// What the campaign's brand has come in, under its funds' own name.
pub fn deposit(campaign: &str, amount: Amount) -> Act {
    Act::Deposit {
        campaign: campaign.to_owned(),
        name: "default".to_owned(),
        amount,
    }
}

/// What a brand wants done with applications beside a look at the country.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onboarding {
    /// They come into the group that the journey noted last, and the brand decides.
    IntoGroup,
    /// The brand decides.
    Decides,
    /// They are let in.
    Approves,
}

fn of_notify(campaign: &str, path: impl Into<String>, body: Value) -> Requested {
    Requested::new(Service::Notify, path, body).by(actor_of_brand(brand_of(campaign)))
}

/// The campaign's brand is sent all that it may see.
pub fn endpoint(campaign: &str) -> Act {
    let body = json!({"brand_id": brand_of(campaign), "url": RECEIVER});
    of_notify(campaign, "webhooks", body).act()
}

/// The campaign's brand has a mail address.
pub fn mailed(campaign: &str) -> Act {
    let body =
        json!({"brand_id": brand_of(campaign), "addresses": [{"address": "brand@example.com"}]});
    of_notify(campaign, "contacts/mail", body)
        .method(Method::PUT)
        .act()
}

/// The partner has a mail address.
pub fn partner_mailed(partner: &str) -> Act {
    let body = json!({"partner_id": partner, "addresses": [{"address": format!("{partner}@example.com")}]});
    Requested::new(Service::Notify, "contacts/mail", body)
        .by(actor_of_partner(partner))
        .method(Method::PUT)
        .act()
}

/// The campaign's brand makes a group.
pub fn newcomers(campaign: &str) -> Act {
    let body = json!({"brand_id": brand_of(campaign), "name": "Newcomers"});
    of_campaign(campaign, GROUPS, body).act()
}

/// Applications to the campaign's brand are taken through these steps. There is no CRM.
pub fn onboarding(campaign: &str, onboarding: Onboarding) -> Act {
    let mut body = json!({
        "brand_id": brand_of(campaign), "enabled": true, "approves": onboarding == Onboarding::Approves, "countries": [HOME],
        "tags": ["newcomer"], "crm": true,
    });
    if onboarding == Onboarding::IntoGroup {
        body["group_id"] = json!(NOTED);
    }
    of_notify(campaign, "onboarding", body)
        .method(Method::PUT)
        .act()
}

fn of_workflow(campaign: &str, what: &str, body: Value) -> Act {
    of_notify(campaign, format!("workflows/{NOTED}/{what}"), body).act()
}

/// The campaign's brand wants done now what the workflow waits for that the journey noted last.
pub fn retry(campaign: &str) -> Act {
    of_workflow(campaign, "retry", json!({}))
}

/// It wants the CRM left out of that.
pub fn skip(campaign: &str) -> Act {
    of_workflow(campaign, "skip", json!({"step": "crm_contact"}))
}

/// It wants no more of it, and what was done taken back.
pub fn cancel(campaign: &str) -> Act {
    of_workflow(campaign, "cancel", json!({}))
}
