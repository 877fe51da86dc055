//! Campaign's domain as the engine sees it.

use messaging::{Decision, Domain, FoldError, Recorded, Tables, WriteTx};
use schemas::{Event as _, Message, Service};
use types::WorkflowStep;

use crate::domain::{self, Code, Event, Fact, Place, Rejection};
use crate::messages;
use crate::state::BatchState;

/// The domain of the campaign service.
#[derive(Debug, Clone, Copy, Default)]
pub struct CampaignDomain;

impl Domain for CampaignDomain {
    const SERVICE: Service = Service::Campaign;
    const TABLES: Tables = Tables {
        folds: &[
            "campaigns",
            "terms",
            "plans",
            "enrollments",
            "bans",
            "api_keys",
            "partners",
            "brands",
            "groups",
            "memberships",
            "evidence",
            "brand_funds",
        ],
        sides: &[
            "terms_texts",
            "acceptance_metadata",
            "evidence_files",
            "personal_keys",
            "erased_partners",
        ],
        derived: &[],
        run_dependent: &[],
        seeds: &[],
        fold_version: 3,
    };
    const LEVELS: &'static [&'static str] =
        &["funds.exhausted.v1", "funds.restored.v1", "funds.stated.v1"];

    type BatchState = BatchState;
    type Event = Event;

    async fn load(
        &self,
        tx: &mut WriteTx,
        messages: &[&Message],
    ) -> Result<BatchState, sqlx::Error> {
        BatchState::load(tx, messages).await
    }

    fn handle(
        &self,
        state: &BatchState,
        message: &Message,
        context: &messaging::Context,
    ) -> Decision<Event> {
        match Fact::read(message) {
            // The link is tracking's to make.
            Ok(Some(Fact::StepRequested(it))) if it.step == WorkflowStep::Link => Decision::Noted,
            Ok(Some(fact)) => {
                let view = state.view_of(&fact);
                Decision::Events(domain::react(&fact, view, context.now))
            }
            Ok(None) => decide(state, message, context).into(),
            Err(unreadable) => Decision::DeadLetter(unreadable.to_string()),
        }
    }

    fn evolve(&self, state: &mut BatchState, recorded: &Recorded<Event>) -> Result<(), FoldError> {
        let place = Place {
            time: recorded.time,
            position: recorded.position,
        };
        state.apply(recorded.event, place);
        Ok(())
    }

    fn side_data(
        &self,
        state: &mut BatchState,
        message: &Message,
        events: &[Event],
    ) -> Result<(), FoldError> {
        for event in events {
            state.note(&message.body, event);
        }
        Ok(())
    }

    async fn save(&self, tx: &mut WriteTx, state: BatchState) -> Result<(), sqlx::Error> {
        state.save(tx).await
    }
}

fn decide(
    state: &BatchState,
    message: &Message,
    context: &messaging::Context,
) -> Result<Event, Rejection> {
    let command = messages::command(message).unwrap_or_else(|| {
        let detail = "the command cannot be read: it is no command of this service";
        Err(Rejection::new(Code::Unreadable, detail))
    })?;
    let context = domain::Context {
        now: context.now,
        requested_at: context.header.requested_at(context.now),
        actor: messages::actor(context.header),
    };
    domain::decide(state.view(&command), &command, &context)
}
