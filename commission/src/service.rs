//! The domain as the road sees it.

use money::ConversionId;
use pipeline::{Context, Domain, Emit, Recorded, Rejection, Tables, Verdict, WriteTx};
use schemas::{Body, Message, Service};

use crate::domain::{self, Event, PLAN_WAIT_SECONDS, PlanKey, Reaction};
use crate::messages::{self, Unreadable};
use crate::store::{self, World};

/// Commission.
#[derive(Debug, Clone, Copy)]
pub struct Commission;

impl Domain for Commission {
    const SERVICE: Service = Service::Commission;
    const TABLES: Tables = Tables {
        folds: &["plans", "commissions", "reversals"],
        sides: &[],
        run_dependent: &[],
        seeds: &[],
        fold_version: 1,
    };

    type World = World;
    type Event = Event;

    async fn load(&self, tx: &mut WriteTx, messages: &[&Message]) -> Result<World, sqlx::Error> {
        let mut commissions = Vec::with_capacity(messages.len());
        let mut plans = Vec::new();
        for message in messages {
            let subject = message.header.subject.as_str();
            match &message.body {
                Body::TermsPublishedV1(body) => plans.push((subject, body.version)),
                Body::PlanAdoptedV1(body) => plans.push((subject, body.version)),
                Body::ConversionAttributedV1(body) => {
                    plans.push((body.campaign_id.as_str(), body.terms_version));
                    commissions.push(subject);
                }
                _ => commissions.push(subject),
            }
        }
        plans.sort_unstable();
        plans.dedup();
        store::load(tx, &commissions, &plans).await
    }

    fn handle(&self, world: &World, message: &Message, context: &Context) -> Verdict<Event> {
        let header = &message.header;
        let reaction = match &message.body {
            Body::TermsPublishedV1(body) => messages::plan(header, body)
                .map(|(key, plan)| Reaction::Event(domain::adopt(key, plan))),
            Body::ConversionAttributedV1(body) => {
                messages::attribution(header, body).map(|attribution| {
                    let plan = world.plan(&PlanKey {
                        campaign: attribution.parties.campaign.clone(),
                        version: attribution.plan_version,
                    });
                    let known = world.commission(&attribution.conversion);
                    domain::calculate(&attribution, known, plan, context.now)
                })
            }
            Body::ConversionRefundedV1(body) => messages::refund(header, body)
                .map(|refund| domain::reverse(&refund, world.commission(&refund.conversion))),
            Body::ReleaseHoldV1(_) => return release_hold(world, message, context),
            _ => Ok(Reaction::SetAside("commission does not react to it")),
        };
        verdict(reaction)
    }

    fn evolve(&self, world: &mut World, event: &Recorded<Event>) {
        world.evolve(event.event, event.time, event.position);
    }

    fn emit(&self, event: &Event) -> Emit {
        messages::emit(event)
    }

    fn own_event(&self, message: &Message) -> Option<Event> {
        messages::own_event(message)
    }

    async fn save(&self, tx: &mut WriteTx, world: World) -> Result<(), sqlx::Error> {
        store::save(tx, world).await
    }

    fn wakes(&self, event: &Event) -> Vec<String> {
        match event {
            Event::PlanAdopted { key, .. } => vec![key.to_string()],
            _ => Vec::new(),
        }
    }
}

fn verdict(reaction: Result<Reaction, Unreadable>) -> Verdict<Event> {
    match reaction {
        Ok(Reaction::Event(event)) => Verdict::Events(vec![event]),
        Ok(Reaction::WaitFor(plan)) => Verdict::WaitFor {
            what: plan.to_string(),
            seconds: PLAN_WAIT_SECONDS,
        },
        Ok(Reaction::SetAside(reason)) => Verdict::SetAside(reason.to_owned()),
        Err(unreadable) => Verdict::SetAside(unreadable.to_string()),
    }
}

fn release_hold(world: &World, message: &Message, context: &Context) -> Verdict<Event> {
    let id = match ConversionId::parse(message.header.subject.as_str()) {
        Ok(id) => id,
        Err(error) => return Verdict::SetAside(error.to_string()),
    };
    match domain::release_hold(&id, world.commission(&id), context.now) {
        Ok(event) => Verdict::Events(vec![event]),
        Err(refusal) => Verdict::Rejected(Rejection {
            code: refusal.code(),
            detail: refusal.to_string(),
            pointer: None,
        }),
    }
}
