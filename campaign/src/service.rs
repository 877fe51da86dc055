//! Campaign's domain as the road sees it.

use pipeline::{Domain, Emit, Recorded, Tables, Verdict, WriteTx};
use schemas::{Message, Service};

use crate::domain::{self, Event, Place, Rejection};
use crate::messages;
use crate::world::World;

/// The domain of the campaign service.
#[derive(Debug, Clone, Copy, Default)]
pub struct CampaignDomain;

impl Domain for CampaignDomain {
    const SERVICE: Service = Service::Campaign;
    const TABLES: Tables = Tables {
        folds: &["campaigns", "terms", "plans", "enrollments", "evidence"],
        sides: &["terms_texts", "acceptance_metadata", "evidence_files"],
        run_dependent: &[],
        seeds: &[],
        fold_version: 1,
    };

    type World = World;
    type Event = Event;

    async fn load(&self, tx: &mut WriteTx, messages: &[&Message]) -> Result<World, sqlx::Error> {
        World::load(tx, messages).await
    }

    fn handle(
        &self,
        world: &World,
        message: &Message,
        context: &pipeline::Context,
    ) -> Verdict<Event> {
        match decide(world, message, context) {
            Ok(event) => Verdict::Events(vec![event]),
            Err(rejection) => Verdict::Rejected(pipeline::Rejection {
                code: rejection.code(),
                detail: rejection.to_string(),
                pointer: rejection.pointer().map(str::to_owned),
            }),
        }
    }

    fn evolve(&self, world: &mut World, recorded: &Recorded<Event>) {
        let place = Place {
            time: recorded.time,
            position: recorded.position,
        };
        world.apply(recorded.event, place);
    }

    fn emit(&self, event: &Event) -> Emit {
        messages::emit(event)
    }

    fn own_event(&self, message: &Message) -> Option<Event> {
        messages::own_event(message)
    }

    fn aside(&self, world: &mut World, message: &Message, events: &[Event]) {
        for event in events {
            world.note(&message.body, event);
        }
    }

    async fn save(&self, tx: &mut WriteTx, world: World) -> Result<(), sqlx::Error> {
        world.save(tx).await
    }
}

fn decide(
    world: &World,
    message: &Message,
    context: &pipeline::Context,
) -> Result<Event, Rejection> {
    let command = messages::command(message).unwrap_or_else(|| {
        Err(Rejection::Unreadable {
            pointer: None,
            what: "it is no command of this service".into(),
        })
    })?;
    let context = domain::Context {
        now: context.now,
        actor: messages::actor(context.header),
    };
    domain::decide(world.view(&command), &command, &context)
}
