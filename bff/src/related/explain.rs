//! Why a conversion earned what it earned: its messages, step by step, as far as the viewer sees them, and what they come to in the
//! ledger. Nothing is calculated again: amounts are the messages' own, and the last line is the sum of their transfers.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{Body, Header, Service, Transfer};
use serde_json::json;
use types::{CampaignId, Currency, Micros, Money};
use uuid::Uuid;

use super::sentences::{self, Sentence, moment, money, percent};
use super::visible::{self, Owners, Viewer};
use super::{Found, Gathered};
use crate::store::terms::TermsRow;

/// A step of an explanation.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) at: i64,
    /// The message that says it; none of what follows from the terms or from several.
    pub(crate) message_id: Option<Uuid>,
    pub(crate) sentence: Sentence,
}

/// What stands in an account for a conversion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holding {
    pub(crate) account: String,
    pub(crate) amount: Money,
}

/// What became of a conversion.
#[derive(Debug, Clone)]
pub(crate) struct Explained {
    pub(crate) conversion: String,
    pub(crate) order: Option<String>,
    /// Whose campaigns it was in, or who reported it.
    pub(crate) brand: Option<String>,
    pub(crate) steps: Vec<Step>,
    /// What stands in each account that the viewer sees; `None` where it is not known now.
    pub(crate) holdings: Option<Vec<Holding>>,
    /// The last sentence.
    pub(crate) result: String,
}

/// The terms that a conversion counts by.
pub(crate) type Terms = BTreeMap<(String, i32), TermsRow>;

/// The campaigns and versions whose terms the messages name.
pub(crate) fn terms_of(gathered: &Gathered) -> BTreeSet<(CampaignId, i32)> {
    let named = gathered
        .messages
        .iter()
        .filter_map(|found| match &found.body {
            Some(Body::ConversionAttributedV1(it)) => {
                Some((it.campaign_id.clone(), it.terms_version.get()))
            }
            _ => None,
        });
    named.collect()
}

/// A commission that waited for its brand's funds when it was earned, as the ledger's messages have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waited {
    /// The commission's conversion.
    pub(crate) conversion: String,
    /// The brand's account of what its funds did not cover.
    pub(crate) account: String,
    pub(crate) amount: Money,
    pub(crate) since: i64,
}

/// What waited, of the conversions of these messages.
pub(crate) fn waited(gathered: &Gathered) -> Vec<Waited> {
    let mut sums: BTreeMap<(String, String, &'static str), (i64, i64, Currency)> = BTreeMap::new();
    for found in &gathered.messages {
        let Some(Body::LedgerPostedV1(posted)) = &found.body else {
            continue;
        };
        let conversion = posted.conversion_id.clone().unwrap_or_default();
        for transfer in &posted.transfers {
            for (account, minor) in [
                (&transfer.debit, transfer.minor),
                (&transfer.credit, transfer.minor.saturating_neg()),
            ] {
                if account.starts_with("brand:") && account.ends_with(":unfunded") {
                    let key = (
                        conversion.clone(),
                        account.clone(),
                        transfer.currency.code(),
                    );
                    let new = (0, found.row.time, transfer.currency);
                    let (sum, ..) = sums.entry(key).or_insert(new);
                    *sum = sum.saturating_add(minor);
                }
            }
        }
    }
    let waiting = sums.into_iter().filter(|(_, (sum, ..))| *sum > 0);
    waiting
        .map(
            |((conversion, account, _), (sum, since, currency))| Waited {
                conversion,
                account,
                amount: Money::new(sum, currency),
                since,
            },
        )
        .collect()
}

/// Whether it is among these messages that funds covered it.
pub(crate) fn is_funded(gathered: &Gathered, conversion: &str) -> bool {
    let mut bodies = gathered.messages.iter().filter_map(|it| it.body.as_ref());
    bodies.any(|body| match body {
        Body::EarningsFundedV1(it) => it.conversion_ids.iter().any(|id| id.as_str() == conversion),
        _ => false,
    })
}

/// The conversion that each message is about.
struct Groups<'a> {
    of_claims: BTreeMap<&'a str, String>,
}

