//! Explanations: why a conversion, an order, a commission or a transfer came to what it came to, in steps and in sentences.

use axum::extract::State;
use axum::middleware::from_fn;
use chassis::auth::Caller;
use chassis::http::to_its_end;
use chassis::json::Json;
use chassis::openapi::{Forbidden, NotFound, Problems};
use chassis::params::{Path, Query};
use chassis::problem::Problem;
use chassis::time::Timestamp;
use messaging::related::Question;
use runtime::OrUnread;
use schemas::Service;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use types::{BrandId, ConversionId, Currency, Money, OrderId, PartnerId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Bff;
use super::named::{self, Named};
use super::shown::moment;
use super::timeline::{ArchivedView, MissingView, archived, missing};
use crate::related::explain::{self, Explained, Step, Terms, Waited};
use crate::related::visible::{self, Owners, Viewer};
use crate::related::{Found, Gathered, sentences};
use crate::store::commissions::CommissionRow;
use crate::store::conversions::ConversionRow;
use crate::store::transfers::TransferRow;
use crate::store::{Table, terms, transfers};

/// Requests that may have covered a commission that waited for its brand's funds, at most: the first of those are it, mostly.
const MAX_FUNDING: i64 = 32;

/// Its routes.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new()
        .routes(routes!(explain_conversion))
        .routes(routes!(explain_commission))
        .routes(routes!(explain_order))
        .routes(routes!(explain_transfer))
        .layer(from_fn(to_its_end))
}

/// Why a conversion earned what it earned.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExplanationView {
    conversion_id: String,
    order_id: Option<String>,
    steps: Vec<StepView>,
    /// What stands in each account for it, as far as the caller may see the account; `null` where that is not known now.
    ledger: Option<Vec<HoldingView>>,
    /// All of it in plain sentences. The last says what the ledger holds.
    sentences: Vec<String>,
    /// Services that did not answer: what they know is not in it.
    missing: Vec<MissingView>,
    /// Services whose older messages are in an archive, which was not looked at.
    archived: Vec<ArchivedView>,
    /// There are more messages than were looked at.
    truncated: bool,
}

/// A step, as a message says it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StepView {
    #[schema(example = "calculated")]
    kind: &'static str,
    at: Timestamp,
    /// The message that says it; `null` of what follows from the terms, or from no single message.
    message_id: Option<Uuid>,
    #[schema(
        example = "10 % of 100.00 USD is 10.00 USD, rounded half to even, by version 1 of the plan of campaign camp100; it is earned for good at once."
    )]
    sentence: String,
    /// What the sentence names.
    #[schema(value_type = Object)]
    values: Value,
}

/// What stands in an account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HoldingView {
    #[schema(example = "partner:partner123:payable")]
    account: String,
    #[schema(example = "10.00")]
    amount: String,
    #[schema(example = "USD")]
    currency: String,
}

/// Why each conversion of an order earned what it earned, or nothing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExplanationsView {
    items: Vec<ExplanationView>,
    /// Services that did not answer: what they know is not in it.
    missing: Vec<MissingView>,
    /// Services whose older messages are in an archive, which was not looked at.
    archived: Vec<ArchivedView>,
}

/// How money came to move.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TransferExplanationView {
    id: Uuid,
    #[schema(example = "brand:brand123:funds")]
    from: String,
    #[schema(example = "partner:partner123:payable")]
    to: String,
    #[schema(example = "10.00")]
    amount: String,
    #[schema(example = "USD")]
    currency: String,
    /// The conversion that it belongs to, if it is one's.
    conversion_id: Option<String>,
    /// What caused it, the first cause first, as far as the caller may see it.
    steps: Vec<StepView>,
    /// The same in plain sentences. The last says what moved.
    sentences: Vec<String>,
    /// Services that did not answer: what they know is not in it.
    missing: Vec<MissingView>,
    /// Services whose older messages are in an archive, which was not looked at.
    archived: Vec<ArchivedView>,
    /// There are more messages than were looked at.
    truncated: bool,
}

/// Which order.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfOrder {
    /// The order's number.
    #[param(value_type = String)]
    order_id: OrderId,
    /// Of which brand it is: for operators, since numbers of orders are each brand's own.
    #[param(value_type = Option<String>)]
    brand_id: Option<BrandId>,
}

