//! Notify's domain as the engine sees it.

use messaging::{Decision, Domain, FoldError, Recorded, Tables, WriteTx};
use schemas::{Message, Service, Topic};
use sqlx::PgPool;

use crate::domain::{self, Code, Event, Place, Rejection};
use crate::messages;
use crate::state::BatchState;
use crate::store::interest::Interest;

/// The domain of the notify service.
#[derive(Debug, Clone, Copy, Default)]
pub struct Notify;

impl Domain for Notify {
    const SERVICE: Service = Service::Notify;
    const FACTS_WAIT: bool = true;
    // Of campaign's it notes whose campaigns are, what they are called, and who is in them.
    const DECODED_LATER: &'static [Topic] = &[
        Topic::TrackingEvents,
        Topic::CommissionEvents,
        Topic::PaymentEvents,
    ];
    const TABLES: Tables = Tables {
        folds: &[
            "webhook_endpoints",
            "contacts",
            "onboardings",
            "workflows",
            "mail_templates",
        ],
        sides: &[
            "campaign_owners",
            "postback_sales",
            "webhook_deliveries",
            "webhook_attempts",
            "webhook_resends",
            "personal_keys",
            "campaign_names",
            "mails",
            "mailbox",
            "crm_calls",
            "closed_campaigns",
            "enrolled",
            "terms_mailings",
            "worsening_terms",
            "erased_partners",
            "removed_endpoints",
        ],
        derived: &[],
        run_dependent: &[],
        seeds: &[],
        fold_version: 4,
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

    async fn wants_facts(&self, pool: &PgPool) -> Result<bool, sqlx::Error> {
        // Who has an address is mailed what who has an endpoint is sent, and a workflow waits for what tracking answers.
        Ok(Interest::load(pool).await?.any())
    }

    fn handle(
        &self,
        state: &BatchState,
        message: &Message,
        context: &messaging::Context,
    ) -> Decision<Event> {
        match messages::command(message) {
            Some(command) => decide(state, command, context).into(),
            None if message.header.kind.contains(".command.") => {
                let detail = "the command cannot be read: it is no command of this service";
                Decision::Rejected(Rejection::new(Code::Unreadable, detail))
            }
            None => match state.react(message, context.now) {
                events if events.is_empty() => Decision::Noted,
                events => Decision::Events(events),
            },
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
        if let Some(partner) = messages::erased(message) {
            state.erase(partner);
        }
        if !message.header.kind.contains(".command.") {
            state.follow(message);
        }
        for event in events {
            state.send(message, event);
        }
        Ok(())
    }

    async fn save(&self, tx: &mut WriteTx, state: BatchState) -> Result<(), sqlx::Error> {
        state.save(tx).await
    }
}

fn decide(
    state: &BatchState,
    command: Result<domain::Command, Rejection>,
    context: &messaging::Context,
) -> Result<Vec<Event>, Rejection> {
    let mut command = command?;
    state.recognise(&mut command);
    let context = domain::Context {
        now: context.now,
        actor: messages::actor(context.header),
    };
    domain::decide_all(state.view(&command), &command, &context)
}