impl<'a> Groups<'a> {
    fn of(messages: &'a [Found]) -> Self {
        let mut of_claims = BTreeMap::new();
        for found in messages {
            let conversion = match &found.body {
                Some(Body::ConversionClaimedV1(it)) => it.sale.conversion_id.to_string(),
                Some(Body::ClaimSettledV1(it)) => it.conversion_id.to_string(),
                Some(Body::ClaimAcceptedV1(it)) => it.conversion_id.to_string(),
                _ => continue,
            };
            of_claims.insert(found.row.subject.as_str(), conversion);
        }
        Self { of_claims }
    }

    /// The conversions that a message is about.
    fn about(&self, found: &'a Found) -> Vec<&str> {
        match &found.body {
            Some(Body::LedgerPostedV1(it)) => it.conversion_id.as_deref().into_iter().collect(),
            Some(Body::EarningsFundedV1(it)) => {
                it.conversion_ids.iter().map(AsRef::as_ref).collect()
            }
            Some(Body::ConversionDuplicateIgnoredV1(it)) => {
                let first = it.first_conversion_id.as_ref();
                vec![first.map_or(found.row.subject.as_str(), AsRef::as_ref)]
            }
            Some(_) if matches!(found.service, Service::Tracking | Service::Commission) => {
                let subject = found.row.subject.as_str();
                vec![self.of_claims.get(subject).map_or(subject, String::as_str)]
            }
            _ => Vec::new(),
        }
    }
}

/// Explains each conversion of what was gathered that the viewer sees anything of.
pub(crate) fn explain(
    gathered: &Gathered,
    viewer: &Viewer,
    owners: &Owners,
    terms: &Terms,
) -> Vec<Explained> {
    let groups = Groups::of(&gathered.messages);
    let mut about: BTreeMap<&str, Vec<&Found>> = BTreeMap::new();
    for found in &gathered.messages {
        for conversion in groups.about(found) {
            about.entry(conversion).or_default().push(found);
        }
    }
    let of_group = |(conversion, messages): (&str, Vec<&Found>)| {
        one(conversion, &messages, gathered, viewer, owners, terms)
    };
    about.into_iter().filter_map(of_group).collect()
}

fn one(
    conversion: &str,
    messages: &[&Found],
    gathered: &Gathered,
    viewer: &Viewer,
    owners: &Owners,
    terms: &Terms,
) -> Option<Explained> {
    let mut explained = Explained {
        conversion: conversion.to_owned(),
        order: None,
        brand: None,
        steps: Vec::new(),
        holdings: None,
        result: String::new(),
    };
    let mut sums: BTreeMap<(String, Currency), i64> = BTreeMap::new();
    // What its funding moved beside is of other conversions: alone it explains nothing.
    let mut is_known = false;
    let is_shown = |found: &&Found| visible::shown(found, viewer, owners).is_some();
    let shown: Vec<&Found> = messages.iter().copied().filter(is_shown).collect();
    for found in &shown {
        let Some(body) = &found.body else { continue };
        let moves: Vec<Transfer> = moves_of(conversion, body)
            .into_iter()
            .filter(|it| viewer.has_account(&it.debit) || viewer.has_account(&it.credit))
            .collect();
        if moves.is_empty() && matches!(body, Body::EarningsFundedV1(_)) {
            continue;
        }
        for it in &moves {
            for (account, minor) in [
                (&it.debit, it.minor.saturating_neg()),
                (&it.credit, it.minor),
            ] {
                if viewer.has_account(account) {
                    let sum = sums.entry((account.clone(), it.currency)).or_default();
                    *sum = sum.saturating_add(minor);
                }
            }
        }
        is_known |= found.service != Service::Payment;
        explained.name(found, body);
        explained.steps.push(Step {
            at: found.row.time,
            message_id: Some(found.row.id),
            sentence: sentences::sentence(&header(found), body, &moves),
        });
        if let Body::ConversionAttributedV1(it) = body {
            let key = (it.campaign_id.to_string(), it.terms_version.get());
            explained.steps.extend(terms.get(&key).map(|row| Step {
                at: found.row.time,
                message_id: None,
                sentence: of_terms(row),
            }));
        }
    }
    if !is_known {
        return None;
    }
    let pays = |((account, _), _): (&(String, Currency), &i64)| account.ends_with(":payable");
    if sums.iter().any(pays) {
        explained.steps.push(Step {
            at: messages.last().map_or(0, |found| found.row.time),
            message_id: None,
            sentence: Sentence::new(
                "payouts",
                "Payouts take from what is payable to the partner as a whole: no message ties one to this conversion."
                    .to_owned(),
                json!({}),
            ),
        });
    }
    explained.conclude((messages, &shown), gathered, sums);
    Some(explained)
}

