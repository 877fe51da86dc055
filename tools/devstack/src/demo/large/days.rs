//! One day of many.

use anyhow::{Context, Result};
use futures::try_join;
use serde_json::{Value, json};
use types::JoinMode;

use super::calendar::{self, Outcome, Place, Sale, Visit};
use super::people::{BRANDS, CAMPAIGNS, End};
use super::{DAY, PAYDAYS, Stage, amount, count, for_each};

impl Stage {
    /// Lets it come, and all of it happen.
    pub(super) async fn day(&self, began: i64, day: i64) -> Result<()> {
        if day > 0 {
            self.until(began + day * DAY + calendar::second_of(day))
                .await?;
        }
        let coming = self.places.iter().filter(|place| place.from == day);
        let waiting = self.places.iter();
        let waiting = waiting.filter(|it| it.from + 1 == day && it.campaign.join != JoinMode::Open);
        try_join!(
            self.brands_act(day),
            for_each(coming, async |place| self.come_in(place).await),
            for_each(waiting, async |place| self.let_in(place).await),
        )?;
        let visits = calendar::visits(&self.places, day);
        let returning = calendar::returning(&self.places, day);
        let refunds = calendar::refunds(&self.places, day);
        try_join!(
            for_each(visits, async |visit| self.visit_comes_to(visit).await),
            for_each(returning, async |sale| self.sell(&sale, None).await),
            for_each(refunds, async |(sale, back)| self
                .take_back(&sale, back)
                .await),
            self.nobodys_order(day),
            self.show_evidence(day),
        )?;
        if PAYDAYS.contains(&day) {
            self.pay_out(day).await?;
        }
        Ok(())
    }

    /// What brands decide, and what they send.
    async fn brands_act(&self, day: i64) -> Result<()> {
        match day {
            25 | 55 => self.deposit(day, "1500.00", true).await?,
            40 => self.deposit(day, "800.00", false).await?,
            _ => {}
        }
        let pausing = CAMPAIGNS.iter();
        for campaign in pausing.filter(|it| it.until == Some((day, End::Paused))) {
            let key = format!("demo-large-pause-{}", campaign.id);
            let path = format!("campaigns/{}/pause", campaign.id);
            self.brand(campaign)
                .done(&key, &path, &json!({}), &["already_paused"])
                .await?;
        }
        if day % 3 == 0 {
            self.decide_claims().await?;
        }
        if day % 9 == 5 {
            self.review_evidence().await?;
        }
        Ok(())
    }

    /// Comes in, or asks to, or is invited; with a link where it is in.
    async fn come_in(&self, place: &Place) -> Result<()> {
        let (partner, campaign) = (place.partner().id, place.campaign);
        let key = format!("{partner}-{}", campaign.id);
        if campaign.join == JoinMode::Invite {
            let path = format!("campaigns/{}/partners/{partner}/invite", campaign.id);
            let key = format!("demo-large-invite-{key}");
            self.brand(campaign)
                .done(
                    &key,
                    &path,
                    &json!({}),
                    &["already_invited", "already_accepted"],
                )
                .await?;
            return Ok(());
        }
        self.accept(place).await?;
        match campaign.join {
            JoinMode::Open => self.link(place).await,
            JoinMode::Approval | JoinMode::Invite => Ok(()),
        }
    }

    async fn accept(&self, place: &Place) -> Result<()> {
        let key = format!("demo-large-accept-{}", place.code());
        let path = format!("campaigns/{}/accept", place.campaign.id);
        let accept = json!({"accepted_terms": true});
        let there = ["already_accepted", "already_applied"];
        self.partner(place)
            .done(&key, &path, &accept, &there)
            .await?;
        Ok(())
    }

    async fn link(&self, place: &Place) -> Result<()> {
        let link = json!({
            "code": place.code(), "campaign_id": place.campaign.id,
            "target_url": format!("https://{}/", place.campaign.host),
            "utm": {"source": place.partner().id, "medium": "partner"},
        });
        let key = format!("demo-large-link-{}", place.code());
        self.partner(place)
            .done(&key, "links", &link, &["link_exists"])
            .await?;
        Ok(())
    }

    /// The day after: the brand approves, or who was invited accepts.
    async fn let_in(&self, place: &Place) -> Result<()> {
        let (partner, campaign) = (place.partner().id, place.campaign);
        if campaign.join == JoinMode::Invite {
            self.accept(place).await?;
            return self.link(place).await;
        }
        let brand = self.brand(campaign);
        let path = |step: &str| format!("campaigns/{}/partners/{partner}/{step}", campaign.id);
        let key = format!("demo-large-decide-{}", place.code());
        if place.is_refused() {
            let body = json!({"reason": "not_the_right_fit"});
            brand
                .done(&key, &path("reject"), &body, &["not_applied"])
                .await?;
            return Ok(());
        }
        brand
            .done(
                &key,
                &path("approve"),
                &json!({}),
                &["already_accepted", "not_applied"],
            )
            .await?;
        self.link(place).await
    }

    async fn visit_comes_to(&self, visit: Visit) -> Result<()> {
        let click = self.visit(&visit.place).await?;
        match visit.comes_to {
            Outcome::Nothing => Ok(()),
            Outcome::Sale(sale) => self.sell(&sale, Some(&click)).await,
            Outcome::Known(visitor) => {
                let path = format!("tracking/clicks/{click}/visitor");
                let key = format!("demo-large-bind-{click}");
                let brand = self.brand(visit.place.campaign);
                brand.write(&key, &path, &json!({"user_id": visitor})).await
            }
            Outcome::Claim(sale) => {
                let key = format!("demo-large-claim-{click}");
                let body = body_of(&sale, Some(&click));
                self.partner(&sale.place)
                    .done(&key, "tracking/events", &body, &[])
                    .await?;
                Ok(())
            }
        }
    }

