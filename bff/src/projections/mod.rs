//! Projections: every event becomes what front ends read. Each row belongs to one topic, since two topics have no order
//! between them.

mod api_key;
mod balance;
mod ban;
mod campaign;
mod claim;
mod commission;
mod conversion;
mod enrollment;
mod evidence;
mod funds;
mod group;
mod link;
mod outcome;
mod payout;
mod record;
mod rows;
mod sealing_key;
mod statement;
mod terms;

use std::collections::{HashMap, HashSet};

use messaging::{FoldError, Projection, Tables, WriteTx};
use runtime::brands::BrandRow;
use runtime::partners::PartnerRow;
use schemas::{Body, Message, Service};
use uuid::Uuid;

use self::rows::Rows;
use crate::store::api_keys::ApiKeyRow;
use crate::store::balances::{self, Holder, Totals};
use crate::store::bans::BanRow;
use crate::store::campaigns::CampaignRow;
use crate::store::claims::ClaimRow;
use crate::store::commands;
use crate::store::commissions::CommissionRow;
use crate::store::conversions::ConversionRow;
use crate::store::enrollments::EnrollmentRow;
use crate::store::erasures::{self, Erasure};
use crate::store::evidence::EvidenceRow;
use crate::store::funds::{BankTransferRow, BillingRow, FundsAccountRow};
use crate::store::groups::{DefaultGroupRow, GroupRow};
use crate::store::links::LinkRow;
use crate::store::memberships::MembershipRow;
use crate::store::outcomes::{self, Outcome};
use crate::store::payouts::PayoutRow;
use crate::store::report_sums::Touched;
use crate::store::sealing_keys::{self, SealingKey};
use crate::store::statements::StatementRow;
use crate::store::terms::TermsRow;
use crate::store::transfers::{self, TransferRow};
use crate::waiting::PROJECTED;

/// The bff as a follower: it decides nothing and notes everything that it can read.
#[derive(Debug, Clone, Copy)]
pub struct Projections;

/// What one batch of events changes.
#[derive(Debug, Default)]
pub struct BatchState {
    /// Those of the batch's commands that were asked here.
    submitted_here: HashSet<Uuid>,
    /// By command and its kind.
    outcomes: HashMap<(Uuid, &'static str), Outcome>,
    api_keys: Rows<ApiKeyRow>,
    bans: Rows<BanRow>,
    brands: Rows<BrandRow>,
    campaigns: Rows<CampaignRow>,
    claims: Rows<ClaimRow>,
    commissions: Rows<CommissionRow>,
    conversions: Rows<ConversionRow>,
    enrollments: Rows<EnrollmentRow>,
    evidence: Rows<EvidenceRow>,
    default_groups: Rows<DefaultGroupRow>,
    groups: Rows<GroupRow>,
    links: Rows<LinkRow>,
    memberships: Rows<MembershipRow>,
    partners: Rows<PartnerRow>,
    payouts: Rows<PayoutRow>,
    statements: Rows<StatementRow>,
    bank_transfers: Rows<BankTransferRow>,
    billing: Rows<BillingRow>,
    funds_accounts: Rows<FundsAccountRow>,
    transfers: Vec<TransferRow>,
    /// Of the batch's transfers those that moved already.
    moved: HashSet<Uuid>,
    terms: Rows<TermsRow>,
    /// By how much balances change.
    changes: HashMap<Holder, Totals>,
    sealing_keys: HashMap<String, SealingKey>,
    /// What reports may have summed already.
    touched: Touched,
    erasures: Vec<Erasure>,
}

impl Projection for Projections {
    type BatchState = BatchState;

    const SERVICE: Service = Service::Bff;
    const COMMAND_LOG: &'static str = commands::LOG;
    const TABLES: Tables = Tables {
        folds: &[
            "read_head",
            "outcomes",
            "api_key_changes",
            "api_keys",
            "balances",
            "bank_transfers",
            "bans",
            "billing",
            "brands",
            "campaigns",
            "claims",
            "commissions",
            "conversions",
            "enrollments",
            "evidence",
            "funds_accounts",
            "groups",
            "links",
            "memberships",
            "partners",
            "payouts",
            "sealing_keys",
            "statements",
            "terms",
            "transfers",
        ],
        sides: &[
            "commands",
            "api_key_uses",
            "command_notes",
            "erasures",
            "erased_partners",
            "personal_keys",
        ],
        derived: &[
            "report_alone",
            "report_horizon",
            "report_sums",
            "report_totals",
        ],
        // Streams have no order between them: in which one rows were first seen, and which touched a brand last, differs.
        run_dependent: &[
            ("read_head", "position"),
            ("api_key_changes", "change"),
            ("api_keys", "position"),
            ("balances", "position"),
            ("balances", "updated_at"),
            ("bank_transfers", "position"),
            ("bans", "position"),
            ("billing", "position"),
            ("brands", "position"),
            ("campaigns", "position"),
            ("claims", "position"),
            ("commissions", "position"),
            ("conversions", "position"),
            ("enrollments", "position"),
            ("evidence", "position"),
            ("funds_accounts", "position"),
            ("groups", "position"),
            ("links", "position"),
            ("memberships", "position"),
            ("partners", "position"),
            ("payouts", "position"),
            ("statements", "position"),
            ("terms", "position"),
            ("transfers", "position"),
        ],
        seeds: &[
            "INSERT INTO read_head VALUES (true, 0)",
            "INSERT INTO report_horizon VALUES (true, 0)",
        ],
        fold_version: 14,
    };

