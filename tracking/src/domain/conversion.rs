//! Conversions as they stand.

use std::collections::HashMap;

use money::{Amount, ConversionId, Currency, Micros, OrderId, Uuid};

use super::{Attributed, Event, Unattributed, UserHash};

/// One order, or one purchase or lead without an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// Whose it is, if it was reported yet.
    pub standing: Standing,
    /// The event that gave it its standing.
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
pub enum Standing {
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
        !matches!(self.standing, Standing::Noted(_))
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
        let new = |standing| Conversion {
            standing,
            event_id: id,
            recorded_at: time,
            position,
            noted: Vec::new(),
            refunded_minor: 0,
        };
        match event {
            Event::Attributed(event) => {
                if let Some(alias) = &event.alias {
                    self.aliases.insert(alias.clone(), event.conversion.clone());
                }
                let conversion = new(Standing::Attributed(event.clone()));
                Some(self.report(&event.conversion, conversion))
            }
            Event::Unattributed(event) => {
                let conversion = new(Standing::Unattributed(event.clone()));
                Some(self.report(&event.conversion, conversion))
            }
            Event::Refunded(event) => {
                let conversion = self.conversions.get_mut(&event.conversion)?;
                conversion.refunded_minor = event.refunded_total.minor;
                Some(event.conversion.clone())
            }
            Event::RefundNoted(event) => {
                let conversion = self
                    .conversions
                    .entry(event.conversion.clone())
                    .or_insert_with(|| new(Standing::Noted(event.order.clone())));
                conversion.noted.push(NotedRefund {
                    amount: event.amount,
                    currency: event.currency,
                    user: event.user,
                });
                Some(event.conversion.clone())
            }
            Event::DuplicateIgnored(event) => {
                // From now on this id means the other's order, whatever its visitor clicks next.
                let first = event.first_conversion.as_ref()?;
                self.aliases.insert(event.conversion.clone(), first.clone());
                None
            }
            _ => None,
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
