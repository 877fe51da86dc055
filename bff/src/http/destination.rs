//! Where a payout goes, as a client says it: the one thing here that must never be stored or logged in the clear.

use std::fmt;

use chassis::problem::Fields;
use sealing::{Details, Fault, Method};
use serde::Deserialize;
use utoipa::ToSchema;

/// Where to: `email` for `paypal`; `iban`, and if you like `name` and `bic`, for `bank_transfer`. Sealed before anything
/// is stored; shown masked.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "user@example.com"}))]
pub(crate) struct AccountDetails {
    email: Option<String>,
    iban: Option<String>,
    /// The account's holder.
    name: Option<String>,
    bic: Option<String>,
}

impl AccountDetails {
    /// What is sealed: the fields that were given, as their standards write them. Notes what is wrong with them for this
    /// method, at `/account_details`.
    pub(super) fn checked(&self, method: Method, fields: &mut Fields) -> Option<Details> {
        let given = [
            ("email", &self.email),
            ("iban", &self.iban),
            ("name", &self.name),
            ("bic", &self.bic),
        ];
        let given = given
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.clone()?)));
        let checked = Details::of(given).checked(method);
        let faults = |faults: Vec<Fault>| {
            for fault in faults {
                fields.refuse(format!("/account_details{}", fault.pointer), fault.what);
            }
        };
        checked.map_err(faults).ok()
    }
}

impl fmt::Debug for AccountDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountDetails(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_nothing_of_them() {
        let details = AccountDetails {
            email: Some("user@example.com".to_owned()),
            iban: None,
            name: None,
            bic: None,
        };
        assert_eq!(format!("{details:?}"), "AccountDetails(..)");
    }
}
