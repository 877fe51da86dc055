//! What timelines and explanations are asked for by, and which conversions and claims that names.

use chassis::auth::{Caller, Scope};
use chassis::params::parameter;
use chassis::problem::Problem;
use runtime::OrUnread;
use schemas::Entity;
use serde::Deserialize;
use types::{BrandId, ClickId, ConversionId, OrderId, PayoutId};
use utoipa::IntoParams;

use super::Bff;
use crate::store::{One, claims, conversions, search};

/// Conversions and claims of one order or click that are looked at.
const MAX_OF_ONE: usize = 16;
/// One more is read, to know of more.
const READ_OF_ONE: i64 = 17;

/// Claims of orders that are read: of a conversion that bears no brand they may be other brands', whose orders have the same number.
const READ_OF_ORDERS: i64 = 200;

/// What messages are asked for by.
#[derive(Debug, Default)]
pub(super) struct Subjects {
    pub(super) ids: Vec<String>,
    /// There is more than is looked at.
    pub(super) truncated: bool,
}

/// What is looked for: exactly one of these.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[allow(clippy::struct_field_names, reason = "as they stand in the query")]
pub(crate) struct Named {
    /// Everything about this order of a brand; an operator may say whose by `brand_id`.
    #[param(value_type = Option<String>)]
    pub(super) order_id: Option<OrderId>,
    /// Of which brand the order is: for operators, since numbers of orders are each brand's own.
    #[param(value_type = Option<String>)]
    pub(super) brand_id: Option<BrandId>,
    /// Everything about conversions that this click led to.
    #[param(value_type = Option<String>)]
    pub(super) click_id: Option<ClickId>,
    /// Everything about this conversion.
    #[param(value_type = Option<String>)]
    pub(super) conversion_id: Option<ConversionId>,
    /// Everything about this payout.
    #[param(value_type = Option<String>)]
    pub(super) payout_id: Option<PayoutId>,
}

impl Named {
    /// 400 unless one thing is named, and the brand with nothing but an order.
    pub(super) fn check(&self) -> Result<(), Problem> {
        let named = [
            self.order_id.is_some(),
            self.click_id.is_some(),
            self.conversion_id.is_some(),
            self.payout_id.is_some(),
        ];
        if named.into_iter().filter(|is| *is).count() != 1 {
            let detail = "name one of order_id, click_id, conversion_id and payout_id";
            return Err(parameter("order_id", detail));
        }
        if self.brand_id.is_some() && self.order_id.is_none() {
            let detail = "says whose order it is: name the order, too";
            return Err(parameter("brand_id", detail));
        }
        Ok(())
    }

    /// What sorts of things its messages are about.
    pub(super) fn sorts(&self) -> &'static [Entity] {
        if self.payout_id.is_some() {
            &[Entity::Payout]
        } else {
            &[Entity::Conversion, Entity::Claim, Entity::Click]
        }
    }

    /// What messages about it are about, as far as the caller may see that there is such a thing: numbers of orders are each brand's own,
    /// and many brands may have the same.
    pub(super) async fn subjects(&self, bff: &Bff, caller: &Caller) -> Result<Subjects, Problem> {
        let scope = caller.scope()?;
        let direct = [
            self.click_id.as_ref().map(ToString::to_string),
            self.payout_id.as_ref().map(ToString::to_string),
        ];
        let mut subjects: Vec<String> = direct.into_iter().flatten().collect();
        let conversions = match &self.conversion_id {
            Some(conversion) => vec![conversion.to_string()],
            None => Vec::new(),
        };
        let mut truncated = false;
        let read = async {
            let mut conversions = conversions;
            if self.order_id.is_some() || self.click_id.is_some() {
                let of = One {
                    order: self.order_id.as_ref(),
                    brand: self.brand_id.as_ref(),
                    click: self.click_id.as_ref(),
                };
                let mut look = search::begin(bff.host.pool()).await?;
                let found = conversions::ids_of(&mut look, scope, of, READ_OF_ONE).await?;
                let claimed = claims::ids_of(&mut look, scope, of, READ_OF_ONE).await?;
                look.rollback().await?;
                truncated = found.len().max(claimed.len()) > MAX_OF_ONE;
                conversions.extend(found.into_iter().take(MAX_OF_ONE));
                for (claim, conversion) in claimed.into_iter().take(MAX_OF_ONE) {
                    subjects.push(claim);
                    conversions.extend(conversion);
                }
            }
            // One that is nobody's bears no brand, and is known by the id that its brand's number gives it.
            let brand = self.brand_id.as_ref().or(caller.brand());
            if let (Some(brand), Some(order)) = (brand, &self.order_id) {
                conversions.push(ConversionId::of_brand(brand, order).to_string());
            }
            let mut all = of_conversions(bff, scope, &conversions).await?;
            if let (Some(_), Some(order)) = (&self.brand_id, &self.order_id) {
                // What is known by its number alone may be another brand's.
                let number = ConversionId::of_order(None, order).to_string();
                all.retain(|id| *id != number || conversions.contains(id));
            }
            subjects.extend(all);
            Ok::<_, sqlx::Error>(subjects)
        };
        let mut subjects = read.await.or_unread()?;
        subjects.sort_unstable();
        subjects.dedup();
        truncated |= subjects.len() > messaging::related::MAX_NAMED;
        subjects.truncate(messaging::related::MAX_NAMED);
        Ok(Subjects {
            ids: subjects,
            truncated,
        })
    }
}

/// Whether a claim is of the order that its conversion is: numbers are each brand's own, and say in a conversion's id whose they are.
fn is_of_its_brand(claim: &claims::OfOrder) -> bool {
    let named = || {
        let brand = BrandId::parse(&*claim.brand_id).ok()?;
        let order = OrderId::parse(&*claim.order_id).ok()?;
        Some(ConversionId::of_brand(&brand, &order))
    };
    claim.is_brands || named().is_some_and(|id| id.as_str() == claim.conversion_id)
}

/// Conversions, the other ids that their orders may be known under, and the claims of them.
pub(super) async fn of_conversions(
    bff: &Bff,
    scope: Scope<'_>,
    conversions: &[String],
) -> Result<Vec<String>, sqlx::Error> {
    let pool = bff.host.pool();
    let mut subjects = conversions.to_vec();
    if subjects.is_empty() {
        return Ok(subjects);
    }
    subjects.extend(claims::of_conversions(pool, conversions, READ_OF_ONE).await?);
    let of_orders = claims::of_orders(pool, scope, conversions, READ_OF_ORDERS).await?;
    let its = of_orders.into_iter().filter(is_of_its_brand);
    subjects.extend(its.take(MAX_OF_ONE).map(|claim| claim.id));
    for (order, campaign) in conversions::orders(pool, conversions).await? {
        subjects.push(ConversionId::of_order(campaign.as_ref(), &order).to_string());
        subjects.push(ConversionId::of_order(None, &order).to_string());
    }
    Ok(subjects)
}
