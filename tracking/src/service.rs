//! Tracking's domain on the road.

use money::ConversionId;
use pipeline::{Context, Domain, Emit, Recorded, Rejection, Tables, Verdict, WriteTx};
use schemas::{Message, Service};

use crate::domain::{self, Event, Known, LinkVerdict};
use crate::messages::{self, Asked};
use crate::world::World;

/// How long a link waits for its campaign and enrollment, in seconds.
const LINK_WAITS: i64 = 10;

/// Links, clicks, conversions and their attribution.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tracking;

impl Domain for Tracking {
    const SERVICE: Service = Service::Tracking;
    const TABLES: Tables = Tables {
        folds: &[
            "campaigns",
            "terms",
            "enrollments",
            "links",
            "conversions",
            "conversion_aliases",
            "tracking_events",
        ],
        sides: &["report_notes", "clicks", "last_clicks"],
        run_dependent: &[],
        seeds: &[],
        fold_version: 1,
    };

    type World = World;
    type Event = Event;

    async fn load(&self, tx: &mut WriteTx, messages: &[&Message]) -> Result<World, sqlx::Error> {
        World::load(tx, messages).await
    }

    fn subject_of(&self, message: &Message) -> Option<String> {
        messages::conversion_of(message).map(ConversionId::into_string)
    }

    fn handle(&self, world: &World, message: &Message, context: &Context) -> Verdict<Event> {
        let access = messages::access(context.actor());
        match messages::read(message, context.now) {
            Err(rejection) => Verdict::Rejected(rejected(rejection)),
            Ok(Asked::Fact(event)) => Verdict::Events(vec![event]),
            Ok(Asked::Report(report)) => {
                let known = Known {
                    orders: &world.orders,
                    candidate: world.candidates.get(&context.cause()),
                    campaign: report
                        .campaign
                        .as_ref()
                        .and_then(|id| world.campaigns.get(id)),
                    access: &access,
                    now: context.now,
                };
                match domain::record(&report, known) {
                    Ok(events) => Verdict::Events(events),
                    Err(rejection) => Verdict::Rejected(rejected(rejection)),
                }
            }
            Ok(Asked::Link(link)) => {
                let enrollment = money::EnrollmentId::of(&link.campaign, &link.partner);
                let verdict = domain::create_link(
                    &link,
                    world.links.contains(&link.code),
                    world.campaigns.get(&link.campaign),
                    world.enrollments.contains(&enrollment),
                    &access,
                );
                match verdict {
                    LinkVerdict::Created(event) => Verdict::Events(vec![event]),
                    LinkVerdict::Rejected(rejection) => Verdict::Rejected(rejected(rejection)),
                    LinkVerdict::WaitForCampaign => wait(campaign_name(link.campaign.as_str())),
                    LinkVerdict::WaitForEnrollment(id) => wait(enrollment_name(id.as_str())),
                }
            }
        }
    }

    fn evolve(&self, world: &mut World, event: &Recorded<Event>) {
        world.evolve(event);
    }

    fn emit(&self, event: &Event) -> Emit {
        messages::emit(event)
    }

    fn own_event(&self, message: &Message) -> Option<Event> {
        messages::own_event(message)
    }

    fn aside(&self, world: &mut World, message: &Message, _events: &[Event]) {
        world.note(message);
    }

    async fn save(&self, tx: &mut WriteTx, world: World) -> Result<(), sqlx::Error> {
        world.save(tx).await
    }

    fn wakes(&self, event: &Event) -> Vec<String> {
        match event {
            Event::CampaignAdopted { campaign, .. } => vec![campaign_name(campaign.as_str())],
            Event::EnrollmentAdopted { enrollment, .. } => {
                vec![enrollment_name(enrollment.as_str())]
            }
            _ => Vec::new(),
        }
    }
}

fn campaign_name(id: &str) -> String {
    format!("campaign:{id}")
}

fn enrollment_name(id: &str) -> String {
    format!("enrollment:{id}")
}

fn wait(what: String) -> Verdict<Event> {
    Verdict::WaitFor {
        what,
        seconds: LINK_WAITS,
    }
}

fn rejected(rejection: domain::Rejection) -> Rejection {
    Rejection {
        code: rejection.code.name(),
        detail: rejection.detail,
        pointer: rejection.pointer.map(str::to_owned),
    }
}
