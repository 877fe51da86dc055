//! Tracking's domain as messaging sees it.

use messaging::{Context, Decision, Domain, FoldError, Recorded, Tables, WriteTx};
use schemas::{Message, Service};
use types::{ConversionId, WorkflowStep};

use crate::domain::{self, Event, Known, LinkAnswer, LinkDecision};
use crate::messages::{self, Read};
use crate::state::BatchState;

/// How long a link waits for its campaign and enrollment, in seconds.
const LINK_WAITS: i64 = 10;
/// How long a workflow's link does, in seconds: campaign has stated that the partner is in, so it comes, however late.
const WORKFLOW_WAITS: i64 = 30 * 86_400;

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
            "bans",
            "groups",
            "memberships",
            "links",
            "conversions",
            "conversion_aliases",
            "claims",
            "tracking_events",
            "link_stops",
            "api_keys",
            "api_key_changes",
        ],
        sides: &[
            "report_notes",
            "clicks",
            "last_clicks",
            "click_horizon",
            "link_clicks",
            "campaign_clicks",
            "erasures",
            "api_key_uses",
        ],
        derived: &[],
        run_dependent: &[],
        seeds: &[],
        fold_version: 3,
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

    fn subject_of(&self, message: &Message) -> Option<String> {
        messages::conversion_of(message).map(ConversionId::into_string)
    }

    fn handle(&self, state: &BatchState, message: &Message, context: &Context) -> Decision<Event> {
        let access = messages::access(context.actor());
        match messages::read(message, context.now) {
            Err(rejection) => Decision::Rejected(rejection),
            Ok(Read::Fact(event)) => Decision::Events(vec![event]),
            Ok(Read::Report(report)) => {
                let known = Known {
                    orders: &state.orders,
                    claims: &state.claims,
                    candidate: state.candidates.get(&context.cause()),
                    campaign: report
                        .campaign
                        .as_ref()
                        .and_then(|id| state.campaigns.get(id)),
                    access: &access,
                    now: context.now,
                };
                domain::record(&report, known).into()
            }
            Ok(Read::Binding(command)) => {
                let click = state.click_of(context.cause(), &command.click);
                let decision = domain::bind_click(&command, click, &access);
                decision.map(|event| vec![event]).into()
            }
            Ok(Read::Erasure(command)) => {
                let decision = domain::erase_visitor(&command, &access);
                decision.map(|event| vec![event]).into()
            }
            Ok(Read::Claim(command)) => {
                domain::decide_claim(&command, &state.claims, &state.orders, &access).into()
            }
            Ok(Read::Requested(it)) if it.step != WorkflowStep::Link => Decision::Noted,
            Ok(Read::Requested(it)) => {
                let answer = domain::answer(
                    &it,
                    state.links.get(&domain::code_of(&it)),
                    state.campaigns.get(&it.campaign_id),
                    state.enrollment(&it.campaign_id, &it.partner_id),
                    (&state.bans, &state.groups),
                );
                match answer {
                    LinkAnswer::Answered(events) => Decision::Events(events),
                    LinkAnswer::WaitForCampaign => {
                        wait(campaign_name(it.campaign_id.as_str()), WORKFLOW_WAITS)
                    }
                    LinkAnswer::WaitForEnrollment(id) => {
                        wait(enrollment_name(id.as_str()), WORKFLOW_WAITS)
                    }
                }
            }
            Ok(Read::Link(link)) => {
                let decision = domain::create_link(
                    &link,
                    state.links.contains_key(&link.code),
                    state.campaigns.get(&link.campaign),
                    state.enrollment(&link.campaign, &link.partner),
                    (&state.bans, &state.groups),
                    &access,
                );
                match decision {
                    Ok(LinkDecision::Created(created)) => Decision::Events(vec![created.into()]),
                    Ok(LinkDecision::WaitForCampaign) => {
                        wait(campaign_name(link.campaign.as_str()), LINK_WAITS)
                    }
                    Ok(LinkDecision::WaitForEnrollment(id)) => {
                        wait(enrollment_name(id.as_str()), LINK_WAITS)
                    }
                    Err(rejection) => Decision::Rejected(rejection),
                }
            }
            Ok(Read::ChangedLink(change)) => {
                let link = state.links.get(&change.code);
                let decision = domain::change_link(
                    &change,
                    link,
                    link.and_then(|link| state.campaigns.get(&link.campaign)),
                    link.and_then(|link| state.enrollment(&link.campaign, &link.partner)),
                    &state.bans,
                    &access,
                );
                decision.map(|event| vec![event]).into()
            }
        }
    }

    fn evolve(&self, state: &mut BatchState, event: &Recorded<Event>) -> Result<(), FoldError> {
        state.evolve(event);
        Ok(())
    }

    fn side_data(
        &self,
        state: &mut BatchState,
        message: &Message,
        events: &[Event],
    ) -> Result<(), FoldError> {
        state.note(message, events);
        for event in events {
            state.bind(event);
        }
        state.erase(message, events);
        Ok(())
    }

    async fn save(&self, tx: &mut WriteTx, state: BatchState) -> Result<(), sqlx::Error> {
        state.save(tx).await
    }

    fn resumes(&self, event: &Event) -> Vec<String> {
        match event {
            Event::CampaignAdopted(campaign) => vec![campaign_name(campaign.subject.as_str())],
            Event::EnrollmentAdopted(enrollment) => {
                vec![enrollment_name(enrollment.subject.as_str())]
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

fn wait(what: String, seconds: i64) -> Decision<Event> {
    Decision::WaitFor { what, seconds }
}