impl OfOrder {
    /// Whether it is of the brand that is named. What is nobody's bears no brand, and is known by the id that its brand's number gives it.
    fn means(&self, explained: &Explained) -> bool {
        let Some(brand) = &self.brand_id else {
            return true;
        };
        explained.brand.as_deref() == Some(brand.as_str())
            || explained.conversion == ConversionId::of_brand(brand, &self.order_id).as_str()
    }
}

fn step(step: Step) -> StepView {
    StepView {
        kind: step.sentence.kind,
        at: moment(step.at),
        message_id: step.message_id,
        sentence: step.sentence.text,
        values: step.sentence.values,
    }
}

fn view(explained: Explained, gathered: &Gathered, viewer: &Viewer) -> ExplanationView {
    let mut sentences: Vec<String> = explained
        .steps
        .iter()
        .map(|step| step.sentence.text.clone())
        .collect();
    sentences.push(explained.result);
    let holdings = explained.holdings.map(|holdings| {
        let each = holdings.into_iter().map(|holding| HoldingView {
            account: holding.account,
            amount: holding.amount.to_string(),
            currency: holding.amount.currency.code().to_owned(),
        });
        each.collect()
    });
    ExplanationView {
        conversion_id: explained.conversion,
        order_id: explained.order,
        steps: explained.steps.into_iter().map(step).collect(),
        ledger: holdings,
        sentences,
        missing: missing(gathered),
        archived: archived(gathered, viewer),
        truncated: gathered.truncated,
    }
}

/// Why a conversion earned what it earned, or nothing: whose it is and by which click, the terms that count, each step of the
/// arithmetic, holds and releases, refunds, what moved in the ledger, and what that comes to. Made of the messages alone, and of those
/// that the caller may see.
#[utoipa::path(
    get, path = "/api/v1/conversions/{id}/explanation", tag = "timelines", params(("id" = String, Path)),
    responses((status = 200, body = ExplanationView), Problems<Forbidden>), security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(crate) async fn explain_conversion(
    State(bff): State<Bff>,
    caller: Caller,
    Path(id): Path<ConversionId>,
) -> Result<Json<ExplanationView>, Problem> {
    caller.scope()?;
    of_conversion(&bff, &caller, &id).await.map(Json)
}

/// The same of a commission, which has its conversion's id.
#[utoipa::path(
    get, path = "/api/v1/commissions/{id}/explanation", tag = "timelines", params(("id" = String, Path)),
    responses((status = 200, body = ExplanationView), Problems<Forbidden>), security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(crate) async fn explain_commission(
    State(bff): State<Bff>,
    caller: Caller,
    Path(id): Path<ConversionId>,
) -> Result<Json<ExplanationView>, Problem> {
    caller.scope()?;
    let row = CommissionRow::find(bff.host.pool(), id.as_str())
        .await
        .or_unread()?
        .ok_or_else(Problem::not_found)?;
    let partner = PartnerId::parse(row.partner_id).ok();
    let brand = BrandId::parse(row.brand_id).ok();
    caller.require_owner(partner.as_ref(), brand.as_ref())?;
    of_conversion(&bff, &caller, &id).await.map(Json)
}

async fn of_conversion(
    bff: &Bff,
    caller: &Caller,
    id: &ConversionId,
) -> Result<ExplanationView, Problem> {
    let row = ConversionRow::find(bff.host.pool(), id.as_str())
        .await
        .or_unread()?;
    // Whoever is away: what is another's and what is nobody's look the same, and are looked for the same.
    let is_own = row.is_some_and(|row| {
        let brand = row.brand_id().and_then(|id| BrandId::parse(id).ok());
        let partner = row.partner_id.and_then(|id| PartnerId::parse(id).ok());
        caller
            .require_owner(partner.as_ref(), brand.as_ref())
            .is_ok()
    });
    let subjects = named::of_conversions(bff, caller.scope()?, &[id.to_string()])
        .await
        .or_unread()?;
    let viewer = visible::viewer(caller);
    let (gathered, all) = explained(bff, caller, &viewer, subjects).await?;
    let this = |explained: &Explained| explained.conversion == id.as_str();
    let may_be = (is_own || caller.is_operator()) && !gathered.missing.is_empty();
    match all.into_iter().find(this) {
        Some(explained) => Ok(view(explained, &gathered, &viewer)),
        None if may_be => Ok(nothing(id, &gathered, &viewer)),
        None => Err(Problem::not_found()),
    }
}

