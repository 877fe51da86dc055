//! The deciders of commands.

use money::ids::derive;
use money::{Money, PartnerId, Uuid};

use super::{
    Account, Actor, Answer, Books, Command, Context, Event, Payout, PayoutAt, PayoutRequest, Pot,
    Rejection, Status,
};

/// Decides upon a command: exactly one event, or a refusal.
pub fn decide(books: &Books, command: &Command, context: &Context) -> Result<Event, Rejection> {
    match command {
        Command::RequestPayout(request) => request_payout(books, request, context),
        Command::BeginPayout(at) => begin_payout(find(books, at)?, context),
        Command::RecordPayoutAnswer {
            at,
            answer,
            provider_ref,
            reason,
        } => {
            let payout = find(books, at)?;
            let said = Said {
                answer: *answer,
                provider_ref: provider_ref.clone().or_else(|| payout.provider_ref.clone()),
                reason: reason.clone(),
            };
            record_payout_answer(payout, said, context)
        }
    }
}

/// The payout, where it still is as the one who asks saw it. Whoever acted on an earlier step (a process that was taken
/// for dead, a slow call) may know something that a later one has made untrue.
fn find<'a>(books: &'a Books, at: &PayoutAt) -> Result<&'a Payout, Rejection> {
    let payout = books.payouts.get(&at.payout);
    let payout = payout.filter(|payout| payout.partner == at.partner);
    let payout = payout.ok_or(Rejection::PayoutUnknown)?;
    if payout.last_event == at.after {
        Ok(payout)
    } else {
        let status = payout.status;
        Err(Rejection::PayoutNotThere { status })
    }
}

/// The id of the transfer number `ordinal` that a message causes.
pub(super) fn transfer_id(cause: Uuid, ordinal: usize) -> Uuid {
    derive(&["transfer", &cause.to_string(), &ordinal.to_string()])
}

fn request_payout(
    books: &Books,
    request: &PayoutRequest,
    context: &Context,
) -> Result<Event, Rejection> {
    if !may_ask(&context.actor, &request.partner) {
        return Err(Rejection::PartnerUnknown);
    }
    if books.payouts.contains_key(&request.payout) {
        return Err(Rejection::PayoutExists);
    }
    if !request.details_open {
        return Err(Rejection::DetailsUnreadable);
    }
    covered(books, &request.partner, request.amount)?;
    let transfer = transfer_id(context.cause, 0);
    books
        .can_pay_out(&request.partner, request.amount)
        .map_err(|_| Rejection::AmountOutOfRange)?;
    Ok(Event::PayoutRequested {
        payout: request.payout.clone(),
        partner: request.partner.clone(),
        amount: request.amount,
        method: request.method,
        masked: request.masked.clone(),
        transfer,
    })
}

fn may_ask(actor: &Actor, partner: &PartnerId) -> bool {
    match actor {
        Actor::Operator => true,
        Actor::Partner(own) => own == partner,
        Actor::System | Actor::Other => false,
    }
}

fn covered(books: &Books, partner: &PartnerId, amount: Money) -> Result<(), Rejection> {
    if amount.minor <= 0 {
        return Err(Rejection::AmountNotPositive);
    }
    if !books.has_payable(partner, amount.currency) && books.has_any_payable(partner) {
        return Err(Rejection::CurrencyMismatch {
            asked: amount.currency,
        });
    }
    let payable = Account::Partner(partner.clone(), Pot::Payable);
    let available = books.balance(payable, amount.currency);
    if available < amount.minor {
        let available = Money::new(available, amount.currency);
        return Err(Rejection::InsufficientBalance { available });
    }
    Ok(())
}

/// A first attempt, or another one after the provider has said that it never saw the first.
fn begin_payout(payout: &Payout, context: &Context) -> Result<Event, Rejection> {
    match payout.status {
        Status::Requested => {}
        Status::Unknown if payout.key_is_alive(context.now) => {}
        Status::Unknown => return Err(Rejection::ProviderKeyExpired),
        status => return Err(Rejection::PayoutNotThere { status }),
    }
    Ok(Event::PayoutSubmitting {
        payout: payout.id.clone(),
        partner: payout.partner.clone(),
        amount: payout.amount,
        method: payout.method,
        attempt: payout.attempt.saturating_add(1),
    })
}

struct Said {
    answer: Answer,
    provider_ref: Option<String>,
    reason: Option<String>,
}

fn record_payout_answer(
    payout: &Payout,
    said: Said,
    context: &Context,
) -> Result<Event, Rejection> {
    let status = payout.status;
    let under_way = matches!(
        status,
        Status::Submitting | Status::Submitted | Status::Unknown
    );
    // What a look-up repeats is no news, and doubt does not take back what the provider said before.
    let is_news = match said.answer {
        Answer::Paid | Answer::Failed => true,
        Answer::Accepted => status != Status::Submitted,
        Answer::Unknown => status == Status::Submitting,
    };
    if !under_way || !is_news {
        return Err(Rejection::PayoutNotThere { status });
    }
    let (id, partner) = (payout.id.clone(), payout.partner.clone());
    let (amount, transfer) = (payout.amount, transfer_id(context.cause, 0));
    let Said {
        answer,
        provider_ref,
        reason,
    } = said;
    Ok(match answer {
        Answer::Accepted => Event::PayoutSubmitted {
            payout: id,
            partner,
            amount,
            provider_ref,
            reason,
        },
        Answer::Unknown => Event::PayoutUnknown {
            payout: id,
            partner,
            amount,
            provider_ref,
            reason,
        },
        Answer::Paid => Event::PayoutPaid {
            payout: id,
            partner,
            amount,
            provider_ref,
            transfer,
        },
        Answer::Failed => Event::PayoutFailed {
            payout: id,
            partner,
            amount,
            provider_ref,
            reason,
            transfer,
        },
    })
}
