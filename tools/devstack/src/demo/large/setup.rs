//! The first day: brands with their money, partners with their names, campaigns with their terms.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::people::{BRANDS, CAMPAIGNS, Campaign, Earning, End, PARTNERS};
use super::{DAY, Stage, amount, for_each};
use crate::demo::client;

impl Stage {
    pub(super) async fn set_up(&self, began: i64) -> Result<()> {
        for_each(&BRANDS, async |brand| {
            let record = json!({"name": brand.name, "currency": brand.currency});
            let key = format!("demo-large-brand-{}", brand.id);
            let client = &self.brands[brand.id];
            client
                .change(&key, &format!("brands/{}", brand.id), &record)
                .await
        })
        .await?;
        for_each(
            PARTNERS.iter().zip(&self.partners),
            async |(partner, client)| {
                let euro = ["DE", "FR", "AT", "NL", "ES", "IT", "IE", "PT", "FI", "BE"];
                let currency = if euro.contains(&partner.country) {
                    "EUR"
                } else {
                    "USD"
                };
                let record = json!({
                    "name": partner.name, "country": partner.country, "currency": currency,
                    "website": format!("https://{}.example.com/", partner.id),
                });
                let key = format!("demo-large-partner-{}", partner.id);
                client
                    .change(&key, &format!("partners/{}", partner.id), &record)
                    .await
            },
        )
        .await?;
        for (brand, currency, billing) in [
            ("brand-lumen", "EUR", json!({"billing": "prepaid"})),
            (
                "brand-saga",
                "EUR",
                json!({"billing": "postpaid", "credit_limit": "20000.00"}),
            ),
        ] {
            let mut body = json!({"brand_id": brand, "currency": currency});
            merge(&mut body, billing);
            let key = format!("demo-large-billing-{brand}");
            self.operator
                .done(&key, "billing", &body, &["billing_unchanged"])
                .await?;
        }
        self.deposit(0, "3000.00", true).await?;
        for_each(&CAMPAIGNS, async |campaign| {
            self.publish(campaign, began).await
        })
        .await?;
        self.group().await
    }

    /// The prepaid brand sends money, and the bank says that it came, or did not.
    pub(super) async fn deposit(&self, day: i64, amount: &str, came: bool) -> Result<()> {
        let body =
            json!({"amount": amount, "currency": "EUR", "reference": format!("LUMEN-{day:02}")});
        let key = format!("demo-large-deposit-{day}");
        let sent = self.brands["brand-lumen"]
            .done(&key, "deposits", &body, &[])
            .await?;
        let id = sent["subject"].as_str().context("a deposit has an id")?;
        let says = if came {
            json!({"status": "cleared"})
        } else {
            json!({"status": "failed", "reason": "not_received"})
        };
        let key = format!("demo-large-settle-{day}");
        let settle = format!("deposits/{id}/settle");
        self.operator
            .done(&key, &settle, &says, &["deposit_settled"])
            .await?;
        Ok(())
    }

    async fn publish(&self, campaign: &Campaign, began: i64) -> Result<()> {
        let brand = self.brand(campaign);
        let (id, currency) = (campaign.id, campaign.brand().currency);
        let key = |what: &str| format!("demo-large-{what}-{id}");
        let mut body = json!({
            "campaign_id": id, "name": campaign.name, "description": campaign.description, "currency": currency,
            "allowed_hosts": [campaign.host], "landing_url": format!("https://{}/", campaign.host), "join": campaign.join.name(),
        });
        if let Some((day, End::Ended)) = campaign.until {
            merge(
                &mut body,
                json!({"ends_at": client::rfc3339(began + day * DAY)}),
            );
        }
        if let Some(budget) = campaign.budget {
            merge(
                &mut body,
                json!({"budget": {"amount": budget, "currency": currency, "interval": "total"}}),
            );
        }
        // A load that was cut off began a moment earlier.
        let create = format!("{}-{began}", key("create"));
        brand
            .done(&create, "campaigns", &body, &["campaign_exists"])
            .await?;
        let flat = |cents: i64| json!({"flat": {"amount": amount(cents.unsigned_abs()), "currency": currency}});
        let mut plan = json!({"hold_days": campaign.hold_days});
        merge(
            &mut plan,
            match campaign.sale {
                Earning::Rate(bps) => json!({"sale": {"bps": bps}}),
                Earning::Flat(cents) => json!({"sale": flat(cents)}),
            },
        );
        if let Some(cents) = campaign.lead {
            merge(&mut plan, json!({"lead": flat(cents)}));
        }
        let terms = json!({
            "text": format!("{} No bidding on our name; say that the link is an advertisement.", campaign.description),
            "window_days": 30, "plan": plan,
        });
        let path = |step: &str| format!("campaigns/{id}/{step}");
        brand
            .done(&key("terms"), &path("terms"), &terms, &[])
            .await?;
        brand
            .done(
                &key("activate"),
                &path("activate"),
                &json!({}),
                &["already_active"],
            )
            .await?;
        Ok(())
    }

    /// A brand's best partners may have more links.
    async fn group(&self) -> Result<()> {
        let brand = &self.brands["brand123"];
        let body = json!({"name": "Favourites", "link_limit": 50});
        let made = brand.done("demo-large-group", "groups", &body, &[]).await?;
        let group = made["subject"].as_str().context("a group has an id")?;
        for partner in &PARTNERS[..3] {
            let key = format!("demo-large-group-{}", partner.id);
            let path = format!("partners/{}/group", partner.id);
            brand
                .done(
                    &key,
                    &path,
                    &json!({"group_id": group}),
                    &["already_in_group"],
                )
                .await?;
        }
        Ok(())
    }
}

/// Adds the fields of one object to another.
fn merge(body: &mut Value, more: Value) {
    if let (Value::Object(body), Value::Object(more)) = (body, more) {
        body.extend(more);
    }
}
