//! The states that a batch touches: loaded, looked at, evolved, noted beside, and saved.

mod mailing;
mod wanted;
mod workflows;

use std::collections::{HashMap, HashSet};

use chassis::time::Timestamp;
use messaging::WriteTx;
use runtime::States;
use schemas::visible::{self, Owners, Seen, SpokenFor, Unsaid};
use schemas::{Body, Message};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use types::{
    ContactId, MailTemplateId, Micros, PartnerId, Uuid, WebhookDisabledReason, WebhookEndpointId,
    WebhookEndpointStatus, WebhookFormat, ids,
};

use crate::domain::{
    self, Command, Contact, Endpoint, Event, MailTemplate, Owner, Place, Resend, View,
};
use crate::mail::{self, Kind};
use crate::messages;
use crate::store::contacts;
use crate::store::deliveries::{self, NewDelivery};
use crate::store::endpoints;
use crate::store::enrolled::{self, Enrollments};
use crate::store::erased;
use crate::store::interest::Interest;
use crate::store::mail_templates;
use crate::store::mails::{self, NewMail};
use crate::store::names;
use crate::store::owners;
use crate::store::removed_endpoints;
use crate::store::resends;
use crate::store::sales::{self, NewSale};
use crate::store::terms_mailings::{self, TermsMailing};
use mailing::{DAY, called, owner};
use wanted::Wanted;
use workflows::Workflows;

/// The states that one batch touches, and what it adds.
#[derive(Debug, Default)]
pub struct BatchState {
    endpoints: States<WebhookEndpointId, Endpoint>,
    /// The deliveries that commands name, each with its endpoint.
    deliveries: HashMap<Uuid, String>,
    owners: Owners,
    new_campaigns: Vec<(String, String)>,
    /// What facts say, as it is shown: empty where no endpoint could be sent it.
    payloads: HashMap<Uuid, Value>,
    new_deliveries: Vec<NewDelivery>,
    resends: Vec<(WebhookEndpointId, Resend)>,
    /// Endpoints that are sent events again.
    enabled: Vec<WebhookEndpointId>,
    /// Endpoints that there are no more.
    removed: Vec<String>,
    contacts: States<ContactId, Contact>,
    mail_templates: States<MailTemplateId, MailTemplate>,
    /// Of the mails that commands name, those of which the log does not have what became of them.
    unconcluded: HashSet<String>,
    concluded: Vec<String>,
    new_mails: Vec<NewMail>,
    /// What campaigns are called that events name.
    names: HashMap<String, String>,
    new_names: HashMap<String, String>,
    erased: Vec<PartnerId>,
    /// Who is in a campaign since this batch, or in it no more.
    enrollments: Enrollments,
    /// Versions of terms that partners are to be mailed about.
    terms_mailings: Vec<TermsMailing>,
    workflows: Workflows,
    /// Of conversions whose partner has postbacks, what they name.
    new_sales: Vec<NewSale>,
    /// Of commands that disable an endpoint, the event that they come to.
    disabling: HashMap<Uuid, Uuid>,
    /// By contact, of which endpoints it was mailed within a day that they were given up.
    mailed_disabled: HashMap<String, Vec<String>>,
    /// By contact, how many texts it was sent within a day of what happened elsewhere.
    texted: HashMap<String, i64>,
}

/// What an endpoint is sent.
#[derive(Serialize)]
struct Payload<'a> {
    r#type: &'a str,
    timestamp: Timestamp,
    subject: &'a str,
    data: Value,
}