/// Of a conversion of which nothing is known while a service is away.
fn nothing(id: &ConversionId, gathered: &Gathered, viewer: &Viewer) -> ExplanationView {
    let sentence = "Nothing is known of it now: a service that may know more did not answer.";
    ExplanationView {
        conversion_id: id.to_string(),
        order_id: None,
        steps: Vec::new(),
        ledger: None,
        sentences: vec![sentence.to_owned()],
        missing: missing(gathered),
        archived: archived(gathered, viewer),
        truncated: gathered.truncated,
    }
}

/// What was found of these conversions and claims, and what it explains to the caller.
async fn explained(
    bff: &Bff,
    caller: &Caller,
    viewer: &Viewer,
    subjects: Vec<String>,
) -> Result<(Gathered, Vec<Explained>), Problem> {
    let question = Question {
        subjects,
        ..Question::default()
    };
    let mut gathered = bff.everywhere.ask_of_money(caller, question).await?;
    let (funding, of_many) = funding(bff, &gathered).await.or_unread()?;
    if !funding.is_empty() {
        bff.everywhere
            .add_of_payment(caller, &mut gathered, funding)
            .await?;
    }
    let is_missed = |waited: &Waited| !explain::is_funded(&gathered, &waited.conversion);
    gathered.truncated |= of_many.iter().any(is_missed);
    let read = async {
        let owners = visible::owners(bff.host.pool(), &gathered.messages).await?;
        let mut found = Terms::new();
        for (campaign, version) in explain::terms_of(&gathered) {
            if let Some(row) = terms::find(bff.host.pool(), &campaign, version).await? {
                found.insert((campaign.to_string(), version), row);
            }
        }
        Ok::<_, sqlx::Error>((owners, found))
    };
    let (owners, found) = read.await.or_unread()?;
    let all = explain::explain(&gathered, viewer, &owners, &found);
    Ok((gathered, all))
}

/// The requests by which brands' funds may have covered what waited for them, and for what there may be more of them than these.
async fn funding(bff: &Bff, gathered: &Gathered) -> Result<(Vec<Uuid>, Vec<Waited>), sqlx::Error> {
    let (mut requests, mut of_many) = (Vec::new(), Vec::new());
    for waited in explain::waited(gathered) {
        let amount = (waited.amount.minor, waited.amount.currency.code());
        let (pool, account) = (bff.host.pool(), &waited.account);
        let found =
            transfers::funding(pool, account, amount, waited.since, MAX_FUNDING + 1).await?;
        let (most, count) = (usize::try_from(MAX_FUNDING).unwrap_or(0), found.len());
        requests.extend(found.into_iter().take(most));
        if count > most {
            of_many.push(waited);
        }
    }
    requests.sort_unstable();
    requests.dedup();
    Ok((requests, of_many))
}

/// Why an order earned what it earned, or nothing: also one that is nobody's, that was claimed, reported again, or of which only a
/// refund came. Numbers of orders are each brand's own, so there may be several.
#[utoipa::path(
    get, path = "/api/v1/explanations", tag = "timelines", params(OfOrder),
    responses((status = 200, body = ExplanationsView), Problems<(Forbidden, NotFound)>), security(("bearer" = []), ("api_key" = ["reports.read"]))
)]
pub(crate) async fn explain_order(
    State(bff): State<Bff>,
    caller: Caller,
    Query(of): Query<OfOrder>,
) -> Result<Json<ExplanationsView>, Problem> {
    caller.scope()?;
    let named = Named {
        order_id: Some(of.order_id.clone()),
        brand_id: of.brand_id.clone(),
        ..Named::default()
    };
    let subjects = named.subjects(&bff, &caller).await?;
    if subjects.ids.is_empty() {
        return Err(Problem::not_found());
    }
    let viewer = visible::viewer(&caller);
    let (mut gathered, all) = explained(&bff, &caller, &viewer, subjects.ids).await?;
    gathered.truncated |= subjects.truncated;
    let items: Vec<ExplanationView> = all
        .into_iter()
        .filter(|explained| of.means(explained))
        .map(|explained| view(explained, &gathered, &viewer))
        .collect();
    // Whoever is away: what is another's and what is nobody's look the same.
    if items.is_empty() && (gathered.missing.is_empty() || !caller.is_operator()) {
        return Err(Problem::not_found());
    }
    Ok(Json(ExplanationsView {
        items,
        missing: missing(&gathered),
        archived: archived(&gathered, &viewer),
    }))
}