    /// Rows that later events change; what an event says in full is not read before it is written.
    async fn load(
        &self,
        tx: &mut WriteTx,
        messages: &[&Message],
    ) -> Result<BatchState, sqlx::Error> {
        let mut state = BatchState::default();
        let commands: Vec<Uuid> = messages
            .iter()
            .filter_map(|message| outcome::of_a_command_from_elsewhere(message))
            .collect();
        if !commands.is_empty() {
            state.submitted_here = outcomes::submitted_here(tx, &commands).await?;
        }
        let again: Vec<Uuid> = messages
            .iter()
            .filter(|message| message.header.epoch.is_some_and(|epoch| epoch > 1))
            .flat_map(|message| schemas::transfers(message).unwrap_or_default())
            .map(|transfer| transfer.id)
            .collect();
        if !again.is_empty() {
            state.moved.extend(transfers::known(tx, &again).await?);
        }
        state.api_keys = Rows::load(tx, messages).await?;
        state.bans = Rows::load(tx, messages).await?;
        state.brands = Rows::load(tx, messages).await?;
        state.campaigns = Rows::load(tx, messages).await?;
        state.claims = Rows::load(tx, messages).await?;
        state.commissions = Rows::load(tx, messages).await?;
        state.conversions = Rows::load(tx, messages).await?;
        state.enrollments = Rows::load(tx, messages).await?;
        state.evidence = Rows::load(tx, messages).await?;
        state.groups = Rows::load(tx, messages).await?;
        state.partners = Rows::load(tx, messages).await?;
        state.payouts = Rows::load(tx, messages).await?;
        state.bank_transfers = Rows::load(tx, messages).await?;
        state.billing = Rows::load(tx, messages).await?;
        Ok(state)
    }

    fn unusable(&self, message: &Message) -> Option<String> {
        balance::unreadable(message)
    }

    fn fold(&self, state: &mut BatchState, message: &Message) -> Result<(), FoldError> {
        outcome::fold(state, message);
        touched(&mut state.touched, message);
        state.api_keys.fold(message);
        state.bans.fold(message);
        state.brands.fold(message);
        state.campaigns.fold(message);
        state.claims.fold(message);
        state.commissions.fold(message);
        state.conversions.fold(message);
        state.enrollments.fold(message);
        state.evidence.fold(message);
        state.default_groups.fold(message);
        state.groups.fold(message);
        state.links.fold(message);
        state.memberships.fold(message);
        state.partners.fold(message);
        state.payouts.fold(message);
        state.statements.fold(message);
        state.terms.fold(message);
        state.bank_transfers.fold(message);
        state.billing.fold(message);
        state.funds_accounts.fold(message);
        sealing_key::fold(&mut state.sealing_keys, message);
        state.erasures.extend(record::erasure(message));
        let mut moved =
            schemas::transfers(message).map_err(|error| FoldError(error.to_string()))?;
        moved.retain(|transfer| state.moved.insert(transfer.id));
        balance::fold(&mut state.changes, message, &moved)?;
        funds::fold(&mut state.transfers, message, moved);
        Ok(())
    }

    async fn save(&self, tx: &mut WriteTx, state: BatchState) -> Result<(), sqlx::Error> {
        let late = state.touched.take_out(tx).await?;
        state.api_keys.save(tx).await?;
        state.bans.save(tx).await?;
        state.brands.save(tx).await?;
        state.campaigns.save(tx).await?;
        state.claims.save(tx).await?;
        state.commissions.save(tx).await?;
        state.conversions.save(tx).await?;
        state.enrollments.save(tx).await?;
        state.evidence.save(tx).await?;
        state.default_groups.save(tx).await?;
        state.groups.save(tx).await?;
        state.links.save(tx).await?;
        state.memberships.save(tx).await?;
        state.partners.save(tx).await?;
        state.payouts.save(tx).await?;
        state.statements.save(tx).await?;
        state.terms.save(tx).await?;
        state.bank_transfers.save(tx).await?;
        state.billing.save(tx).await?;
        state.funds_accounts.save(tx).await?;
        if let Some(late) = late {
            late.put_in(tx).await?;
        }
        transfers::insert(tx, &state.transfers).await?;
        erasures::apply(tx, &state.erasures).await?;
        if !state.changes.is_empty() {
            balances::add(tx, &state.changes).await?;
        }
        if !state.sealing_keys.is_empty() {
            sealing_keys::upsert(tx, &values(state.sealing_keys)).await?;
        }
        if !state.outcomes.is_empty() {
            outcomes::upsert(tx, &values(state.outcomes)).await?;
            PROJECTED.notify_waiters();
        }
        Ok(())
    }
}

/// Notes what the message changes of what reports sum up.
fn touched(touched: &mut Touched, message: &Message) {
    let subject = || message.header.subject.clone();
    let at = message.header.time.get();
    match message.body {
        Body::ConversionAttributedV1(_) | Body::ConversionUnattributedV1(_) => {
            touched.stated.push((subject(), at));
        }
        Body::CommissionCalculatedV1(_) => touched.calculated.push((subject(), at)),
        Body::ConversionRefundedV1(_) | Body::CommissionReversedV1(_) => {
            touched.reduced.push(subject());
        }
        _ => {}
    }
}

fn values<K, R>(by_id: HashMap<K, R>) -> Vec<R> {
    by_id.into_values().collect()
}