impl BatchState {
    pub(crate) async fn load(tx: &mut WriteTx, messages: &[&Message]) -> Result<Self, sqlx::Error> {
        let mut wanted = Wanted::default();
        for message in messages {
            wanted.add(message);
        }
        let disabling = messages.iter().filter(|it| messages::disables(it));
        let disabling = disabling.map(|it| (it.header.id, tx.event_id(it.header.id, 0)));
        let disabling = disabling.collect();
        let a_day_ago = Micros(tx.now().get().saturating_sub(DAY));
        let connection = tx.connection();
        let mut state = Self {
            deliveries: deliveries::known(connection, &wanted.deliveries).await?,
            disabling,
            ..Self::default()
        };
        let unconcluded = mails::unconcluded(connection, &wanted.mails).await?;
        state.unconcluded = unconcluded.into_iter().collect();
        let wanted_workflows = std::mem::take(&mut wanted.workflows);
        let contacts = &mut wanted.contacts;
        state.workflows = Workflows::load(connection, wanted_workflows, contacts).await?;
        let facts = state.followed(connection, &mut wanted).await?;
        if !facts.is_empty() {
            state
                .look_for_viewers(connection, &facts, &mut wanted)
                .await?;
        }
        let Wanted {
            endpoints,
            brands,
            partners,
            mut contacts,
            mail_templates,
            ..
        } = wanted;
        let all = endpoints::load(connection, &endpoints, &brands, &partners).await?;
        // One that is given up is told its owner.
        let of_owners: Vec<String> = all
            .iter()
            .map(|it| it.owner.contact().into_string())
            .collect();
        if !state.disabling.is_empty() {
            state.mailed_disabled = mails::disabled(connection, &of_owners, a_day_ago).await?;
        }
        contacts.extend(of_owners);
        state.endpoints = States::new(all, |it| &it.id);
        let all = contacts::load(&mut *connection, &contacts).await?;
        state.contacts = States::new(all, |it| &it.id);
        let mut kinds = facts.iter().filter_map(|fact| mail::kind_for(fact));
        if kinds.any(Kind::is_texted) {
            state.texted = mails::texted(connection, &contacts, a_day_ago).await?;
        }
        let all = mail_templates::load(connection, &mail_templates).await?;
        state.mail_templates = States::new(all, |it| &it.id);
        Ok(state)
    }

