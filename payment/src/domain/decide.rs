//! The deciders of commands.

use std::borrow::Cow;

use schemas::{
    About, PayoutFailedV1, PayoutPaidV1, PayoutRequestedV1, PayoutSubmittedV1, PayoutSubmittingV1,
    PayoutUnknownV1, Record,
};
use types::ids::derive;
use types::{Money, PartnerId, PayoutId, Uuid};

use super::{
    Account, AccountType, Actor, Answer, Begins, Code, Command, Context, Event, Ledger, Payout,
    PayoutAt, PayoutRequest, Rejection, Status, Transitions,
};
use super::{funds, statement};

/// Decides upon a command: exactly one event, or a refusal.
pub fn decide(ledger: &Ledger, command: &Command, context: &Context) -> Result<Event, Rejection> {
    match command {
        Command::RequestPayout(request) => request_payout(ledger, request, context),
        Command::BeginPayout(at) => begin_payout(find(ledger, at)?, context),
        Command::RecordPayoutAnswer {
            at,
            answer,
            provider_ref,
            reason,
        } => {
            let payout = find(ledger, at)?;
            let response = Response {
                answer: *answer,
                provider_ref: provider_ref.clone().or_else(|| payout.provider_ref.clone()),
                reason: reason.clone(),
            };
            record_payout_answer(payout, response, context)
        }
        Command::Funds(command) => funds::decide(ledger, command, context),
        Command::IssueStatement(counted) => statement::issue(ledger, counted, context),
    }
}

/// The payout, where it still is as the one who asks saw it. Whoever acted on an earlier step (a process that was taken
/// for dead, a slow call) may know something that a later one has made untrue.
fn find<'a>(ledger: &'a Ledger, at: &PayoutAt) -> Result<&'a Payout, Rejection> {
    let payout = ledger.payouts.get(&at.payout);
    let payout = payout.filter(|payout| payout.partner == at.partner);
    let payout = payout.ok_or_else(payout_unknown)?;
    if payout.last_event == at.after {
        Ok(payout)
    } else {
        Err(not_there(payout.status))
    }
}

/// Not the caller's, or no id at all: the answer is the same.
pub(crate) fn partner_unknown() -> Rejection {
    Rejection::new(Code::PartnerUnknown, "there is no such partner")
}

/// There is no payout of that id, or it is another's.
pub(crate) fn payout_unknown() -> Rejection {
    Rejection::new(Code::PayoutUnknown, "there is no such payout")
}

/// The payout is past that step, or not there yet.
fn not_there(status: Status) -> Rejection {
    let detail = format!("the payout is {}", status.name());
    Rejection::new(Code::PayoutNotThere, detail)
}

pub(super) fn of_amount(code: Code, detail: impl Into<Cow<'static, str>>) -> Rejection {
    Rejection::of("/amount", code, detail)
}

/// The id of the transfer number `ordinal` that a message causes.
pub(super) fn transfer_id(cause: Uuid, ordinal: usize) -> Uuid {
    derive(&["transfer", &cause.to_string(), &ordinal.to_string()])
}

fn request_payout(
    ledger: &Ledger,
    request: &PayoutRequest,
    context: &Context,
) -> Result<Event, Rejection> {
    if !may_ask(&context.actor, &request.partner) {
        return Err(partner_unknown());
    }
    if ledger.payouts.contains_key(&request.payout) {
        let detail = "the payout has been requested before";
        return Err(Rejection::new(Code::PayoutExists, detail));
    }
    if !request.details_open {
        let detail = "the payment details cannot be opened, or do not fit the method: seal them to payment's current key";
        return Err(Rejection::of(
            "/account_details",
            Code::DetailsUnreadable,
            detail,
        ));
    }
    covered(ledger, &request.partner, request.amount)?;
    let transfer = transfer_id(context.cause, 0);
    ledger
        .can_pay_out(&request.partner, request.amount)
        .map_err(|_| of_amount(Code::AmountOutOfRange, "the amount is too large"))?;
    let requested = PayoutRequestedV1 {
        amount: request.amount,
        method: request.method,
        masked: request.masked.clone(),
        transfer_id: transfer,
    };
    Ok(about(&request.payout, &request.partner, requested).into())
}

