//! What applicants do at a brand that has applications taken through onboarding, and how far each of them comes. Every step that could
//! meet what goes on by itself waits for that, so that the end is the same however long something takes.

use types::{WorkflowReason, WorkflowStatus};

use super::act::{Act, Terms};
use super::plan::{Expect, PLAIN, Step};
use super::requested::{self, Onboarding};

/// What the brand pays.
pub const TERMS: Terms = Terms {
    bps: Some(1_000),
    hold_days: 0,
    currency: "USD",
};

/// Writes the steps of one campaign, in an order that all of them share.
struct Writer<'a> {
    campaign: &'a str,
    steps: Vec<Step>,
}

/// The whole of it, for a campaign that partners apply to and that is open. The names of partners begin with this one.
pub fn steps(campaign: &str, partner: &str) -> Vec<Step> {
    let mut writer = Writer {
        campaign,
        steps: Vec::new(),
    };
    writer.wants();
    writer.is_let_in(&format!("{partner}a"));
    writer.is_sent_back(&format!("{partner}b"));
    writer.is_rejected(&format!("{partner}c"));
    writer.is_let_in_at_once(&format!("{partner}d"));
    writer.closes(&format!("{partner}c"));
    writer.steps
}

impl Writer<'_> {
    fn submit(&mut self, act: Act, expect: Expect) {
        let way = PLAIN;
        self.steps.push(Step::Submit { act, way, expect });
    }

    fn done(&mut self, act: Act) {
        self.submit(act, Expect::Done);
    }

    fn refused(&mut self, act: Act, code: &'static str) {
        self.submit(act, Expect::Refused(code));
    }

    fn onboards(&mut self, partner: &str, status: WorkflowStatus, reason: Option<WorkflowReason>) {
        self.steps.push(Step::Onboards {
            campaign: self.campaign.to_owned(),
            partner: partner.to_owned(),
            status,
            reason,
        });
    }

    /// Until only the brand is waited for.
    fn waits_for_the_brand(&mut self, partner: &str) {
        self.onboards(partner, WorkflowStatus::Running, None);
    }

    fn compensated(&mut self, partner: &str, reason: WorkflowReason) {
        self.onboards(partner, WorkflowStatus::Compensated, Some(reason));
    }

    fn applies(&mut self, partner: &str) {
        self.done(Act::Accept {
            campaign: self.campaign.to_owned(),
            partner: partner.to_owned(),
            version: None,
        });
    }

    fn named(&mut self, partner: &str) {
        let partner = partner.to_owned();
        self.done(Act::Named { partner });
    }

    fn approval(&self, partner: &str) -> Act {
        Act::Approve {
            campaign: self.campaign.to_owned(),
            partner: partner.to_owned(),
        }
    }

    /// The brand has a group for newcomers, and is sent what happens, by webhook and by mail.
    fn wants(&mut self) {
        let campaign = self.campaign;
        self.done(requested::endpoint(campaign));
        self.done(requested::mailed(campaign));
        self.done(requested::newcomers(campaign));
        let onboarding = requested::onboarding(campaign, Onboarding::IntoGroup);
        self.done(onboarding.clone());
        self.refused(onboarding, "onboarding_unchanged");
    }

    /// All of it is done but for what the brand decides; then nothing is left to do.
    fn is_let_in(&mut self, partner: &str) {
        self.named(partner);
        self.done(requested::partner_mailed(partner));
        self.applies(partner);
        self.waits_for_the_brand(partner);
        let waits = "workflow_step_not_waiting";
        self.refused(requested::retry(self.campaign), waits);
        self.refused(requested::skip(self.campaign), waits);
        self.done(self.approval(partner));
        self.onboards(partner, WorkflowStatus::Completed, None);
        self.refused(requested::cancel(self.campaign), "workflow_ended");
    }

    /// It does not say where it is, and has to; then the brand wants no more done, and decides as without.
    fn is_sent_back(&mut self, partner: &str) {
        self.applies(partner);
        self.compensated(partner, WorkflowReason::CountryUnknown);
        self.refused(self.approval(partner), "not_applied");
        self.named(partner);
        self.applies(partner);
        self.waits_for_the_brand(partner);
        self.done(requested::cancel(self.campaign));
        self.refused(requested::cancel(self.campaign), "workflow_ended");
        self.compensated(partner, WorkflowReason::Cancelled);
        self.done(self.approval(partner));
    }

    /// The brand rejects it.
    fn is_rejected(&mut self, partner: &str) {
        self.named(partner);
        self.applies(partner);
        self.waits_for_the_brand(partner);
        self.done(requested::reject(self.campaign, partner));
        self.compensated(partner, WorkflowReason::ApplicationEnded);
    }

    /// The brand leaves it to onboarding who comes in.
    fn is_let_in_at_once(&mut self, partner: &str) {
        let campaign = self.campaign;
        self.done(requested::onboarding(campaign, Onboarding::Approves));
        self.named(partner);
        self.done(requested::partner_mailed(partner));
        self.applies(partner);
        self.onboards(partner, WorkflowStatus::Completed, None);
        self.refused(self.approval(partner), "not_applied");
    }

    /// Who was rejected applies again, and the campaign closes meanwhile.
    fn closes(&mut self, partner: &str) {
        let campaign = self.campaign;
        self.done(requested::onboarding(campaign, Onboarding::Decides));
        self.applies(partner);
        self.waits_for_the_brand(partner);
        self.done(Act::Move {
            campaign: campaign.to_owned(),
            step: "close",
        });
        self.compensated(partner, WorkflowReason::CampaignClosed);
    }
}
