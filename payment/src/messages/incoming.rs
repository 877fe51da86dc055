//! What comes from elsewhere: commands, which may be refused, and facts, which may not.

use money::{BrandId, ConversionId, Money, PartnerId, PayoutId, Uuid};
use schemas::{Body, Message, RequestPayoutV1, WireMoney};
use sealing::Details;

use super::money;
use crate::domain::{
    Answer, Cause, Command, Fact, Method, PayoutAt, PayoutRequest, Pot, Rejection, Standing,
};

/// A message, understood.
#[derive(Debug)]
pub(crate) enum Read {
    /// It asks.
    Command(Command),
    /// It states.
    Fact(Fact),
}

/// Reads a command or a fact. `opened` is what a request of a payout had sealed.
pub(crate) fn read(message: &Message, opened: Option<&Details>) -> Result<Read, Rejection> {
    Ok(match &message.body {
        Body::RequestPayoutV1(request) => {
            Read::Command(Command::RequestPayout(requested(message, request, opened)?))
        }
        Body::BeginPayoutV1(begin) => {
            let after = Uuid::parse_str(&begin.requested_event_id).ok();
            Read::Command(Command::BeginPayout(payout_at(message, after)?))
        }
        Body::RecordPayoutAnswerV1(said) => Read::Command(Command::RecordPayoutAnswer {
            at: payout_at(message, message.header.causation_id)?,
            answer: Answer::parse(&said.answer).ok_or(Rejection::Unreadable {
                what: "an answer that is not known",
            })?,
            provider_ref: said.provider_ref.clone(),
            reason: said.reason.clone(),
        }),
        Body::CommissionCalculatedV1(fact) => {
            let parts = Parts::new(message, &fact.partner_id, &fact.brand_id, &fact.amount);
            let standing = standing_of(pot_of(&fact.status));
            parts.fact(Cause::Calculated, standing)?
        }
        Body::CommissionApprovedV1(fact) => {
            let parts = Parts::new(message, &fact.partner_id, &fact.brand_id, &fact.amount);
            parts.fact(Cause::Approved, Standing::Payable)?
        }
        Body::CommissionReversedV1(fact) => {
            let parts = Parts::new(message, &fact.partner_id, &fact.brand_id, &fact.amount);
            let standing = if fact.from == "pending" {
                Standing::Pending
            } else {
                Standing::Payable
            };
            parts.fact(Cause::Reversed, standing)?
        }
        _ => {
            return Err(Rejection::Unreadable {
                what: "payment takes no such message",
            });
        }
    })
}

fn payout_at(message: &Message, after: Option<Uuid>) -> Result<PayoutAt, Rejection> {
    let unknown = |_| Rejection::PayoutUnknown;
    Ok(PayoutAt {
        payout: PayoutId::parse(&*message.header.subject).map_err(unknown)?,
        partner: PartnerId::parse(&*message.header.key).map_err(unknown)?,
        after: after.ok_or(Rejection::Unreadable {
            what: "it names no event that it follows",
        })?,
    })
}

/// Where a commission of this status stands: anything but approved at once is held.
pub(super) fn pot_of(status: &str) -> Pot {
    if status == "approved" {
        Pot::Payable
    } else {
        Pot::Pending
    }
}

fn standing_of(pot: Pot) -> Standing {
    if pot == Pot::Payable {
        Standing::Payable
    } else {
        Standing::Pending
    }
}

fn requested(
    message: &Message,
    request: &RequestPayoutV1,
    opened: Option<&Details>,
) -> Result<PayoutRequest, Rejection> {
    let partner = PartnerId::parse(&*message.header.key).map_err(|_| Rejection::PartnerUnknown)?;
    let payout = PayoutId::parse(&*message.header.subject).map_err(|_| Rejection::Unreadable {
        what: "the subject is no payout's id",
    })?;
    let method = Method::parse(&request.method).ok_or(Rejection::MethodUnknown)?;
    let amount = money(&request.amount).ok_or(Rejection::CurrencyUnknown)?;
    // The rules of our own edges: a producer of its own need not have kept to them.
    let details = opened.and_then(|details| details.checked(method).ok());
    Ok(PayoutRequest {
        payout,
        partner,
        amount,
        method,
        // Masked anew from what was opened: what a sender calls masked may not be.
        masked: details.as_ref().map(Details::masked).unwrap_or_default(),
        details_open: details.is_some(),
    })
}

struct Parts<'a> {
    conversion: &'a str,
    partner: &'a str,
    brand: &'a str,
    amount: &'a WireMoney,
}

impl<'a> Parts<'a> {
    fn new(message: &'a Message, partner: &'a str, brand: &'a str, amount: &'a WireMoney) -> Self {
        Self {
            conversion: &message.header.subject,
            partner,
            brand,
            amount,
        }
    }

    fn parse(&self) -> Option<(ConversionId, PartnerId, BrandId, Money)> {
        Some((
            ConversionId::parse(self.conversion).ok()?,
            PartnerId::parse(self.partner).ok()?,
            BrandId::parse(self.brand).ok()?,
            money(self.amount)?,
        ))
    }

    fn fact(&self, cause: Cause, standing: Standing) -> Result<Read, Rejection> {
        let (conversion, partner, brand, amount) = self.parse().ok_or(Rejection::Unreadable {
            what: "it names no conversion, account or currency that there can be",
        })?;
        Ok(Read::Fact(match cause {
            Cause::Calculated => Fact::Calculated {
                conversion,
                partner,
                brand,
                amount,
                standing,
            },
            Cause::Approved => Fact::Approved {
                conversion,
                partner,
                brand,
                amount,
            },
            Cause::Reversed => Fact::Reversed {
                conversion,
                partner,
                brand,
                amount,
                standing,
            },
        }))
    }
}