    /// The facts that somebody could be told: all where there is an endpoint, else those that mails are about where there is an address.
    async fn followed<'a>(
        &self,
        connection: &mut PgConnection,
        wanted: &mut Wanted<'a>,
    ) -> Result<Vec<&'a Message>, sqlx::Error> {
        let mut facts = std::mem::take(&mut wanted.facts);
        if facts.is_empty() {
            return Ok(facts);
        }
        // An endpoint or an address that this batch touches may be enabled by it.
        let interest = Interest::load(connection).await?;
        if interest.endpoints || !wanted.endpoints.is_empty() {
            return Ok(facts);
        }
        if interest.contacts || !wanted.contacts.is_empty() {
            facts.retain(|fact| mail::kind_for(fact).is_some());
        } else {
            facts.clear();
        }
        Ok(facts)
    }

    /// Learns what the facts show and whose they are, and wants the endpoints of who sees them.
    async fn look_for_viewers(
        &mut self,
        connection: &mut PgConnection,
        facts: &[&Message],
        wanted: &mut Wanted<'_>,
    ) -> Result<(), sqlx::Error> {
        let shown = |fact: &&Message| (fact.header.id, schemas::show_payload(&fact.body));
        self.payloads = facts.iter().map(shown).collect();
        let mut campaigns = Vec::new();
        for fact in facts {
            if let Some(Unsaid::Campaign(id)) = self.seen(fact).and_then(|seen| seen.unsaid()) {
                campaigns.push(id.to_owned());
            }
        }
        self.owners.campaigns = owners::load(connection, &campaigns).await?;
        for fact in facts {
            // What is said of an owner in this batch counts for what comes behind it.
            self.owners.campaigns.extend(found(fact));
            let seen = self.seen(fact);
            let mailed = mail::kind_for(fact).is_some();
            for viewer in seen.iter().flat_map(|seen| seen.audience(&self.owners)) {
                wanted.owner(&viewer);
                let contact = owner(&viewer).map(|owner| owner.contact().into_string());
                wanted.contacts.extend(contact.filter(|_| mailed));
            }
        }
        let campaigns = facts.iter().filter_map(|fact| self.campaign(fact));
        let campaigns: Vec<String> = campaigns.map(ToOwned::to_owned).collect();
        self.names = names::load(connection, &campaigns).await?;
        Ok(())
    }

    /// A fact as it is seen, where somebody could be sent it.
    fn seen<'a>(&'a self, fact: &'a Message) -> Option<Seen<'a>> {
        let payload = self.payloads.get(&fact.header.id)?;
        Some(Seen {
            kind: &fact.header.kind,
            key: &fact.header.key,
            subject: &fact.header.subject,
            asker: SpokenFor::of(fact.header.actor.as_ref()),
            payload: Some(payload),
            body: Some(&fact.body),
        })
    }

    /// What a command touches.
    pub(crate) fn view(&self, command: &Command) -> View<'_> {
        let of = |owner: &Owner| {
            let all = self.endpoints.values();
            all.filter(|it| it.owner == *owner && it.status != WebhookEndpointStatus::Removed)
                .count()
        };
        let sent = command.delivery().and_then(|id| self.deliveries.get(&id));
        View {
            endpoint: command.endpoint().and_then(|id| self.endpoints.get(id)),
            contact: command.contact().and_then(|id| self.contacts.get(id)),
            mail_template: command
                .mail_template()
                .and_then(|id| self.mail_templates.get(id)),
            mail_waits: command
                .mail()
                .is_some_and(|id| self.unconcluded.contains(id.as_str())),
            onboarding: command
                .onboarding()
                .and_then(|brand| self.workflows.onboarding(brand)),
            workflow: command.workflow().and_then(|id| self.workflows.get(id)),
            ended_call: command
                .workflow()
                .and_then(|id| self.workflows.ended_call(id)),
            endpoints_of_owner: command.counted().map_or(0, of),
            has_delivery: sent
                .is_some_and(|to| command.endpoint().is_some_and(|it| it.as_str() == to)),
        }
    }

    /// What follows on what happened elsewhere.
    pub(crate) fn react(&self, message: &Message, now: Micros) -> Vec<Event> {
        let Some(partner) = messages::erased(message) else {
            return self.workflows.react(message, now);
        };
        let mut events = self.forget(&partner);
        events.extend(self.workflows.erased(&partner, now));
        events
    }

    /// What becomes of an erased partner's endpoints, in the order in which they were made, and of its mail addresses.
    fn forget(&self, partner: &PartnerId) -> Vec<Event> {
        let own = self.endpoints.values();
        let mut own: Vec<_> = own
            .filter(|it| it.owner.partner() == Some(partner))
            .collect();
        own.sort_unstable_by_key(|it| it.position);
        let contact = self.contacts.get(&ContactId::of_partner(partner));
        let contact = contact.and_then(domain::forget_contact).map(Event::from);
        let endpoints = own.into_iter().filter_map(domain::forget);
        endpoints.chain(contact).collect()
    }

    /// Applies what happened.
    pub(crate) fn apply(&mut self, event: &Event, place: Place) {
        if let Some(id) = event.contact() {
            self.contacts
                .evolve(id, |it| Contact::evolve(it, event, place));
        }
        if let Event::MailTemplateChanged(changed) = event {
            let id = &changed.subject;
            let after = MailTemplate::evolve(self.mail_templates.get(id), changed, place);
            self.mail_templates.put(id, after);
        }
        self.workflows.apply(event, place);
        if let Some(id) = event.endpoint() {
            self.endpoints
                .evolve(id, |it| Endpoint::evolve(it, event, place));
        }
    }

    /// Has what happened elsewhere sent to whoever sees it.
    pub(crate) fn follow(&mut self, message: &Message) {
        self.new_campaigns.extend(found(message));
        enrolled::note(&mut self.enrollments, message);
        if let Some(mailing) = TermsMailing::of(message) {
            enrolled::take_back(&mut self.enrollments, &mailing.campaign_id, mailing.version);
            self.terms_mailings.push(mailing);
        }
        if let Some(name) = called(message) {
            self.names
                .insert(message.header.subject.clone(), name.to_owned());
            self.new_names
                .insert(message.header.subject.clone(), name.to_owned());
        }
        if let Some(campaign) = messages::closed(message) {
            self.workflows.close(campaign);
        }
        self.follow_with_mail(message);
        let Some(seen) = self.seen(message) else {
            return;
        };
        let kind = message.header.kind.as_str();
        if !visible::is_sent(kind) {
            return;
        }
        let mut deliveries = Vec::new();
        for viewer in seen.audience(&self.owners) {
            let own = self.endpoints.values();
            let own = own.filter(|it| it.owner.viewer() == viewer && it.wants(kind));
            let own: Vec<_> = own.map(|it| it.id.clone()).collect();
            if own.is_empty() {
                continue;
            }
            let Some(data) = visible::shown(&seen, &viewer, &self.owners) else {
                continue;
            };
            for endpoint in own {
                let subject = &message.header.subject;
                deliveries.push(delivery(endpoint, message, kind, subject, &data));
            }
        }
        self.new_deliveries.extend(deliveries);
        let sale = NewSale::of(message).filter(|sale| self.has_postbacks(&sale.partner));
        self.new_sales.extend(sale);
    }

    /// Whether a partner's tracker is told what comes of its clicks, or will be once its endpoint is enabled.
    fn has_postbacks(&self, partner: &PartnerId) -> bool {
        let mut all = self.endpoints.values();
        all.any(|it| {
            it.owner.partner() == Some(partner)
                && it.format == WebhookFormat::Postback
                && it.status != WebhookEndpointStatus::Removed
        })
    }

    /// Has sent what an own event says.
    pub(crate) fn send(&mut self, command: &Message, event: &Event) {
        match event {
            Event::Tested(tested) => {
                let body = Body::from(tested.record.clone());
                let data = schemas::show_payload(&body);
                let kind = "webhook_endpoint.tested.v1";
                let endpoint = tested.subject.clone();
                let delivery = delivery(endpoint, command, kind, tested.subject.as_str(), &data);
                self.new_deliveries.push(delivery);
            }
            Event::Resent(resent) => {
                let range = resent.since.map(|since| Resend::Range {
                    since,
                    until: resent.until,
                });
                let which = resent.delivery_id.map(Resend::One).or(range);
                self.resends
                    .extend(which.map(|which| (resent.subject.clone(), which)));
            }
            Event::Disabled(it)
                if it.reason != WebhookDisabledReason::Owner
                    || !self.is_owners(command, &it.subject) =>
            {
                let body = Body::from(it.record.clone());
                let by_operator = it.reason == WebhookDisabledReason::Owner;
                self.mail_disabled(command, &it.subject, &body, by_operator);
            }
            Event::Enabled(it) => self.enabled.push(it.subject.clone()),
            Event::Removed(it) => self.removed.push(it.subject.to_string()),
            Event::MailSent(it) => self.concluded.push(it.subject.to_string()),
            Event::MailFailed(it) => self.concluded.push(it.subject.to_string()),
            Event::ContactChanged(_)
            | Event::Unsubscribed(_)
            | Event::MailTemplateChanged(_)
            | Event::Created(_)
            | Event::Changed(_)
            | Event::Disabled(_)
            | Event::SecretRotated(_) => {}
            _ => self.send_workflow(command, event),
        }
    }

    /// Whether an endpoint's owner asked for it, and not an operator.
    fn is_owners(&self, command: &Message, endpoint: &WebhookEndpointId) -> bool {
        let endpoint = self.endpoints.get(endpoint);
        endpoint.is_some_and(|it| messages::actor(&command.header).owns(&it.owner))
    }

    pub(crate) async fn save(self, tx: &mut WriteTx) -> Result<(), sqlx::Error> {
        let now = tx.now();
        let connection = tx.connection();
        endpoints::save(connection, &self.endpoints.changed()).await?;
        owners::save(connection, &self.new_campaigns).await?;
        deliveries::insert(connection, &self.new_deliveries, now).await?;
        sales::insert(connection, &self.new_sales).await?;
        for (endpoint, resend) in &self.resends {
            match *resend {
                Resend::One(id) => deliveries::resend(connection, endpoint, id, now).await?,
                Resend::Range { since, until } => {
                    let until = until.unwrap_or(now);
                    resends::insert(connection, endpoint, since, until).await?;
                }
            }
        }
        for endpoint in &self.enabled {
            resends::insert_pending(connection, endpoint).await?;
        }
        removed_endpoints::insert(connection, &self.removed).await?;
        contacts::save(connection, &self.contacts.changed()).await?;
        mail_templates::save(connection, &self.mail_templates.changed()).await?;
        names::save(connection, &self.new_names).await?;
        // Before what was accepted since is saved.
        terms_mailings::insert(connection, &self.terms_mailings).await?;
        enrolled::save(connection, &self.enrollments).await?;
        let more = self.workflows.save(connection, now).await?;
        mails::insert(connection, &self.new_mails, now).await?;
        mails::insert(connection, &more, now).await?;
        mails::conclude(connection, &self.concluded).await?;
        if !self.erased.is_empty() {
            let erased: Vec<&str> = self.erased.iter().map(PartnerId::as_str).collect();
            let more = erased::step(connection, &erased).await?;
            if more || erased::have_workflows(connection, &erased).await? {
                erased::insert(connection, &erased).await?;
            }
            runtime::erase_personal_keys(connection, &erased).await?;
        }
        Ok(())
    }
}

/// A campaign with its brand, where a fact says it: later ones do not.
fn found(message: &Message) -> Option<(String, String)> {
    let Body::CampaignCreatedV1(created) = &message.body else {
        return None;
    };
    Some((message.header.subject.clone(), created.brand_id.to_string()))
}

/// The same event for the same endpoint is the same delivery, whoever makes it how often.
fn delivery(
    endpoint: WebhookEndpointId,
    cause: &Message,
    kind: &str,
    subject: &str,
    data: &Value,
) -> NewDelivery {
    let event_id = cause.header.id;
    let payload = Payload {
        r#type: kind,
        timestamp: Timestamp(cause.header.time),
        subject,
        data: data.clone(),
    };
    NewDelivery {
        id: ids::derive(&["webhook", &event_id.to_string(), endpoint.as_str()]),
        endpoint,
        subject: subject.to_owned(),
        event_id,
        kind: kind.to_owned(),
        // Text, numbers and lists: nothing in them that JSON lacks.
        body: serde_json::to_string(&payload).unwrap_or_default(),
    }
}
