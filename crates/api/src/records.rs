//! What campaign is asked of partners and brands themselves.

use chassis::json::{Check, Text, WebUrl};
use chassis::problem::Fields;
use schemas::{About, ChangeBrandV1, ChangePartnerV1, ErasePartnerV1, Written};
use sealing::personal::PersonalKey;
use sealing::texts;
use serde::Deserialize;
use types::{BrandField, BrandId, Country, Currency, PartnerField, PartnerId};
use utoipa::ToSchema;

use crate::lists;

bodiless! {
    /// That nothing is known of a partner any more but its id.
    ErasePartner of PartnerId: ErasePartnerV1;
}

requests! {
    ErasePartner = "campaign.erase_partner.command.v1", "erase_partner";
    ChangePartner = "campaign.change_partner.command.v1", "change_partner";
    ChangeBrand = "campaign.change_brand.command.v1", "change_brand";
}

/// What is to be another of a partner. What is absent or `null` stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 1)]
pub struct ChangePartner {
    /// What people call it.
    #[schema(example = "Sole Reviews")]
    name: Option<Text<200>>,
    /// Where it is at home, by ISO 3166-1 (two letters).
    #[schema(value_type = Option<String>, pattern = "^[A-Z]{2}$", example = "DE")]
    country: Option<Country>,
    /// ISO 4217 code of what it wants to be paid in.
    #[schema(value_type = Option<String>, example = "EUR")]
    currency: Option<Currency>,
    /// Where it is found: https or http.
    website: Option<WebUrl>,
    /// What is to be known of it no more.
    #[schema(value_type = Option<Vec<lists::PartnerField>>)]
    clear: Option<Vec<PartnerField>>,
}

impl Check for ChangePartner {
    fn check(&self, fields: &mut Fields) {
        let given = [
            self.name.as_ref().map(|_| PartnerField::Name),
            self.country.map(|_| PartnerField::Country),
            self.currency.map(|_| PartnerField::Currency),
            self.website.as_ref().map(|_| PartnerField::Website),
        ];
        check_change(fields, &given, self.clear.as_deref());
    }
}

impl ChangePartner {
    /// Whether it says something that goes with the partner's key.
    pub fn is_personal(&self) -> bool {
        self.name.is_some() || self.website.is_some()
    }

    /// As a command, of this partner, whose key it is.
    pub fn command(self, partner: PartnerId, key: &PersonalKey) -> Written {
        let clear = self.clear.unwrap_or_default();
        let (name, website) = (texts::of_partners_name, texts::of_partners_website);
        let change = ChangePartnerV1 {
            name: None,
            country: self.country.map(String::from),
            currency: self.currency.map(|currency| currency.code().to_owned()),
            website: None,
            clear: clear.iter().map(|what| what.name().to_owned()).collect(),
            sealed_name: self.name.map(|text| key.seal(&name(&partner), &text)),
            sealed_website: self
                .website
                .map(|url| key.seal(&website(&partner), url.as_str())),
        };
        About::of(partner, change).write()
    }
}

/// What is to be another of a brand. What is absent or `null` stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 1)]
pub struct ChangeBrand {
    /// What people call it.
    #[schema(example = "Fleet Shoes")]
    name: Option<Text<200>>,
    /// ISO 4217 code of what it keeps its money in.
    #[schema(value_type = Option<String>, example = "EUR")]
    currency: Option<Currency>,
    /// What is to be known of it no more.
    #[schema(value_type = Option<Vec<lists::BrandField>>)]
    clear: Option<Vec<BrandField>>,
}

impl Check for ChangeBrand {
    fn check(&self, fields: &mut Fields) {
        let given = [
            self.name.as_ref().map(|_| BrandField::Name),
            self.currency.map(|_| BrandField::Currency),
        ];
        check_change(fields, &given, self.clear.as_deref());
    }
}

impl ChangeBrand {
    /// As a command, of this brand.
    pub fn command(self, brand: BrandId) -> Written {
        let clear = self.clear.unwrap_or_default();
        let change = ChangeBrandV1 {
            name: self.name.map(Text::into_string),
            currency: self.currency.map(|currency| currency.code().to_owned()),
            clear: clear.iter().map(|what| what.name().to_owned()).collect(),
        };
        About::of(brand, change).write()
    }
}

/// A change says something, and nothing twice.
fn check_change<F: PartialEq>(fields: &mut Fields, given: &[Option<F>], clear: Option<&[F]>) {
    let clear = clear.unwrap_or_default();
    let both = given.iter().flatten().any(|one| clear.contains(one));
    fields.require(!both, "/clear", "must not name what is given, too");
    let says_something = given.iter().any(Option::is_some) || !clear.is_empty();
    fields.require(says_something, "", "must say what is to be another");
}
