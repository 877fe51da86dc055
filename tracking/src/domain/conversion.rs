//! Conversions as they stand.

use std::collections::HashMap;

use types::{Amount, ConversionId, Currency, Micros, OrderId, Uuid};

use super::{Attributed, Event, Unattributed, UserHash};

/// One order, or one purchase or lead without an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// Whose it is, if it was reported yet.
    pub status: Status,
    /// The event that gave it its status.
    pub event_id: Uuid,
    /// When that was, in our time.
    pub recorded_at: Micros,
    /// That event's place in the log.
    pub position: i64,
    /// Refunds that came before the purchase, or for one that is nobody's: kept, and counted once by the purchase.
    pub noted: Vec<NotedRefund>,
    /// What went back so far, in minor units of the purchase's currency.
    pub refunded_minor: i64,
}

/// Whose a conversion is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Only refunds are known of it.
    Noted(Option<OrderId>),
    /// Nobody's.
    Unattributed(Unattributed),
    /// A partner's.
    Attributed(Attributed),
}

/// A refund that waits for its purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotedRefund {
    /// How much; none: all of it.
    pub amount: Option<Amount>,
    /// Of which currency; none: the purchase's.
    pub currency: Option<Currency>,
    /// Who.
    pub user: UserHash,
}

impl Conversion {
    /// Whether its purchase or lead was reported.
    pub fn is_reported(&self) -> bool {
        !matches!(self.status, Status::Noted(_))
    }
}

/// The conversions that are looked at, and under which other ids they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// By their own id.
    pub conversions: HashMap<ConversionId, Conversion>,
    /// Other id to own id.
    pub aliases: HashMap<ConversionId, ConversionId>,
}

impl Orders {
    /// The conversion that is known under an id, its own or another.
    pub fn find<'a>(&'a self, id: &'a ConversionId) -> Option<(&'a ConversionId, &'a Conversion)> {
        let id = self.aliases.get(id).unwrap_or(id);
        self.conversions.get_key_value(id)
    }

    /// Like [`Orders::find`], when its purchase or lead was reported.
    pub fn find_reported<'a>(
        &'a self,
        id: &'a ConversionId,
    ) -> Option<(&'a ConversionId, &'a Conversion)> {
        self.find(id)
            .filter(|(_, conversion)| conversion.is_reported())
    }

    /// Applies what happened. Returns the id of the conversion that changed.
    pub fn evolve(
        &mut self,
        event: &Event,
        id: Uuid,
        time: Micros,
        position: i64,
    ) -> Option<ConversionId> {
        let new = |status| Conversion {
            status,
            event_id: id,
            recorded_at: time,
            position,
            noted: Vec::new(),
            refunded_minor: 0,
        };
        match event {
            Event::Attributed(event) => {
                if let Some(alias) = &event.alias_id {
                    self.aliases.insert(alias.clone(), event.subject.clone());
                }
                let conversion = new(Status::Attributed(event.clone()));
                Some(self.report(&event.subject, conversion))
            }
            Event::Unattributed(event) => {
                let conversion = new(Status::Unattributed(event.clone()));
                Some(self.report(&event.conversion, conversion))
            }
            Event::Refunded(event) => {
                let conversion = self.conversions.get_mut(&event.subject)?;
                conversion.refunded_minor = event.refunded_total.minor;
                Some(event.subject.clone())
            }
            Event::RefundNoted(event) => {
                let conversion = self
                    .conversions
                    .entry(event.conversion.clone())
                    .or_insert_with(|| new(Status::Noted(event.order.clone())));
                conversion.noted.push(NotedRefund {
                    amount: event.amount,
                    currency: event.currency,
                    user: event.user,
                });
                Some(event.conversion.clone())
            }
            Event::DuplicateIgnored(event) => {
                // From now on this id means the other's order, whatever its visitor clicks next.
                let first = event.first_conversion_id.as_ref()?;
                self.aliases.insert(event.subject.clone(), first.clone());
                None
            }
            Event::TermsAdopted(_)
            | Event::CampaignAdopted(_)
            | Event::EnrollmentAdopted(_)
            | Event::LinkCreated(_)
            | Event::Recorded(_) => None,
        }
    }

    fn report(&mut self, id: &ConversionId, mut conversion: Conversion) -> ConversionId {
        if let Some(noted) = self.conversions.remove(id) {
            conversion.noted = noted.noted;
        }
        self.conversions.insert(id.clone(), conversion);
        id.clone()
    }
}
