//! Commission plans on the wire.

use money::Money;
use schemas::WireMoney;

use crate::domain::{Earning, HoldDays, Invalid, Plan};

/// The field at fault, and what is wrong with it.
type Fault = (&'static str, Invalid);

/// The domain's plan.
pub(super) fn read(wire: &schemas::Plan) -> Result<Plan, Fault> {
    let sale = earning(wire.sale_bps, wire.sale_flat.as_ref(), "/plan/sale")?;
    let lead = earning(wire.lead_bps, wire.lead_flat.as_ref(), "/plan/lead")?;
    let hold = HoldDays::new(wire.hold_days).map_err(|invalid| ("/plan/hold_days", invalid))?;
    Plan::new(sale, lead, hold).map_err(|invalid| ("/plan", invalid))
}

fn earning(
    bps: Option<i32>,
    flat: Option<&WireMoney>,
    pointer: &'static str,
) -> Result<Option<Earning>, Fault> {
    let flat = flat
        .map(Money::try_from)
        .transpose()
        .map_err(|_| (pointer, Invalid("must be of an ISO 4217 currency")))?;
    Earning::new(bps, flat).map_err(|invalid| (pointer, invalid))
}

/// The wire's plan.
pub(crate) fn write(plan: &Plan) -> schemas::Plan {
    let flat = |earning: Option<Earning>| earning.and_then(Earning::flat).map(WireMoney::from);
    schemas::Plan {
        sale_bps: plan.sale().and_then(Earning::bps),
        sale_flat: flat(plan.sale()),
        lead_bps: plan.lead().and_then(Earning::bps),
        lead_flat: flat(plan.lead()),
        hold_days: plan.hold().get(),
    }
}