/// The message's header, as far as sentences need it.
pub(crate) fn header(found: &Found) -> Header {
    let row = &found.row;
    Header {
        id: row.id,
        kind: row.kind.clone(),
        source: found.service.name().to_owned(),
        subject: row.subject.clone(),
        key: row.key.clone(),
        time: Micros(row.time),
        epoch: row.epoch,
        sequence: row.sequence,
        correlation_id: row.correlation_id,
        causation_id: row.causation_id,
        outcome_of: row.outcome_of,
        actor: None,
        traceparent: None,
    }
}

/// The transfers that a message moves for a conversion.
pub(crate) fn moves_of(conversion: &str, body: &Body) -> Vec<Transfer> {
    match body {
        Body::LedgerPostedV1(it) => it.transfers.clone(),
        // Each begins with what leaves the brand's funds.
        Body::EarningsFundedV1(it) => {
            let mut conversions = it.conversion_ids.iter();
            let mut current = None;
            let mut moves = Vec::new();
            for transfer in &it.transfers {
                if transfer.credit.starts_with("brand:") {
                    current = conversions.next();
                }
                if current.is_some_and(|it| it.as_str() == conversion) {
                    moves.push(transfer.clone());
                }
            }
            moves
        }
        _ => Vec::new(),
    }
}

fn of_terms(row: &TermsRow) -> Sentence {
    let earns = |bps: Option<i32>, flat: Option<i64>| match (bps, flat) {
        (Some(bps), _) => percent(bps),
        (None, Some(_)) => "a flat amount".to_owned(),
        (None, None) => "nothing".to_owned(),
    };
    let text = format!(
        "Version {} of the terms of campaign {}, in force since {}, counts what happens within {} days of the click; a sale earns {}, a lead {}, held for {} days.",
        row.version,
        row.campaign_id,
        moment(Micros(row.effective_at)),
        row.window_days,
        earns(row.sale_bps, row.sale_flat),
        earns(row.lead_bps, row.lead_flat),
        row.hold_days,
    );
    Sentence::new(
        "terms",
        text,
        json!({
            "campaign_id": row.campaign_id, "version": row.version, "window_days": row.window_days, "hold_days": row.hold_days,
            "sale_bps": row.sale_bps, "lead_bps": row.lead_bps,
        }),
    )
}