fn may_ask(actor: &Actor, partner: &PartnerId) -> bool {
    match actor {
        Actor::Operator => true,
        Actor::Partner(own) => own == partner,
        Actor::System | Actor::Other => false,
    }
}

fn covered(ledger: &Ledger, partner: &PartnerId, amount: Money) -> Result<(), Rejection> {
    if amount.minor <= 0 {
        let detail = "the amount must be more than zero";
        return Err(of_amount(Code::AmountNotPositive, detail));
    }
    if !ledger.has_payable(partner, amount.currency) && ledger.has_any_payable(partner) {
        let detail = format!("there is no balance in {}", amount.currency);
        return Err(Rejection::of("/currency", Code::CurrencyMismatch, detail));
    }
    let payable = Account::Partner(partner.clone(), AccountType::Payable);
    let available = ledger.balance(payable, amount.currency);
    if available < amount.minor {
        let available = Money::new(available, amount.currency);
        let detail = format!("{available} {} can be paid out", available.currency);
        return Err(of_amount(Code::InsufficientBalance, detail));
    }
    Ok(())
}

/// A first attempt, or another one after the provider has said that it never saw the first.
fn begin_payout(payout: &Payout, context: &Context) -> Result<Event, Rejection> {
    let status = payout.status;
    match Transitions::of(status).begins {
        Begins::Yes => {}
        Begins::AgainWhileKeyLives if payout.key_is_alive(context.now) => {}
        Begins::AgainWhileKeyLives => {
            let detail =
                "the provider may have forgotten the payout's reference: an operator must decide";
            return Err(Rejection::new(Code::ProviderKeyExpired, detail));
        }
        Begins::No => return Err(not_there(status)),
    }
    let submitting = PayoutSubmittingV1 {
        attempt: payout.attempt.saturating_add(1),
        reference: payout.id.clone(),
        amount: payout.amount,
        method: payout.method,
    };
    Ok(about(&payout.id, &payout.partner, submitting).into())
}

fn about<R: Record<Key = PartnerId, Subject = PayoutId>>(
    payout: &PayoutId,
    partner: &PartnerId,
    record: R,
) -> About<R> {
    About {
        key: partner.clone(),
        subject: payout.clone(),
        record,
    }
}

struct Response {
    answer: Answer,
    provider_ref: Option<String>,
    reason: Option<String>,
}

fn record_payout_answer(
    payout: &Payout,
    response: Response,
    context: &Context,
) -> Result<Event, Rejection> {
    let status = payout.status;
    let has_provider = status != Status::Requested || context.actor == Actor::Operator;
    if !has_provider || !Transitions::of(status).news.contains(&response.answer) {
        return Err(not_there(status));
    }
    let (amount, transfer_id) = (payout.amount, transfer_id(context.cause, 0));
    let Response {
        answer,
        provider_ref,
        reason,
    } = response;
    let (id, partner) = (&payout.id, &payout.partner);
    Ok(match answer {
        Answer::Accepted => {
            let submitted = PayoutSubmittedV1 {
                amount,
                provider_ref,
                reason,
            };
            about(id, partner, submitted).into()
        }
        Answer::Unknown => {
            let unknown = PayoutUnknownV1 {
                amount,
                provider_ref,
                reason,
            };
            about(id, partner, unknown).into()
        }
        Answer::Paid => {
            let paid = PayoutPaidV1 {
                amount,
                transfer_id,
                provider_ref,
            };
            about(id, partner, paid).into()
        }
        Answer::Failed => {
            let failed = PayoutFailedV1 {
                amount,
                transfer_id,
                provider_ref,
                reason,
            };
            about(id, partner, failed).into()
        }
    })
}