    /// An order that the shop reports. Reported again it is the same, whichever click it names.
    async fn sell(&self, sale: &Sale, click: Option<&str>) -> Result<()> {
        let key = format!("demo-large-sale-{}-{}", sale.order, click.unwrap_or("-"));
        let brand = self.brand(sale.place.campaign);
        brand
            .done(&key, "tracking/events", &body_of(sale, click), &[])
            .await?;
        count(&self.counts.conversions);
        Ok(())
    }

    async fn take_back(&self, sale: &Sale, back: u64) -> Result<()> {
        let body = json!({
            "user_id": sale.visitor, "event_type": "refund", "order_id": sale.order, "amount": amount(back),
            "currency": sale.place.campaign.brand().currency,
        });
        let key = format!("demo-large-refund-{}", sale.order);
        let brand = self.brand(sale.place.campaign);
        brand.done(&key, "tracking/events", &body, &[]).await?;
        Ok(())
    }

    /// Somebody buys whom nobody sent.
    async fn nobodys_order(&self, day: i64) -> Result<()> {
        if day % 7 != 3 {
            return Ok(());
        }
        let brand = &BRANDS[usize::try_from(day).unwrap_or(0) % BRANDS.len()];
        let body = json!({
            "user_id": format!("passer-by-{day}"), "event_type": "purchase", "order_id": format!("{}-{day:02}N", brand.prefix),
            "amount": "59.90", "currency": brand.currency,
        });
        let key = format!("demo-large-nobody-{day}");
        self.brands[brand.id]
            .done(&key, "tracking/events", &body, &[])
            .await?;
        count(&self.counts.conversions);
        Ok(())
    }

    /// Each brand says of each claim whether it is true.
    async fn decide_claims(&self) -> Result<()> {
        for brand in self.brands.values() {
            let open = brand.read("claims?status=open&limit=200").await?;
            let open = open["items"].as_array().cloned().unwrap_or_default();
            for_each(open, async |claim: Value| {
                let id = claim["id"].as_str().context("a claim has an id")?;
                let order = claim["order_id"].as_str().unwrap_or_default();
                let (step, body) = if calendar::is_true(order) {
                    ("accept", json!({}))
                } else {
                    ("decline", json!({"reason": "order_cancelled"}))
                };
                let (key, path) = (
                    format!("demo-large-{step}-{id}"),
                    format!("claims/{id}/{step}"),
                );
                let done = brand.done(&key, &path, &body, &["claim_decided"]).await?;
                if step == "accept" && done["status"] == "completed" {
                    count(&self.counts.conversions);
                }
                Ok(())
            })
            .await?;
        }
        Ok(())
    }

    /// A few show what they did; what becomes of it follows from what it is.
    async fn show_evidence(&self, day: i64) -> Result<()> {
        if day % 9 != 4 {
            return Ok(());
        }
        let there = self
            .places
            .iter()
            .filter(|place| place.from < day - 1 && !place.is_refused());
        let there = there.filter(|place| place.campaign.is_on(day + 2)).take(20);
        let showing = there.skip(usize::try_from(day).unwrap_or(0) % 5).step_by(5);
        for (place, kind) in showing.zip(["screenshot", "invoice", "photo", "screenshot"]) {
            let body = json!({
                "campaign_id": place.campaign.id, "evidence_type": kind,
                "file_url": format!("https://files.example.com/{}/{day}.jpg", place.code()),
            });
            let key = format!("demo-large-evidence-{day}-{}", place.code());
            self.partner(place)
                .done(&key, "evidence/upload", &body, &["already_submitted"])
                .await?;
        }
        Ok(())
    }

    async fn review_evidence(&self) -> Result<()> {
        for brand in self.brands.values() {
            let open = brand.read("evidence?status=submitted&limit=200").await?;
            for evidence in open["items"].as_array().into_iter().flatten() {
                let id = evidence["id"].as_str().context("evidence has an id")?;
                let campaign = &evidence["campaign_id"];
                let (step, body) = match evidence["evidence_type"].as_str() {
                    Some("invoice") => (
                        "reject",
                        json!({"campaign_id": campaign, "reason": "does_not_meet_requirements"}),
                    ),
                    Some("photo") => (
                        "return",
                        json!({"campaign_id": campaign, "reason": "file_unreadable"}),
                    ),
                    _ => ("approve", json!({"campaign_id": campaign})),
                };
                let key = format!("demo-large-{step}-{id}");
                let path = format!("evidence/{id}/{step}");
                brand
                    .done(&key, &path, &body, &["evidence_decided"])
                    .await?;
            }
        }
        Ok(())
    }
}

fn body_of(sale: &Sale, click: Option<&str>) -> Value {
    let campaign = sale.place.campaign;
    let mut body =
        json!({"user_id": sale.visitor, "campaign_id": campaign.id, "order_id": sale.order});
    body["event_type"] = json!(if sale.cents.is_some() {
        "purchase"
    } else {
        "lead"
    });
    if let Some(cents) = sale.cents {
        body["amount"] = json!(amount(cents));
        body["currency"] = json!(campaign.brand().currency);
    }
    if let Some(click) = click {
        body["click_id"] = json!(click);
    }
    body
}
