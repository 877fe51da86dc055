//! Campaign's domain as the road sees it: states are loaded for a batch, decided upon, evolved and saved.

use std::collections::{BTreeSet, HashMap, HashSet};

use money::{CampaignId, EnrollmentId, EvidenceId};
use pipeline::{Domain, Emit, Recorded, Verdict, WriteTx};
use schemas::{Body, Message, Service};

use crate::domain::{self, Campaign, Command, Enrollment, Event, Evidence, Place, Rejection, View};
use crate::messages;
use crate::store::acceptance_metadata::{self, AcceptanceNote};
use crate::store::evidence_files::{self, EvidenceFile};
use crate::store::terms::Published;
use crate::store::terms_texts::{self, TermsTextRow};
use crate::store::{campaigns, enrollments, evidence, plans, terms};

/// The domain of the campaign service.
#[derive(Debug, Clone, Copy, Default)]
pub struct CampaignDomain;

/// The states that one batch touches, and what it adds.
#[derive(Debug, Default)]
pub struct World {
    campaigns: HashMap<CampaignId, Campaign>,
    changed_campaigns: BTreeSet<CampaignId>,
    enrollments: HashMap<EnrollmentId, Enrollment>,
    changed_enrollments: BTreeSet<EnrollmentId>,
    evidence: HashSet<EvidenceId>,
    new_evidence: Vec<Evidence>,
    new_terms: Vec<Published>,
    texts: Vec<TermsTextRow>,
    notes: Vec<AcceptanceNote>,
    files: Vec<EvidenceFile>,
}

impl World {
    fn view(&self, command: &Command) -> View<'_> {
        View {
            campaign: self.campaigns.get(command.campaign()),
            enrollment: command
                .enrollment()
                .and_then(|id| self.enrollments.get(&id)),
            evidence_exists: command
                .evidence()
                .is_some_and(|id| self.evidence.contains(id)),
        }
    }

    fn apply(&mut self, event: &Event, place: Place) {
        let id = event.campaign();
        let before = self.campaigns.remove(id);
        if let Some(campaign) = Campaign::evolve(before, event, place) {
            self.campaigns.insert(id.clone(), campaign);
        }
        match event {
            Event::CampaignCreated(_) | Event::CampaignActivated { .. } => {
                self.changed_campaigns.insert(id.clone());
            }
            Event::TermsPublished { terms, .. } => {
                self.changed_campaigns.insert(id.clone());
                self.new_terms.push(Published {
                    campaign: id.clone(),
                    terms: terms.clone(),
                    place,
                });
            }
            Event::EnrollmentAccepted { enrollment, .. } => {
                let before = self.enrollments.remove(enrollment);
                if let Some(after) = Enrollment::evolve(before, event, place) {
                    self.enrollments.insert(enrollment.clone(), after);
                    self.changed_enrollments.insert(enrollment.clone());
                }
            }
            Event::EvidenceSubmitted(shown) => {
                self.evidence.insert(shown.evidence.clone());
                self.new_evidence.push(Evidence {
                    shown: shown.clone(),
                    submitted: place,
                });
            }
        }
    }
}

impl Domain for CampaignDomain {
    const SERVICE: Service = Service::Campaign;
    type World = World;
    type Event = Event;

    async fn load(&self, tx: &mut WriteTx, messages: &[&Message]) -> Result<World, sqlx::Error> {
        let (mut campaign_ids, mut enrollment_ids, mut evidence_ids) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for touched in messages.iter().map(|message| messages::touched(message)) {
            campaign_ids.extend(touched.campaign.map(CampaignId::into_string));
            enrollment_ids.extend(touched.enrollment.map(EnrollmentId::into_string));
            evidence_ids.extend(touched.evidence.map(EvidenceId::into_string));
        }
        let list = |ids: BTreeSet<String>| ids.into_iter().collect::<Vec<_>>();
        let connection = tx.connection();
        let campaigns = campaigns::load(connection, &list(campaign_ids)).await?;
        let enrollments = enrollments::load(connection, &list(enrollment_ids)).await?;
        let evidence = evidence::existing(connection, &list(evidence_ids)).await?;
        Ok(World {
            campaigns: campaigns.into_iter().map(|c| (c.id.clone(), c)).collect(),
            enrollments: enrollments.into_iter().map(|e| (e.id.clone(), e)).collect(),
            evidence: evidence
                .into_iter()
                .filter_map(|id| id.parse().ok())
                .collect(),
            ..World::default()
        })
    }

    fn handle(
        &self,
        world: &World,
        message: &Message,
        context: &pipeline::Context,
    ) -> Verdict<Event> {
        let decided = match messages::command(message) {
            None => Err(Rejection::Unreadable {
                pointer: None,
                what: "it is no command of this service".into(),
            }),
            Some(Err(rejection)) => Err(rejection),
            Some(Ok(command)) => {
                let context = domain::Context {
                    now: context.now,
                    actor: messages::actor(context.header),
                };
                domain::decide(world.view(&command), &command, &context)
            }
        };
        match decided {
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
        match (&message.body, events) {
            (
                Body::PublishTermsV1(wire),
                [
                    Event::TermsPublished {
                        campaign, terms, ..
                    },
                ],
            ) => {
                world.texts.push(TermsTextRow {
                    campaign: campaign.clone(),
                    version: terms.version,
                    text: wire.text.clone(),
                });
            }
            (
                Body::AcceptV1(wire),
                [
                    Event::EnrollmentAccepted {
                        enrollment,
                        terms_version,
                        ..
                    },
                ],
            ) => {
                world
                    .notes
                    .extend(wire.metadata.as_ref().map(|metadata| AcceptanceNote {
                        enrollment: enrollment.clone(),
                        version: *terms_version,
                        metadata: metadata.clone(),
                    }));
            }
            (Body::SubmitEvidenceV1(wire), [Event::EvidenceSubmitted(shown)]) => {
                world.files.push(EvidenceFile {
                    evidence: shown.evidence.clone(),
                    file_url: wire.file_url.clone(),
                    metadata: wire.metadata.clone(),
                });
            }
            _ => {}
        }
    }

    async fn save(&self, tx: &mut WriteTx, world: World) -> Result<(), sqlx::Error> {
        let changed: Vec<Campaign> = picked(&world.changed_campaigns, &world.campaigns);
        let renewed: Vec<Enrollment> = picked(&world.changed_enrollments, &world.enrollments);
        let connection = tx.connection();
        campaigns::save(connection, &changed).await?;
        terms::insert(connection, &world.new_terms).await?;
        plans::insert(connection, &world.new_terms).await?;
        enrollments::save(connection, &renewed).await?;
        evidence::insert(connection, &world.new_evidence).await?;
        terms_texts::insert(connection, &world.texts).await?;
        acceptance_metadata::insert(connection, &world.notes).await?;
        evidence_files::insert(connection, &world.files).await
    }
}

/// The changed states, in the order of their ids.
fn picked<K: Eq + std::hash::Hash, V: Clone>(
    changed: &BTreeSet<K>,
    states: &HashMap<K, V>,
) -> Vec<V> {
    changed
        .iter()
        .filter_map(|id| states.get(id).cloned())
        .collect()
}
