//! Where an event on the wire and one of the domain differ: postings, whose accounts travel as text.

use schemas::{
    About, EarningsFundedV1, LedgerOwner, LedgerPostedV1, Transfer as WireTransfer, Unreadable,
};
use types::Money;

use crate::domain::{Cause, Funding, Note, Posting, Transfer};

impl TryFrom<About<LedgerPostedV1>> for Posting {
    type Error = Unreadable;

    fn try_from(posted: About<LedgerPostedV1>) -> Result<Self, Unreadable> {
        let LedgerPostedV1 {
            transfers,
            cause,
            conversion_id,
            reason,
        } = posted.record;
        let unknown = |field| move || Unreadable::new(field, "is none that is known");
        let note = reason.map(|reason| Note::parse(&reason).ok_or_else(unknown("reason")));
        Ok(Self {
            cause: Cause::parse(&cause).ok_or_else(unknown("cause"))?,
            owner: posted.key.0,
            conversion: conversion_id.unwrap_or_default(),
            transfers: transfers.iter().map(transfer).collect::<Result<_, _>>()?,
            note: note.transpose()?,
        })
    }
}

fn transfer(wire: &WireTransfer) -> Result<Transfer, Unreadable> {
    Ok(Transfer {
        id: wire.id,
        debit: wire.debit.parse().map_err(Unreadable::at("debit"))?,
        credit: wire.credit.parse().map_err(Unreadable::at("credit"))?,
        money: Money::new(wire.minor, wire.currency),
    })
}

impl From<Posting> for About<LedgerPostedV1> {
    fn from(posting: Posting) -> Self {
        let record = LedgerPostedV1 {
            transfers: posting.transfers.iter().map(wire).collect(),
            cause: posting.cause.name().to_owned(),
            conversion_id: Some(posting.conversion),
            reason: posting.note.map(|note| note.name().to_owned()),
        };
        Self::of(LedgerOwner(posting.owner), record)
    }
}

fn wire(transfer: &Transfer) -> WireTransfer {
    WireTransfer {
        id: transfer.id,
        debit: transfer.debit.to_string(),
        credit: transfer.credit.to_string(),
        minor: transfer.money.minor,
        currency: transfer.money.currency,
    }
}

impl TryFrom<About<EarningsFundedV1>> for Funding {
    type Error = Unreadable;

    fn try_from(funded: About<EarningsFundedV1>) -> Result<Self, Unreadable> {
        let record = funded.record;
        let transfers = record.transfers.iter().map(transfer);
        Ok(Self {
            brand: funded.subject,
            currency: record.currency,
            transfers: transfers.collect::<Result<_, _>>()?,
            conversions: record.conversion_ids,
        })
    }
}

impl From<Funding> for About<EarningsFundedV1> {
    fn from(funding: Funding) -> Self {
        let record = EarningsFundedV1 {
            currency: funding.currency,
            transfers: funding.transfers.iter().map(wire).collect(),
            conversion_ids: funding.conversions,
        };
        Self::of(funding.brand, record)
    }
}
