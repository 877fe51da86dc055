//! The domain as the engine sees it.

use messaging::{Context, Decision, Domain, FoldError, Recorded, Tables, WriteTx};
use schemas::{Body, Event as _, Message, Service, Unreadable};
use types::{ConversionId, Micros};

use crate::domain::{
    self, Event, Fact, PLAN_WAIT_SECONDS, PlanAdopted, PlanKey, Reaction, Release,
};
use crate::state::BatchState;

/// Commission.
#[derive(Debug, Clone, Copy)]
pub struct Commission;

impl Domain for Commission {
    const SERVICE: Service = Service::Commission;
    const TABLES: Tables = Tables {
        folds: &["plans", "commissions", "reversals"],
        sides: &[],
        derived: &[],
        run_dependent: &[],
        seeds: &[],
        fold_version: 2,
    };

    type BatchState = BatchState;
    type Event = Event;

    async fn load(
        &self,
        tx: &mut WriteTx,
        messages: &[&Message],
    ) -> Result<BatchState, sqlx::Error> {
        BatchState::load(tx, messages).await
    }

    fn handle(&self, state: &BatchState, message: &Message, context: &Context) -> Decision<Event> {
        if let Body::ReleaseHoldV1(body) = &message.body {
            return release_hold(state, message, body.due_at, context);
        }
        decision(Fact::read(message).and_then(|fact| react(state, fact, message.header.time)))
    }

    fn evolve(&self, state: &mut BatchState, event: &Recorded<Event>) -> Result<(), FoldError> {
        state.evolve(event.event, event.time, event.position);
        Ok(())
    }

    async fn save(&self, tx: &mut WriteTx, state: BatchState) -> Result<(), sqlx::Error> {
        state.save(tx).await
    }

    fn resumes(&self, event: &Event) -> Vec<String> {
        match event {
            Event::PlanAdopted(adopted) => vec![adopted.key.to_string()],
            _ => Vec::new(),
        }
    }
}

/// What is decided again is the same: it goes by when the fact was stated, not by when it is handled.
fn react(state: &BatchState, fact: Option<Fact>, stated: Micros) -> Result<Reaction, Unreadable> {
    Ok(match fact {
        Some(Fact::TermsPublished(terms)) => {
            Reaction::Event(Event::PlanAdopted(PlanAdopted::try_from(terms)?))
        }
        Some(Fact::Attributed(attribution)) => {
            let plan = state.plan(&PlanKey {
                campaign: attribution.campaign_id.clone(),
                version: attribution.terms_version,
            });
            let known = state.commission(&attribution.subject);
            domain::calculate(&attribution, known, plan, stated)
        }
        Some(Fact::Refunded(refund)) => domain::reverse(&refund, state.commission(&refund.subject)),
        None => Reaction::DeadLetter("commission does not react to it"),
    })
}

fn decision(reaction: Result<Reaction, Unreadable>) -> Decision<Event> {
    match reaction {
        Ok(Reaction::Event(event)) => Decision::Events(vec![event]),
        Ok(Reaction::WaitFor(plan)) => Decision::WaitFor {
            what: plan.to_string(),
            seconds: PLAN_WAIT_SECONDS,
        },
        Ok(Reaction::DeadLetter(reason)) => Decision::DeadLetter(reason.to_owned()),
        Err(unreadable) => Decision::DeadLetter(unreadable.to_string()),
    }
}

fn release_hold(
    state: &BatchState,
    message: &Message,
    due_at: Micros,
    context: &Context,
) -> Decision<Event> {
    let id = match ConversionId::parse(message.header.subject.as_str()) {
        Ok(id) => id,
        Err(error) => return Decision::DeadLetter(error.to_string()),
    };
    match domain::release_hold(&id, state.commission(&id), due_at, context.now) {
        Ok(Release::Event(event)) => Decision::Events(vec![event]),
        Ok(Release::In(seconds)) => Decision::WaitFor {
            what: format!("the end of the hold of {id}"),
            seconds,
        },
        Err(rejection) => Decision::Rejected(rejection),
    }
}