impl Explained {
    /// Notes which order it is, and whose.
    fn name(&mut self, found: &Found, body: &Body) {
        let (order, brand) = match body {
            Body::ConversionAttributedV1(it) => (it.order_id.as_ref(), Some(it.brand_id.as_ref())),
            Body::ConversionClaimedV1(it) => {
                (it.sale.order_id.as_ref(), Some(it.sale.brand_id.as_ref()))
            }
            Body::ConversionUnattributedV1(it) => (it.order_id.as_ref(), None),
            Body::ConversionRefundNotedV1(it) => (it.order_id.as_ref(), None),
            Body::ConversionDuplicateIgnoredV1(it) => (it.order_id.as_ref(), None),
            // They alone may be left of it, or answer now.
            Body::CommissionCalculatedV1(it) => (None, Some(it.brand_id.as_ref())),
            Body::CommissionApprovedV1(it) => (None, Some(it.brand_id.as_ref())),
            Body::CommissionReversedV1(it) => (None, Some(it.brand_id.as_ref())),
            _ => return,
        };
        let order = order.map(ToString::to_string);
        let reporter = found.row.actor.as_ref();
        let reporter = reporter.and_then(|actor| actor["brand_id"].as_str());
        let brand = brand.or(reporter).map(ToOwned::to_owned);
        self.order = self.order.take().or(order);
        self.brand = self.brand.take().or(brand);
    }

    /// The last line: what the ledger holds. What is under way or in an archive is stated of what is shown alone: a viewer may see a refusal
    /// of its own that names another's conversion.
    fn conclude(
        &mut self,
        (messages, shown): (&[&Found], &[&Found]),
        gathered: &Gathered,
        sums: BTreeMap<(String, Currency), i64>,
    ) {
        let unknown =
            |why: String| format!("What the ledger holds for it is not known now: {why}.");
        let of_money = [Service::Commission, Service::Payment];
        let mut away = gathered.missing.iter();
        if let Some(missing) = away.find(|it| of_money.contains(&it.service)) {
            let (name, why) = (missing.service.name(), &missing.reason);
            self.result = unknown(format!("{name} did not answer, since {why}"));
            return;
        }
        if gathered.truncated {
            self.result = unknown("it has more messages than are looked at".to_owned());
            return;
        }
        let posted: BTreeSet<Uuid> = messages
            .iter()
            .filter(|found| found.service == Service::Payment)
            .filter_map(|found| found.row.causation_id)
            .collect();
        let under_way = shown
            .iter()
            .filter(|found| moves_money(found))
            .filter(|found| !found.ids().iter().any(|id| posted.contains(id)))
            .count();
        if let Some(service) = in_archive(shown, gathered, under_way) {
            let name = service.name();
            self.result = unknown(format!("what {name} had of it may be in its archive"));
            return;
        }
        let holdings: Vec<Holding> = sums
            .into_iter()
            .map(|((account, currency), minor)| Holding {
                account,
                amount: Money::new(minor, currency),
            })
            .collect();
        let there: Vec<String> = holdings
            .iter()
            .filter(|holding| holding.amount.minor != 0)
            .map(|holding| format!("{} in {}", money(holding.amount), holding.account))
            .collect();
        let mut result = if there.is_empty() {
            "The ledger holds nothing for it.".to_owned()
        } else {
            format!("The ledger holds for it {}.", there.join(", "))
        };
        if under_way > 0 {
            result = format!(
                "{under_way} messages of its commission are on their way to the ledger. {result}"
            );
        }
        self.holdings = Some(holdings);
        self.result = result;
    }
}

/// Whether the ledger follows it.
fn moves_money(found: &Found) -> bool {
    matches!(
        found.body,
        Some(
            Body::CommissionCalculatedV1(_)
                | Body::CommissionApprovedV1(_)
                | Body::CommissionReversedV1(_)
        )
    )
}

/// The service in whose archive messages about the money may be. A log's archive is its beginning: where the first message of what
/// follows from another is not there, any more or while its service is away, more may be missing.
fn in_archive(messages: &[&Found], gathered: &Gathered, under_way: usize) -> Option<Service> {
    let has_archive = |service| gathered.archived.iter().any(|(of, _)| *of == service);
    let is_there =
        |is: fn(&Body) -> bool| messages.iter().any(|it| it.body.as_ref().is_some_and(is));
    let is_away = gathered
        .missing
        .iter()
        .any(|it| it.service == Service::Tracking);
    let earns = is_away
        || has_archive(Service::Tracking)
        || is_there(|it| {
            matches!(
                it,
                Body::ConversionAttributedV1(_) | Body::ClaimAcceptedV1(_)
            )
        });
    let is_calculated = is_there(|it| matches!(it, Body::CommissionCalculatedV1(_)));
    if earns && !is_calculated && has_archive(Service::Commission) {
        return Some(Service::Commission);
    }
    (under_way > 0 && has_archive(Service::Payment)).then_some(Service::Payment)
}

