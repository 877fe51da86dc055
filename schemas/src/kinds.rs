//! The table of kinds: from it come routing, subscriptions, readiness, grants and documents.

use std::fmt::Debug;

use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use types::{
    ApiKeyId, BanId, BrandId, CampaignId, ClaimId, ClickId, ContactId, ConversionId, DepositId,
    EnrollmentId, ErasureId, EvidenceId, FundsAccountId, FundsTransferId, GroupId, LinkCode,
    MailId, MailTemplateId, MembershipId, PartnerId, PayoutId, StatementId, WebhookEndpointId,
    WithdrawalId, WorkflowId,
};

use crate::cut::cut;
use crate::entity::{Entity, Id, LedgerOwner, OfCommand, SealingKeyId};
#[allow(
    clippy::wildcard_imports,
    reason = "the table names every struct there is"
)]
use crate::messages::*;
use crate::older;
use crate::service::{Service, Topic};

/// Who may send a message of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// It travels between services.
    Public,
    /// It stays in its service's own log: its topic there is null, and from outside it is never accepted.
    Own,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The `type` of the envelope.
    pub name: &'static str,
    /// The topic whose schema it is written with.
    pub topic: Topic,
    /// Its field in the payload.
    pub field: &'static str,
    /// Who may send it.
    pub reach: Reach,
    /// Whether it asks (or states).
    pub command: bool,
    /// What routes it to a partition.
    pub key: Entity,
    /// What it is about, with the subject as its id; a parked message blocks it.
    pub subject: Entity,
    /// Who reacts: the owner of a command; of an event, every other service that does something with it. A
    /// follower that is not named passes the message by.
    pub followers: &'static [Service],
    /// Of a command the kinds of which one is its outcome unless it is refused, with a code of
    /// [`crate::rejection_codes`]; none of an event. `./tributary check` holds the logs to it.
    pub outcomes: &'static [&'static str],
}

/// A record that is of one kind: what its key and its subject are. The table of kinds says it.
pub trait Record: Clone + Debug + PartialEq + Eq + Into<Body> {
    /// What routes it.
    type Key: Id;
    /// What it is about.
    type Subject: Id;
}

/// The kind of that name; for the two that stand on every events topic, the row of the first of them.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// The kind of that name on one topic.
pub fn kind_on(topic: Topic, name: &str) -> Option<&'static Kind> {
    KINDS
        .iter()
        .find(|kind| kind.topic == topic && kind.name == name)
}

/// The names of all kinds that this build knows.
pub fn known_names() -> Vec<&'static str> {
    let names = KINDS.iter().map(|kind| kind.name);
    names.filter(|name| !older::forgot(name)).collect()
}

/// The kind of command that ends in this event, of what people and what a service's own timer may ask the former; none for an
/// event that is no command's outcome.
pub fn ends(event: &str) -> Option<&'static str> {
    let commands = KINDS.iter().filter(|kind| kind.command);
    let ended = commands.filter(|kind| kind.outcomes.contains(&event));
    let ended = ended.min_by_key(|kind| kind.reach != Reach::Public);
    ended.map(|kind| kind.name)
}

impl Service {
    /// The topics that it follows: the commands that it takes, and events of others that it reacts to.
    pub fn followed_topics(self) -> impl Iterator<Item = Topic> {
        let all = Topic::ALL.into_iter();
        all.filter(move |topic| topic.followers().contains(&self))
    }
}

impl Topic {
    /// Who subscribes to it: the owner of commands, and of events whoever reacts to one of its kinds.
    pub fn followers(self) -> Vec<Service> {
        Service::ALL
            .into_iter()
            .filter(|service| {
                if self.is_commands() {
                    *service == self.owner()
                } else {
                    KINDS
                        .iter()
                        .any(|kind| kind.topic == self && kind.followers.contains(service))
                }
            })
            .collect()
    }

    /// What a service may do with the topic at the broker.
    pub fn grants(self, service: Service) -> Grants {
        Grants {
            produce: self.publisher() == service,
            consume: self.followers().contains(&service),
        }
    }
}

/// What a service may do with a topic at the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grants {
    /// Publish to it.
    pub produce: bool,
    /// Follow it, by a subscription that is named after the service.
    pub consume: bool,
}

/// Why an edited payload cannot take the place of a message's own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {detail}")]
pub struct EditError {
    /// JSON pointer into the payload.
    pub pointer: String,
    /// What is wrong there.
    pub detail: String,
}

/// A path as a JSON pointer.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let segments = path.iter().map(|segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{key}"),
        Segment::Enum { variant } => format!("/{variant}"),
        Segment::Unknown => String::new(),
    });
    segments.collect()
}