/// How a transfer between accounts came about: what caused it, from the first message on. For those who have one of its accounts.
#[utoipa::path(
    get, path = "/api/v1/transfers/{id}/explanation", tag = "timelines", params(("id" = Uuid, Path)),
    responses((status = 200, body = TransferExplanationView), Problems<Forbidden>), security(("bearer" = []))
)]
pub(crate) async fn explain_transfer(
    State(bff): State<Bff>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<TransferExplanationView>, Problem> {
    caller.scope()?;
    let viewer = visible::viewer(&caller);
    let row = transfers::find(bff.host.pool(), id).await.or_unread()?;
    let owned =
        |row: &TransferRow| viewer.has_account(&row.debit) || viewer.has_account(&row.credit);
    let row = row.filter(owned).ok_or_else(Problem::not_found)?;
    let question = Question {
        correlation_ids: vec![row.correlation_id],
        ..Question::default()
    };
    let gathered = bff.everywhere.ask(&caller, question, &[]).await?;
    let owners = visible::owners(bff.host.pool(), &gathered.messages)
        .await
        .or_unread()?;
    Ok(Json(of_transfer(&row, &gathered, &viewer, &owners)))
}

fn of_transfer(
    row: &TransferRow,
    gathered: &Gathered,
    viewer: &Viewer,
    owners: &Owners,
) -> TransferExplanationView {
    let moves = |found: &&Found| {
        let transfers = explain::transfers_of(found);
        transfers.iter().any(|transfer| transfer.id == row.id)
    };
    let moving = gathered.messages.iter().find(moves);
    let chain = moving.map_or_else(Vec::new, |moving| explain::causes(gathered, moving));
    let seen = chain
        .into_iter()
        .filter(|found| visible::shown(found, viewer, owners).is_some());
    let steps: Vec<Step> = seen
        .filter_map(|found| {
            let body = found.body.as_ref()?;
            let mut transfers = explain::transfers_of(found);
            transfers.retain(|transfer| transfer.id == row.id);
            Some(Step {
                at: found.row.time,
                message_id: Some(found.row.id),
                sentence: sentences::sentence(&explain::header(found), body, &transfers),
            })
        })
        .collect();
    let money = Currency::parse(&row.currency).ok();
    let amount = money.map_or_else(
        || row.minor.to_string(),
        |currency| Money::new(row.minor, currency).to_string(),
    );
    let mut sentences: Vec<String> = steps
        .iter()
        .map(|step| step.sentence.text.clone())
        .collect();
    if moving.is_none() {
        sentences.extend(without_its_message(gathered));
    }
    sentences.push(format!(
        "So {amount} {} went from {} to {}.",
        row.currency, row.debit, row.credit
    ));
    TransferExplanationView {
        id: row.id,
        from: row.debit.clone(),
        to: row.credit.clone(),
        amount,
        currency: row.currency.clone(),
        conversion_id: moving.and_then(|found| explain::conversion_of(found, row.id)),
        steps: steps.into_iter().map(step).collect(),
        sentences,
        missing: missing(gathered),
        archived: archived(gathered, viewer),
        truncated: gathered.truncated,
    }
}

/// Why the message that moved it is not among these, where that is known.
fn without_its_message(gathered: &Gathered) -> Option<String> {
    let payment = Service::Payment;
    let mut away = gathered.missing.iter();
    let why = if let Some(away) = away.find(|it| it.service == payment) {
        format!("{} did not answer, since {}", payment.name(), away.reason)
    } else if gathered.truncated {
        "its request has more messages than are looked at".to_owned()
    } else if gathered.archived.iter().any(|(of, _)| *of == payment) {
        format!("what {} had of it may be in its archive", payment.name())
    } else {
        return None;
    };
    Some(format!("What caused it is not known now: {why}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::related::Missing;

    #[test]
    fn what_is_not_known_of_a_transfer_has_its_reason() {
        let why = |gathered: &Gathered| without_its_message(gathered).unwrap_or_default();
        let archived = |service| Gathered {
            archived: vec![(service, 7)],
            ..Gathered::default()
        };
        assert_eq!(why(&Gathered::default()), "");
        assert_eq!(why(&archived(Service::Tracking)), "");
        assert_eq!(
            why(&archived(Service::Payment)),
            "What caused it is not known now: what payment had of it may be in its archive."
        );
        let mut gathered = archived(Service::Payment);
        gathered.truncated = true;
        assert_eq!(
            why(&gathered),
            "What caused it is not known now: its request has more messages than are looked at."
        );
        gathered.missing = vec![Missing {
            service: Service::Payment,
            reason: "it is away".to_owned(),
        }];
        assert_eq!(
            why(&gathered),
            "What caused it is not known now: payment did not answer, since it is away."
        );
    }
}
