//! What payment is asked.

use std::fmt;

use chassis::json::{AmountText, Check};
use chassis::problem::{Fields, Problem};
use schemas::{About, RequestPayoutV1, Written};
use sealing::{Details, Fault, PublicKey};
use serde::Deserialize;
use types::{Currency, Money, PartnerId, PayoutId, PayoutMethod, Uuid};
use utoipa::ToSchema;

requests! {
    RequestPayout = "payment.request_payout.command.v1", "request_payout";
}

named! {
    partner_id: PartnerId of RequestPayout;
}

chassis::closed_lists! {
    /// How money is paid out.
    pub PaymentMethod of PayoutMethod;
}

/// A request of a payout.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestPayout {
    /// More than zero, with no more decimals than the currency has.
    amount: AmountText,
    /// ISO 4217.
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
    #[schema(value_type = PaymentMethod)]
    payment_method: String,
    account_details: AccountDetails,
    /// For operators: whose money. Partners ask for their own.
    #[schema(value_type = Option<String>)]
    partner_id: Option<PartnerId>,
}

/// Where to: `email` for `paypal`; `iban`, and if you like `name` and `bic`, for `bank_transfer`. Sealed before anything
/// is stored; shown masked.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "user@example.com"}))]
pub struct AccountDetails {
    email: Option<String>,
    iban: Option<String>,
    /// The account's holder.
    name: Option<String>,
    bic: Option<String>,
}

impl Check for RequestPayout {
    fn check(&self, fields: &mut Fields) {
        fields.take("/amount", self.amount());
        match PayoutMethod::parse(&self.payment_method) {
            Some(method) => drop(self.account_details.checked(method, fields)),
            None => fields.refuse("/payment_method", "must be paypal or bank_transfer"),
        }
    }
}

impl RequestPayout {
    fn amount(&self) -> Result<Money, types::AmountError> {
        Money::parse_positive(self.amount.as_str(), self.currency)
    }

    /// As the command of this id, for this partner's money. From here on only payment can read where the money goes.
    ///
    /// # Errors
    /// The body was not checked, or cannot be sealed: a bug of ours.
    pub fn command(
        &self,
        id: Uuid,
        partner: PartnerId,
        key: PublicKey,
    ) -> Result<Written, Problem> {
        let unchecked = || Problem::internal(&"a checked body is not acceptable");
        let amount = self.amount().map_err(|_| unchecked())?;
        let method = PayoutMethod::parse(&self.payment_method).ok_or_else(unchecked)?;
        let details = self.account_details.checked(method, &mut Fields::new());
        let details = details.ok_or_else(unchecked)?;
        let sealed = sealing::seal(&key, partner.as_str(), &details);
        let about = About {
            key: partner,
            subject: PayoutId::of_command(id),
            record: RequestPayoutV1 {
                amount: amount.into(),
                method: method.name().to_owned(),
                sealed_details: sealed.map_err(|error| Problem::internal(&error))?,
                key_id: key.id,
                masked: details.masked(),
            },
        };
        Ok(about.write())
    }
}

impl AccountDetails {
    /// What is sealed: the fields that were given, as their standards write them. Notes what is wrong with them for this
    /// method, at `/account_details`.
    fn checked(&self, method: PayoutMethod, fields: &mut Fields) -> Option<Details> {
        let given = [
            ("email", &self.email),
            ("iban", &self.iban),
            ("name", &self.name),
            ("bic", &self.bic),
        ];
        let given = given
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.clone()?)));
        let faults = |faults: Vec<Fault>| {
            for fault in faults {
                fields.refuse(format!("/account_details{}", fault.pointer), fault.what);
            }
        };
        Details::of(given).checked(method).map_err(faults).ok()
    }
}

impl fmt::Debug for AccountDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountDetails(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::AccountDetails;

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