/// What caused a message, the first cause first, and the message itself.
pub(crate) fn causes<'a>(gathered: &'a Gathered, of: &'a Found) -> Vec<&'a Found> {
    let by_id: BTreeMap<Uuid, &Found> = gathered
        .messages
        .iter()
        .map(|found| (found.row.id, found))
        .collect();
    let mut chain = vec![of];
    let mut at = of;
    while let Some(cause) = at.row.causation_id.and_then(|cause| by_id.get(&cause)) {
        if chain.iter().any(|known| known.row.id == cause.row.id) {
            break;
        }
        chain.push(cause);
        at = cause;
    }
    chain.reverse();
    chain
}

/// The transfers of a message, whatever it is about.
pub(crate) fn transfers_of(found: &Found) -> Vec<Transfer> {
    let Some(body) = &found.body else {
        return Vec::new();
    };
    let message = schemas::Message {
        header: header(found),
        body: body.clone(),
    };
    schemas::transfers(&message).unwrap_or_default()
}

/// The conversion that a transfer of this message belongs to.
pub(crate) fn conversion_of(found: &Found, transfer: Uuid) -> Option<String> {
    let conversions: Vec<String> = match found.body.as_ref()? {
        Body::LedgerPostedV1(it) => it.conversion_id.clone().into_iter().collect(),
        Body::EarningsFundedV1(it) => it.conversion_ids.iter().map(ToString::to_string).collect(),
        _ => return None,
    };
    let body = found.body.as_ref()?;
    conversions.into_iter().find(|conversion| {
        let moves = moves_of(conversion, body);
        moves.iter().any(|it| it.id == transfer)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::related::Missing;

    /// A message of a service's, as its golden sample has it, caused by the one of the place before.
    fn found(service: Service, kind: &str, place: u128) -> Found {
        let topic = service.events_topic().unwrap().name();
        let path = format!(
            "{}/../schemas/golden/next/{topic}/{kind}.json",
            env!("CARGO_MANIFEST_DIR")
        );
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let sample: Value = serde_json::from_str(&text).unwrap();
        let payload = sample["payload"].as_object().unwrap().values();
        let payload = payload.into_iter().find(|it| !it.is_null()).cloned();
        let row = messaging::related::RelatedMessage {
            position: 1,
            id: Uuid::from_u128(place),
            kind: kind.to_owned(),
            topic: topic.to_owned(),
            published: true,
            partition: Some(0),
            epoch: Some(1),
            sequence: Some(1),
            key: "conv1".to_owned(),
            subject: "conv1".to_owned(),
            time: 0,
            correlation_id: Uuid::nil(),
            causation_id: Some(Uuid::from_u128(place - 1)),
            outcome_of: None,
            actor: None,
            payload,
        };
        Found::new(service, row)
    }

    fn result(messages: &[Found], archived: &[Service]) -> String {
        result_of(
            messages,
            &Gathered {
                archived: archived.iter().map(|it| (*it, 7)).collect(),
                ..Gathered::default()
            },
        )
    }

    fn result_of(messages: &[Found], gathered: &Gathered) -> String {
        let mut explained = Explained {
            conversion: "conv1".to_owned(),
            order: None,
            brand: None,
            steps: Vec::new(),
            holdings: None,
            result: String::new(),
        };
        let messages: Vec<&Found> = messages.iter().collect();
        explained.conclude((&messages, &messages), gathered, BTreeMap::new());
        explained.result
    }

    #[test]
    fn a_commission_of_which_nothing_else_is_left_is_its_brands() {
        for kind in ["calculated", "approved", "reversed"] {
            let kind = format!("commission.{kind}.v1");
            let gathered = Gathered {
                messages: vec![found(Service::Commission, &kind, 2)],
                ..Gathered::default()
            };
            let owners = Owners::default();
            let all = explain(&gathered, &Viewer::Operator, &owners, &Terms::new());
            let brands: Vec<_> = all.iter().map(|it| it.brand.as_deref()).collect();
            assert_eq!(brands, [Some("brand1")], "{kind}");
        }
    }

    #[test]
    fn whose_refusal_names_anothers_conversion_learns_nothing_of_what_it_earned() {
        let mut refused = found(Service::Tracking, "command.rejected.v1", 9);
        refused.row.actor =
            Some(json!({"subject": "shop2", "roles": ["brand"], "brand_id": "brand2"}));
        let gathered = Gathered {
            messages: vec![
                found(Service::Commission, "commission.calculated.v1", 2),
                refused,
            ],
            archived: vec![(Service::Payment, 7)],
            ..Gathered::default()
        };
        let viewer = Viewer::Owner {
            partner: None,
            brand: types::BrandId::parse("brand2").ok(),
        };
        let all = explain(&gathered, &viewer, &Owners::default(), &Terms::new());
        let [own] = all.as_slice() else {
            panic!("{all:?}")
        };
        assert_eq!(own.steps.len(), 1, "{own:?}");
        assert_eq!(own.result, "The ledger holds nothing for it.");
    }

    #[test]
    fn what_may_be_in_an_archive_is_not_said_to_be_nothing() {
        let attributed = || found(Service::Tracking, "conversion.attributed.v1", 1);
        let unattributed = found(Service::Tracking, "conversion.unattributed.v1", 1);
        let calculated = || found(Service::Commission, "commission.calculated.v1", 2);
        let posted = found(Service::Payment, "ledger.posted.v1", 3);
        let all = [attributed(), calculated(), posted];
        let (commission, payment) = (Service::Commission, Service::Payment);
        let known = "The ledger holds nothing for it.";
        assert_eq!(
            result(&all, &[Service::Tracking, commission, payment]),
            known
        );
        assert_eq!(result(&[unattributed], &[commission, payment]), known);
        assert_eq!(result(&all[..1], &[payment]), known);
        let missing = result(&all[..1], &[commission]);
        assert!(
            missing.contains("commission had of it may be in its archive"),
            "{missing}"
        );
        let missing = result(&[attributed(), calculated()], &[payment]);
        assert!(
            missing.contains("payment had of it may be in its archive"),
            "{missing}"
        );
        let missing = result(&[], &[Service::Tracking, commission]);
        assert!(missing.contains("not known"), "{missing}");
        let mut again = calculated();
        let cause = again.row.causation_id.unwrap();
        let under = |epoch| types::ids::event_id("commission", epoch, cause, 0);
        (again.row.epoch, again.row.id) = (Some(2), under(2));
        let mut posted_before = found(payment, "ledger.posted.v1", 3);
        posted_before.row.causation_id = Some(under(1));
        let decided_again = [attributed(), again, posted_before];
        assert_eq!(result(&decided_again, &[]), known, "it is not on its way");
        let mut refused = all.to_vec();
        refused.push(found(commission, "command.rejected.v1", 9));
        assert_eq!(result(&refused, &[payment]), known, "no money follows it");
        // While tracking is away it is not known whether it was earned.
        let reversed = [found(Service::Commission, "commission.reversed.v1", 2)];
        let away = |archived| Gathered {
            archived,
            missing: vec![Missing {
                service: Service::Tracking,
                reason: "it is away".to_owned(),
            }],
            ..Gathered::default()
        };
        let missing = result_of(&reversed, &away(vec![(commission, 7)]));
        assert!(missing.contains("not known"), "{missing}");
        assert!(!result_of(&reversed, &away(vec![])).contains("not known"));
    }
}