/// The set fields of a payload, by name.
pub(crate) type SetFields = Vec<(&'static str, Body)>;

/// A payload as read.
pub(crate) trait Payload {
    fn set_fields(self) -> SetFields;
}

/// The enum of payloads, from the two that stand on every events topic and then those of each topic.
macro_rules! bodies {
    (@of $($body:ident)*) => {
        /// The payload of a message: one variant per kind, named after its struct.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        #[serde(untagged)]
        pub enum Body {
            $(
                #[doc = concat!("See [`", stringify!($body), "`](struct@", stringify!($body), ").")]
                $body($body),
            )*
        }

        $(
            impl From<$body> for Body {
                fn from(body: $body) -> Self {
                    Self::$body(body)
                }
            }
        )*
    };
    ($rejected:ident $stalled:ident $({ $(#[everywhere] $again:ident)* $($body:ident)* })*) => {
        bodies!(@of $rejected $stalled $($($body)*)*);
    };
}

macro_rules! kinds {
    // Two kinds stand on every events topic.
    (@record #[everywhere] $body:ident $key:ident $subject:ident) => {};
    (@record $body:ident $key:ident $subject:ident) => {
        impl Record for $body {
            type Key = $key;
            type Subject = $subject;
        }
    };
    ($(
        $topic:ident {
            $($(#[$everywhere:ident])? $field:ident: $body:ident = $name:literal, $reach:ident, $key:ident / $subject:ident,
              [$($follower:ident),*] $(=> [$($outcome:literal),+])?;)*
        }
    )*) => {
        $($(kinds!(@record $(#[$everywhere])? $body $key $subject);)*)*

        bodies!(CommandRejectedV1 CommandStalledV1 $({ $($(#[$everywhere])? $body)* })*);

        /// Every kind of message, topic by topic, in the order of the payload's fields.
        pub static KINDS: &[Kind] = &[$($(
            Kind {
                name: $name,
                topic: Topic::$topic,
                field: stringify!($field),
                reach: Reach::$reach,
                command: Topic::$topic.is_commands(),
                key: <$key as Id>::ENTITY,
                subject: <$subject as Id>::ENTITY,
                followers: &[$(Service::$follower),*],
                outcomes: &[$($($outcome),+)?],
            },
        )*)*];

        impl Body {
            /// The row of this payload on that topic; none where it has no place there.
            pub fn kind(&self, topic: Topic) -> Option<&'static Kind> {
                let field = match (topic, self) {
                    $($((Topic::$topic, Self::$body(_)) => stringify!($field),)*)*
                    _ => return None,
                };
                KINDS.iter().find(|kind| kind.topic == topic && kind.field == field)
            }
        }

        /// The payload of that field from JSON under its names on the wire.
        pub(crate) fn body_from_json(topic: Topic, field: &str, json: Value) -> Result<Body, EditError> {
            match (topic, field) {
                $($((Topic::$topic, stringify!($field)) => {
                    let read: Result<$body, _> = serde_path_to_error::deserialize(json);
                    read.map(Body::$body).map_err(|error| EditError {
                        pointer: pointer(error.path()),
                        detail: cut(error.inner()),
                    })
                })*)*
                _ => Err(EditError { pointer: String::new(), detail: "the topic has no such kind".to_owned() }),
            }
        }

        /// A payload as written: the body in its field, null in the others.
        pub(crate) struct Outgoing<'a> {
            pub(crate) topic: Topic,
            pub(crate) body: &'a Body,
        }

        impl Serialize for Outgoing<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self.topic {
                    $(Topic::$topic => {
                        let fields = [$(stringify!($field)),*].len();
                        let mut payload = serializer.serialize_struct("Payload", fields)?;
                        $(
                            let value = if let Body::$body(body) = self.body { Some(body) } else { None };
                            payload.serialize_field(stringify!($field), &value)?;
                        )*
                        payload.end()
                    })*
                }
            }
        }

        /// The payloads as read: fields that the writer does not have are null, fields that this build does not
        /// have are skipped.
        pub(crate) mod payload {
            #[allow(clippy::wildcard_imports, reason = "the table names every struct there is")]
            use super::*;

            $(
                #[derive(Default, Deserialize)]
                #[allow(clippy::struct_field_names, reason = "the versions of the kinds")]
                #[serde(rename = "Payload")]
                pub(crate) struct $topic {
                    $(#[serde(default)] $field: Option<$body>,)*
                }

                impl Payload for $topic {
                    fn set_fields(self) -> SetFields {
                        let mut set = Vec::with_capacity(1);
                        $(if let Some(body) = self.$field {
                            set.push((stringify!($field), Body::$body(body)));
                        })*
                        set
                    }
                }
            )*
        }
    };
}

kinds! {
    CampaignCommands {
        create_v1: CreateV1 = "campaign.create.command.v1", Public, CampaignId / CampaignId, [Campaign]
            => ["campaign.created.v1"];
        publish_terms_v1: PublishTermsV1 = "campaign.publish_terms.command.v1", Public, CampaignId / CampaignId, [Campaign]
            => ["terms.published.v1"];
        activate_v1: ActivateV1 = "campaign.activate.command.v1", Public, CampaignId / CampaignId, [Campaign]
            => ["campaign.activated.v1"];
        accept_v1: AcceptV1 = "campaign.accept.command.v1", Public, CampaignId / EnrollmentId, [Campaign]
            => ["enrollment.accepted.v1", "enrollment.applied.v1"];
        submit_evidence_v1: SubmitEvidenceV1 = "campaign.submit_evidence.command.v1", Public, CampaignId / EvidenceId, [Campaign]
            => ["evidence.submitted.v1"];
        pause_v1: PauseV1 = "campaign.pause.command.v1", Public, CampaignId / CampaignId, [Campaign]
            => ["campaign.paused.v1"];
        resume_v1: ResumeV1 = "campaign.resume.command.v1", Public, CampaignId / CampaignId, [Campaign]
            => ["campaign.resumed.v1"];
        close_v1: CloseV1 = "campaign.close.command.v1", Public, CampaignId / CampaignId, [Campaign]
            => ["campaign.closed.v1"];
        end_enrollment_v1: EndEnrollmentV1 = "campaign.end_enrollment.command.v1", Public, CampaignId / EnrollmentId, [Campaign]
            => ["enrollment.ended.v1"];
        invite_v1: InviteV1 = "campaign.invite.command.v1", Public, CampaignId / EnrollmentId, [Campaign]
            => ["enrollment.invited.v1"];
        approve_v1: ApproveV1 = "campaign.approve.command.v1", Public, CampaignId / EnrollmentId, [Campaign]
            => ["enrollment.approved.v1"];
        reject_v1: RejectV1 = "campaign.reject.command.v1", Public, CampaignId / EnrollmentId, [Campaign]
            => ["enrollment.rejected.v1"];
        ban_partner_v1: BanPartnerV1 = "campaign.ban_partner.command.v1", Public, PartnerId / BanId, [Campaign]
            => ["partner.banned.v1"];
        unban_partner_v1: UnbanPartnerV1 = "campaign.unban_partner.command.v1", Public, PartnerId / BanId, [Campaign]
            => ["partner.unbanned.v1"];
        change_v1: ChangeV1 = "campaign.change.command.v1", Public, CampaignId / CampaignId, [Campaign]
            => ["campaign.changed.v1"];
        end_campaign_v1: EndCampaignV1 = "campaign.end_campaign.command.v1", Own, CampaignId / CampaignId, [Campaign]
            => ["campaign.paused.v1"];
        create_api_key_v1: CreateApiKeyV1 = "campaign.create_api_key.command.v1", Public, ApiKeyId / ApiKeyId, [Campaign]
            => ["api_key.created.v1"];
        rotate_api_key_v1: RotateApiKeyV1 = "campaign.rotate_api_key.command.v1", Public, ApiKeyId / ApiKeyId, [Campaign]
            => ["api_key.rotated.v1"];
        revoke_api_key_v1: RevokeApiKeyV1 = "campaign.revoke_api_key.command.v1", Public, ApiKeyId / ApiKeyId, [Campaign]
            => ["api_key.revoked.v1"];
        approve_evidence_v1: ApproveEvidenceV1 = "campaign.approve_evidence.command.v1", Public, CampaignId / EvidenceId, [Campaign]
            => ["evidence.approved.v1"];
        reject_evidence_v1: RejectEvidenceV1 = "campaign.reject_evidence.command.v1", Public, CampaignId / EvidenceId, [Campaign]
            => ["evidence.rejected.v1"];
        return_evidence_v1: ReturnEvidenceV1 = "campaign.return_evidence.command.v1", Public, CampaignId / EvidenceId, [Campaign]
            => ["evidence.returned.v1"];
        follow_funds_v1: FollowFundsV1 = "campaign.follow_funds.command.v1", Own, CampaignId / CampaignId, [Campaign]
            => ["campaign.paused.v1", "campaign.resumed.v1"];
        change_partner_v1: ChangePartnerV1 = "campaign.change_partner.command.v1", Public, PartnerId / PartnerId, [Campaign]
            => ["partner.changed.v1"];
        change_brand_v1: ChangeBrandV1 = "campaign.change_brand.command.v1", Public, BrandId / BrandId, [Campaign]
            => ["brand.changed.v1"];
        create_group_v1: CreateGroupV1 = "campaign.create_group.command.v1", Public, BrandId / GroupId, [Campaign]
            => ["group.created.v1"];
        change_group_v1: ChangeGroupV1 = "campaign.change_group.command.v1", Public, BrandId / GroupId, [Campaign]
            => ["group.changed.v1"];
        move_partner_v1: MovePartnerV1 = "campaign.move_partner.command.v1", Public, BrandId / MembershipId, [Campaign]
            => ["partner.moved.v1"];
        erase_partner_v1: ErasePartnerV1 = "campaign.erase_partner.command.v1", Public, PartnerId / PartnerId, [Campaign]
            => ["partner.erased.v1"];
    }
    CampaignEvents {
        #[everywhere]
        command_rejected_v1: CommandRejectedV1 = "command.rejected.v1", Public, OfCommand / OfCommand, [Bff, Notify];
        #[everywhere]
        command_stalled_v1: CommandStalledV1 = "command.stalled.v1", Public, OfCommand / OfCommand, [Bff, Notify];
        campaign_created_v1: CampaignCreatedV1 = "campaign.created.v1", Public, CampaignId / CampaignId, [Bff, Notify];
        terms_published_v1: TermsPublishedV1 = "terms.published.v1", Public, CampaignId / CampaignId, [Bff, Tracking, Commission, Notify];
        campaign_activated_v1: CampaignActivatedV1 = "campaign.activated.v1", Public, CampaignId / CampaignId, [Bff, Tracking, Notify];
        enrollment_accepted_v1: EnrollmentAcceptedV1 = "enrollment.accepted.v1", Public, CampaignId / EnrollmentId, [Bff, Tracking, Notify];
        evidence_submitted_v1: EvidenceSubmittedV1 = "evidence.submitted.v1", Public, CampaignId / EvidenceId, [Bff, Notify];
        campaign_paused_v1: CampaignPausedV1 = "campaign.paused.v1", Public, CampaignId / CampaignId, [Bff, Tracking, Notify];
        campaign_resumed_v1: CampaignResumedV1 = "campaign.resumed.v1", Public, CampaignId / CampaignId, [Bff, Tracking, Notify];
        campaign_closed_v1: CampaignClosedV1 = "campaign.closed.v1", Public, CampaignId / CampaignId, [Bff, Tracking, Notify];
        enrollment_ended_v1: EnrollmentEndedV1 = "enrollment.ended.v1", Public, CampaignId / EnrollmentId, [Bff, Tracking, Notify];
        enrollment_invited_v1: EnrollmentInvitedV1 = "enrollment.invited.v1", Public, CampaignId / EnrollmentId, [Bff, Notify];
        enrollment_applied_v1: EnrollmentAppliedV1 = "enrollment.applied.v1", Public, CampaignId / EnrollmentId, [Bff, Tracking, Notify];
        enrollment_approved_v1: EnrollmentApprovedV1 = "enrollment.approved.v1", Public, CampaignId / EnrollmentId, [Bff, Tracking, Notify];
        enrollment_rejected_v1: EnrollmentRejectedV1 = "enrollment.rejected.v1", Public, CampaignId / EnrollmentId, [Bff, Tracking, Notify];
        partner_banned_v1: PartnerBannedV1 = "partner.banned.v1", Public, PartnerId / BanId, [Bff, Tracking, Notify];
        partner_unbanned_v1: PartnerUnbannedV1 = "partner.unbanned.v1", Public, PartnerId / BanId, [Bff, Tracking];
        campaign_changed_v1: CampaignChangedV1 = "campaign.changed.v1", Public, CampaignId / CampaignId, [Bff, Tracking, Notify];
        api_key_created_v1: ApiKeyCreatedV1 = "api_key.created.v1", Public, ApiKeyId / ApiKeyId, [Bff, Tracking];
        api_key_rotated_v1: ApiKeyRotatedV1 = "api_key.rotated.v1", Public, ApiKeyId / ApiKeyId, [Bff, Tracking];
        api_key_revoked_v1: ApiKeyRevokedV1 = "api_key.revoked.v1", Public, ApiKeyId / ApiKeyId, [Bff, Tracking];
        evidence_approved_v1: EvidenceApprovedV1 = "evidence.approved.v1", Public, CampaignId / EvidenceId, [Bff, Notify];
        evidence_rejected_v1: EvidenceRejectedV1 = "evidence.rejected.v1", Public, CampaignId / EvidenceId, [Bff, Notify];
        evidence_returned_v1: EvidenceReturnedV1 = "evidence.returned.v1", Public, CampaignId / EvidenceId, [Bff, Notify];
        brand_funds_adopted_v1: BrandFundsAdoptedV1 = "brand_funds.adopted.v1", Own, BrandId / BrandId, [];
        partner_changed_v1: PartnerChangedV1 = "partner.changed.v1", Public, PartnerId / PartnerId, [Bff];
        brand_changed_v1: BrandChangedV1 = "brand.changed.v1", Public, BrandId / BrandId, [Bff];
        group_created_v1: GroupCreatedV1 = "group.created.v1", Public, BrandId / GroupId, [Bff, Tracking];
        group_changed_v1: GroupChangedV1 = "group.changed.v1", Public, BrandId / GroupId, [Bff, Tracking];
        partner_moved_v1: PartnerMovedV1 = "partner.moved.v1", Public, BrandId / MembershipId, [Bff, Tracking];
        partner_erased_v1: PartnerErasedV1 = "partner.erased.v1", Public, PartnerId / PartnerId, [Bff, Notify];
        workflow_step_answered_v1: WorkflowStepAnsweredV1 = "workflow_step.answered.v1", Public, WorkflowId / WorkflowId, [Bff, Notify];
    }
    TrackingCommands {
        create_link_v1: CreateLinkV1 = "tracking.create_link.command.v1", Public, LinkCode / LinkCode, [Tracking]
            => ["link.created.v1"];
        record_event_v1: RecordEventV1 = "tracking.record_event.command.v1", Public, ConversionId / ConversionId, [Tracking]
            => ["conversion.attributed.v1", "conversion.unattributed.v1", "conversion.refunded.v1", "conversion.refund_noted.v1",
                "conversion.duplicate_ignored.v1", "tracking_event.recorded.v1", "conversion.claimed.v1", "claim.settled.v1"];
        accept_claim_v1: AcceptClaimV1 = "tracking.accept_claim.command.v1", Public, ClaimId / ClaimId, [Tracking]
            => ["claim.accepted.v1"];
        decline_claim_v1: DeclineClaimV1 = "tracking.decline_claim.command.v1", Public, ClaimId / ClaimId, [Tracking]
            => ["claim.declined.v1"];
        change_link_v1: ChangeLinkV1 = "tracking.change_link.command.v1", Public, LinkCode / LinkCode, [Tracking]
            => ["link.changed.v1"];
        bind_click_v1: BindClickV1 = "tracking.bind_click.command.v1", Public, ClickId / ClickId, [Tracking]
            => ["click.bound.v1"];
        erase_visitor_v1: EraseVisitorV1 = "tracking.erase_visitor.command.v1", Public, ErasureId / ErasureId, [Tracking]
            => ["visitor.erased.v1"];
    }
    TrackingEvents {
        #[everywhere]
        command_rejected_v1: CommandRejectedV1 = "command.rejected.v1", Public, OfCommand / OfCommand, [Bff, Notify];
        #[everywhere]
        command_stalled_v1: CommandStalledV1 = "command.stalled.v1", Public, OfCommand / OfCommand, [Bff, Notify];
        terms_adopted_v1: TermsAdoptedV1 = "terms.adopted.v1", Own, CampaignId / CampaignId, [];
        campaign_adopted_v1: CampaignAdoptedV1 = "campaign.adopted.v1", Own, CampaignId / CampaignId, [];
        enrollment_adopted_v1: EnrollmentAdoptedV1 = "enrollment.adopted.v1", Own, CampaignId / EnrollmentId, [];
        link_created_v1: LinkCreatedV1 = "link.created.v1", Public, LinkCode / LinkCode, [Bff, Notify];
        conversion_attributed_v1: ConversionAttributedV1 = "conversion.attributed.v1", Public, ConversionId / ConversionId, [Bff, Commission, Notify];
        conversion_unattributed_v1: ConversionUnattributedV1 = "conversion.unattributed.v1", Public, ConversionId / ConversionId, [Bff, Notify];
        conversion_refunded_v1: ConversionRefundedV1 = "conversion.refunded.v1", Public, ConversionId / ConversionId, [Bff, Commission, Notify];
        conversion_refund_noted_v1: ConversionRefundNotedV1 = "conversion.refund_noted.v1", Public, ConversionId / ConversionId, [Bff, Notify];
        conversion_duplicate_ignored_v1: ConversionDuplicateIgnoredV1 = "conversion.duplicate_ignored.v1", Public, ConversionId / ConversionId, [Bff, Notify];
        tracking_event_recorded_v1: TrackingEventRecordedV1 = "tracking_event.recorded.v1", Public, ConversionId / ConversionId, [Bff, Notify];
        conversion_claimed_v1: ConversionClaimedV1 = "conversion.claimed.v1", Public, ClaimId / ClaimId, [Bff, Notify];
        claim_settled_v1: ClaimSettledV1 = "claim.settled.v1", Public, ClaimId / ClaimId, [Bff, Notify];
        claim_accepted_v1: ClaimAcceptedV1 = "claim.accepted.v1", Public, ClaimId / ClaimId, [Bff, Notify];
        claim_declined_v1: ClaimDeclinedV1 = "claim.declined.v1", Public, ClaimId / ClaimId, [Bff, Notify];
        campaign_status_adopted_v1: CampaignStatusAdoptedV1 = "campaign.status_adopted.v1", Own, CampaignId / CampaignId, [];
        enrollment_end_adopted_v1: EnrollmentEndAdoptedV1 = "enrollment.end_adopted.v1", Own, CampaignId / EnrollmentId, [];
        partner_status_adopted_v1: PartnerStatusAdoptedV1 = "partner.status_adopted.v1", Own, PartnerId / BanId, [];
        campaign_change_adopted_v1: CampaignChangeAdoptedV1 = "campaign.change_adopted.v1", Own, CampaignId / CampaignId, [];
        link_changed_v1: LinkChangedV1 = "link.changed.v1", Public, LinkCode / LinkCode, [Bff, Notify];
        click_bound_v1: ClickBoundV1 = "click.bound.v1", Public, ClickId / ClickId, [Bff, Notify];
        api_key_adopted_v1: ApiKeyAdoptedV1 = "api_key.adopted.v1", Own, ApiKeyId / ApiKeyId, [];
        visitor_erased_v1: VisitorErasedV1 = "visitor.erased.v1", Public, ErasureId / ErasureId, [Bff, Notify];
        group_adopted_v1: GroupAdoptedV1 = "group.adopted.v1", Own, BrandId / GroupId, [];
        partner_move_adopted_v1: PartnerMoveAdoptedV1 = "partner.move_adopted.v1", Own, BrandId / MembershipId, [];
        workflow_link_answered_v1: WorkflowLinkAnsweredV1 = "workflow_link.answered.v1", Public, WorkflowId / WorkflowId, [Bff, Notify];
    }
    CommissionCommands {
        release_hold_v1: ReleaseHoldV1 = "commission.release_hold.command.v1", Own, ConversionId / ConversionId, [Commission]
            => ["commission.approved.v1"];
    }
    CommissionEvents {
        #[everywhere]
        command_rejected_v1: CommandRejectedV1 = "command.rejected.v1", Public, OfCommand / OfCommand, [Bff, Notify];
        #[everywhere]
        command_stalled_v1: CommandStalledV1 = "command.stalled.v1", Public, OfCommand / OfCommand, [Bff, Notify];
        plan_adopted_v1: PlanAdoptedV1 = "plan.adopted.v1", Own, CampaignId / CampaignId, [];
        commission_calculated_v1: CommissionCalculatedV1 = "commission.calculated.v1", Public, ConversionId / ConversionId, [Bff, Payment, Notify];
        commission_approved_v1: CommissionApprovedV1 = "commission.approved.v1", Public, ConversionId / ConversionId, [Bff, Payment, Notify];
        commission_reversed_v1: CommissionReversedV1 = "commission.reversed.v1", Public, ConversionId / ConversionId, [Bff, Payment, Notify];
    }
    PaymentCommands {
        request_payout_v1: RequestPayoutV1 = "payment.request_payout.command.v1", Public, PartnerId / PayoutId, [Payment]
            => ["payout.requested.v1"];
        begin_payout_v1: BeginPayoutV1 = "payment.begin_payout.command.v1", Own, PartnerId / PayoutId, [Payment]
            => ["payout.submitting.v1"];
        record_payout_answer_v1: RecordPayoutAnswerV1 = "payment.record_payout_answer.command.v1", Own, PartnerId / PayoutId, [Payment]
            => ["payout.submitted.v1", "payout.unknown.v1", "payout.paid.v1", "payout.failed.v1"];
        open_account_v1: OpenAccountV1 = "payment.open_account.command.v1", Public, BrandId / FundsAccountId, [Payment]
            => ["account.opened.v1"];
        announce_deposit_v1: AnnounceDepositV1 = "payment.announce_deposit.command.v1", Public, DepositId / DepositId, [Payment]
            => ["deposit.announced.v1"];
        settle_deposit_v1: SettleDepositV1 = "payment.settle_deposit.command.v1", Public, DepositId / DepositId, [Payment]
            => ["deposit.cleared.v1", "deposit.failed.v1"];
        withdraw_v1: WithdrawV1 = "payment.withdraw.command.v1", Public, WithdrawalId / WithdrawalId, [Payment]
            => ["withdrawal.requested.v1"];
        settle_withdrawal_v1: SettleWithdrawalV1 = "payment.settle_withdrawal.command.v1", Public, WithdrawalId / WithdrawalId, [Payment]
            => ["withdrawal.settled.v1", "withdrawal.failed.v1"];
        transfer_funds_v1: TransferFundsV1 = "payment.transfer_funds.command.v1", Public, BrandId / FundsTransferId, [Payment]
            => ["funds.transferred.v1"];
        set_billing_v1: SetBillingV1 = "payment.set_billing.command.v1", Public, BrandId / BrandId, [Payment]
            => ["billing.changed.v1"];
        fund_earnings_v1: FundEarningsV1 = "payment.fund_earnings.command.v1", Own, BrandId / BrandId, [Payment]
            => ["earnings.funded.v1"];
        set_funds_warning_v1: SetFundsWarningV1 = "payment.set_funds_warning.command.v1", Public, BrandId / BrandId, [Payment]
            => ["funds_warning.changed.v1"];
        issue_statement_v1: IssueStatementV1 = "payment.issue_statement.command.v1", Own, PartnerId / StatementId, [Payment]
            => ["statement.issued.v1"];
        state_funds_v1: StateFundsV1 = "payment.state_funds.command.v1", Own, BrandId / BrandId, [Payment]
            => ["funds.stated.v1"];
    }
    PaymentEvents {
        #[everywhere]
        command_rejected_v1: CommandRejectedV1 = "command.rejected.v1", Public, OfCommand / OfCommand, [Bff, Notify];
        #[everywhere]
        command_stalled_v1: CommandStalledV1 = "command.stalled.v1", Public, OfCommand / OfCommand, [Bff, Notify];
        payout_requested_v1: PayoutRequestedV1 = "payout.requested.v1", Public, PartnerId / PayoutId, [Bff, Notify];
        payout_submitting_v1: PayoutSubmittingV1 = "payout.submitting.v1", Public, PartnerId / PayoutId, [Bff, Notify];
        payout_submitted_v1: PayoutSubmittedV1 = "payout.submitted.v1", Public, PartnerId / PayoutId, [Bff, Notify];
        payout_unknown_v1: PayoutUnknownV1 = "payout.unknown.v1", Public, PartnerId / PayoutId, [Bff, Notify];
        payout_paid_v1: PayoutPaidV1 = "payout.paid.v1", Public, PartnerId / PayoutId, [Bff, Notify];
        payout_failed_v1: PayoutFailedV1 = "payout.failed.v1", Public, PartnerId / PayoutId, [Bff, Notify];
        ledger_posted_v1: LedgerPostedV1 = "ledger.posted.v1", Public, LedgerOwner / LedgerOwner, [Bff, Notify];
        sealing_key_published_v1: SealingKeyPublishedV1 = "sealing_key.published.v1", Public, SealingKeyId / SealingKeyId, [Bff];
        account_opened_v1: AccountOpenedV1 = "account.opened.v1", Public, BrandId / FundsAccountId, [Bff, Notify];
        deposit_announced_v1: DepositAnnouncedV1 = "deposit.announced.v1", Public, DepositId / DepositId, [Bff, Notify];
        deposit_cleared_v1: DepositClearedV1 = "deposit.cleared.v1", Public, DepositId / DepositId, [Bff, Notify];
        deposit_failed_v1: DepositFailedV1 = "deposit.failed.v1", Public, DepositId / DepositId, [Bff, Notify];
        withdrawal_requested_v1: WithdrawalRequestedV1 = "withdrawal.requested.v1", Public, WithdrawalId / WithdrawalId, [Bff, Notify];
        withdrawal_settled_v1: WithdrawalSettledV1 = "withdrawal.settled.v1", Public, WithdrawalId / WithdrawalId, [Bff, Notify];
        withdrawal_failed_v1: WithdrawalFailedV1 = "withdrawal.failed.v1", Public, WithdrawalId / WithdrawalId, [Bff, Notify];
        funds_transferred_v1: FundsTransferredV1 = "funds.transferred.v1", Public, BrandId / FundsTransferId, [Bff, Notify];
        billing_changed_v1: BillingChangedV1 = "billing.changed.v1", Public, BrandId / BrandId, [Bff, Notify];
        earnings_funded_v1: EarningsFundedV1 = "earnings.funded.v1", Public, BrandId / BrandId, [Bff, Notify];
        funds_exhausted_v1: FundsExhaustedV1 = "funds.exhausted.v1", Public, BrandId / BrandId, [Bff, Campaign, Notify];
        funds_restored_v1: FundsRestoredV1 = "funds.restored.v1", Public, BrandId / BrandId, [Bff, Campaign, Notify];
        refund_recovered_v1: RefundRecoveredV1 = "refund.recovered.v1", Public, BrandId / BrandId, [Bff, Notify];
        funds_warning_changed_v1: FundsWarningChangedV1 = "funds_warning.changed.v1", Public, BrandId / BrandId, [Bff, Notify];
        funds_low_v1: FundsLowV1 = "funds.low.v1", Public, BrandId / BrandId, [Bff, Notify];
        statement_issued_v1: StatementIssuedV1 = "statement.issued.v1", Public, PartnerId / StatementId, [Bff, Notify];
        funds_stated_v1: FundsStatedV1 = "funds.stated.v1", Public, BrandId / BrandId, [Bff, Campaign];
    }
    NotifyCommands {
        create_webhook_endpoint_v1: CreateWebhookEndpointV1 = "notify.create_webhook_endpoint.command.v1", Public, WebhookEndpointId / WebhookEndpointId, [Notify]
            => ["webhook_endpoint.created.v1"];
        change_webhook_endpoint_v1: ChangeWebhookEndpointV1 = "notify.change_webhook_endpoint.command.v1", Public, WebhookEndpointId / WebhookEndpointId, [Notify]
            => ["webhook_endpoint.changed.v1"];
        enable_webhook_endpoint_v1: EnableWebhookEndpointV1 = "notify.enable_webhook_endpoint.command.v1", Public, WebhookEndpointId / WebhookEndpointId, [Notify]
            => ["webhook_endpoint.enabled.v1"];
        disable_webhook_endpoint_v1: DisableWebhookEndpointV1 = "notify.disable_webhook_endpoint.command.v1", Public, WebhookEndpointId / WebhookEndpointId, [Notify]
            => ["webhook_endpoint.disabled.v1"];
        rotate_webhook_secret_v1: RotateWebhookSecretV1 = "notify.rotate_webhook_secret.command.v1", Public, WebhookEndpointId / WebhookEndpointId, [Notify]
            => ["webhook_secret.rotated.v1"];
        remove_webhook_endpoint_v1: RemoveWebhookEndpointV1 = "notify.remove_webhook_endpoint.command.v1", Public, WebhookEndpointId / WebhookEndpointId, [Notify]
            => ["webhook_endpoint.removed.v1"];
        test_webhook_endpoint_v1: TestWebhookEndpointV1 = "notify.test_webhook_endpoint.command.v1", Public, WebhookEndpointId / WebhookEndpointId, [Notify]
            => ["webhook_endpoint.tested.v1"];
        resend_webhooks_v1: ResendWebhooksV1 = "notify.resend_webhooks.command.v1", Public, WebhookEndpointId / WebhookEndpointId, [Notify]
            => ["webhooks.resent.v1"];
        give_webhook_endpoint_up_v1: GiveWebhookEndpointUpV1 = "notify.give_webhook_endpoint_up.command.v1", Own, WebhookEndpointId / WebhookEndpointId, [Notify]
            => ["webhook_endpoint.disabled.v1"];
        change_contact_v1: ChangeContactV1 = "notify.change_contact.command.v1", Public, ContactId / ContactId, [Notify]
            => ["contact.changed.v1"];
        conclude_mail_v1: ConcludeMailV1 = "notify.conclude_mail.command.v1", Own, MailId / MailId, [Notify]
            => ["notification.sent.v1", "notification.failed.v1"];
        change_onboarding_v1: ChangeOnboardingV1 = "notify.change_onboarding.command.v1", Public, BrandId / BrandId, [Notify]
            => ["onboarding.changed.v1"];
        retry_workflow_v1: RetryWorkflowV1 = "notify.retry_workflow.command.v1", Public, WorkflowId / WorkflowId, [Notify]
            => ["workflow.step_started.v1", "workflow.step_requested.v1"];
        skip_workflow_step_v1: SkipWorkflowStepV1 = "notify.skip_workflow_step.command.v1", Public, WorkflowId / WorkflowId, [Notify]
            => ["workflow.step_completed.v1", "workflow.step_compensated.v1"];
        cancel_workflow_v1: CancelWorkflowV1 = "notify.cancel_workflow.command.v1", Public, WorkflowId / WorkflowId, [Notify]
            => ["workflow.cancelled.v1"];
        conclude_crm_call_v1: ConcludeCrmCallV1 = "notify.conclude_crm_call.command.v1", Own, WorkflowId / WorkflowId, [Notify]
            => ["workflow.step_completed.v1", "workflow.step_failed.v1", "workflow.step_compensated.v1"];
        end_workflow_v1: EndWorkflowV1 = "notify.end_workflow.command.v1", Own, WorkflowId / WorkflowId, [Notify]
            => ["workflow.cancelled.v1"];
        unsubscribe_v1: UnsubscribeV1 = "notify.unsubscribe.command.v1", Public, ContactId / ContactId, [Notify]
            => ["contact.unsubscribed.v1"];
        change_mail_template_v1: ChangeMailTemplateV1 = "notify.change_mail_template.command.v1", Public, MailTemplateId / MailTemplateId, [Notify]
            => ["mail_template.changed.v1"];
    }
    NotifyEvents {
        #[everywhere]
        command_rejected_v1: CommandRejectedV1 = "command.rejected.v1", Public, OfCommand / OfCommand, [Bff];
        #[everywhere]
        command_stalled_v1: CommandStalledV1 = "command.stalled.v1", Public, OfCommand / OfCommand, [Bff];
        webhook_endpoint_created_v1: WebhookEndpointCreatedV1 = "webhook_endpoint.created.v1", Public, WebhookEndpointId / WebhookEndpointId, [Bff];
        webhook_endpoint_changed_v1: WebhookEndpointChangedV1 = "webhook_endpoint.changed.v1", Public, WebhookEndpointId / WebhookEndpointId, [Bff];
        webhook_endpoint_enabled_v1: WebhookEndpointEnabledV1 = "webhook_endpoint.enabled.v1", Public, WebhookEndpointId / WebhookEndpointId, [Bff];
        webhook_endpoint_disabled_v1: WebhookEndpointDisabledV1 = "webhook_endpoint.disabled.v1", Public, WebhookEndpointId / WebhookEndpointId, [Bff];
        webhook_secret_rotated_v1: WebhookSecretRotatedV1 = "webhook_secret.rotated.v1", Public, WebhookEndpointId / WebhookEndpointId, [Bff];
        webhook_endpoint_removed_v1: WebhookEndpointRemovedV1 = "webhook_endpoint.removed.v1", Public, WebhookEndpointId / WebhookEndpointId, [Bff];
        webhook_endpoint_tested_v1: WebhookEndpointTestedV1 = "webhook_endpoint.tested.v1", Public, WebhookEndpointId / WebhookEndpointId, [Bff];
        webhooks_resent_v1: WebhooksResentV1 = "webhooks.resent.v1", Public, WebhookEndpointId / WebhookEndpointId, [Bff];
        contact_changed_v1: ContactChangedV1 = "contact.changed.v1", Public, ContactId / ContactId, [Bff];
        notification_sent_v1: NotificationSentV1 = "notification.sent.v1", Public, MailId / MailId, [Bff];
        notification_failed_v1: NotificationFailedV1 = "notification.failed.v1", Public, MailId / MailId, [Bff];
        onboarding_changed_v1: OnboardingChangedV1 = "onboarding.changed.v1", Public, BrandId / BrandId, [Bff];
        workflow_started_v1: WorkflowStartedV1 = "workflow.started.v1", Public, WorkflowId / WorkflowId, [Bff];
        workflow_step_requested_v1: WorkflowStepRequestedV1 = "workflow.step_requested.v1", Public, WorkflowId / WorkflowId, [Bff, Campaign, Tracking];
        workflow_step_started_v1: WorkflowStepStartedV1 = "workflow.step_started.v1", Public, WorkflowId / WorkflowId, [Bff];
        workflow_step_completed_v1: WorkflowStepCompletedV1 = "workflow.step_completed.v1", Public, WorkflowId / WorkflowId, [Bff];
        workflow_step_failed_v1: WorkflowStepFailedV1 = "workflow.step_failed.v1", Public, WorkflowId / WorkflowId, [Bff];
        workflow_step_compensated_v1: WorkflowStepCompensatedV1 = "workflow.step_compensated.v1", Public, WorkflowId / WorkflowId, [Bff];
        workflow_cancelled_v1: WorkflowCancelledV1 = "workflow.cancelled.v1", Public, WorkflowId / WorkflowId, [Bff];
        workflow_completed_v1: WorkflowCompletedV1 = "workflow.completed.v1", Public, WorkflowId / WorkflowId, [Bff];
        workflow_compensated_v1: WorkflowCompensatedV1 = "workflow.compensated.v1", Public, WorkflowId / WorkflowId, [Bff];
        contact_unsubscribed_v1: ContactUnsubscribedV1 = "contact.unsubscribed.v1", Public, ContactId / ContactId, [Bff];
        mail_template_changed_v1: MailTemplateChangedV1 = "mail_template.changed.v1", Public, MailTemplateId / MailTemplateId, [Bff];
    }
}
