//! Mails partners that the terms of their campaign are others.

use std::collections::HashSet;
use std::time::Duration;

use messaging::job::{BY_COMMIT, Job};
use schemas::Message;
use sqlx::PgPool;
use tokio::time::Instant;
use types::{BrandId, ContactId, Micros, PartnerId};

use super::STEP;
use crate::mail;
use crate::store::mails::{Cause, NewMail};
use crate::store::terms_mailings::{self, TermsMailing};
use crate::store::{contacts, mails, names, owners};

/// Partners of one step: a campaign may have very many.
const AT_ONCE: usize = 500;

/// Mails them, a bounded number each time, each step in a transaction of its own.
#[derive(Debug, Default)]
pub(crate) struct MailTerms;

impl Job for MailTerms {
    const NAME: &'static str = "changed_terms";
    const IDLE: Duration = BY_COMMIT;

    async fn due(&self, pool: &PgPool, now: Micros, _: i64) -> Result<Vec<Message>, sqlx::Error> {
        let began = Instant::now();
        while began.elapsed() < STEP && step(pool, now).await? {}
        Ok(Vec::new())
    }
}

/// Mails the next ones. Returns whether there may be more. Mails and how far it is are committed together.
async fn step(pool: &PgPool, now: Micros) -> Result<bool, sqlx::Error> {
    let Some(kind) = mail::kind_of("terms.published.v1") else {
        return Ok(false);
    };
    if !terms_mailings::any(pool).await? {
        return Ok(false);
    }
    let mut tx = messaging::begin(pool, "BEGIN").await?;
    let Some(mailing) = terms_mailings::next(&mut tx).await? else {
        return Ok(false);
    };
    let most = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
    let partners = terms_mailings::partners(&mut tx, &mailing, most).await?;
    let ids = partners
        .iter()
        .filter_map(|(id, _)| PartnerId::parse(id).ok());
    let ids: Vec<String> = ids
        .map(|id| ContactId::of_partner(&id).into_string())
        .collect();
    let contacts = contacts::load(&mut *tx, &ids).await?;
    let campaign = std::slice::from_ref(&mailing.campaign_id);
    let names = names::load(&mut tx, campaign).await?;
    let name = names.get(&mailing.campaign_id);
    let name = name.unwrap_or(&mailing.campaign_id);
    let [better, worse] = [false, true].map(|worsens| data(&mailing, name, worsens));
    let worsened: HashSet<&str> = partners
        .iter()
        .filter_map(|(id, worsens)| worsens.then_some(id.as_str()))
        .collect();
    let owners = owners::load(&mut tx, campaign).await?;
    let programme = owners.get(&mailing.campaign_id);
    let programme = programme.and_then(|id| BrandId::parse(id).ok());
    let of = Cause {
        of: mailing.event_id,
        event_id: mailing.event_id,
        correlation_id: mailing.correlation_id,
        programme: programme.as_ref(),
    };
    let new: Vec<NewMail> = contacts
        .iter()
        .flat_map(|contact| {
            let partner = contact.owner.partner().map(PartnerId::as_str);
            let is_worse = partner.is_some_and(|id| worsened.contains(id));
            NewMail::to_each(kind, contact, of, if is_worse { &worse } else { &better })
        })
        .collect();
    mails::insert(&mut tx, &new, now).await?;
    let last = partners.last().filter(|_| partners.len() == AT_ONCE);
    let last = last.map(|(id, _)| id.as_str());
    terms_mailings::go_on(&mut tx, mailing.event_id, last).await?;
    tx.commit().await?;
    Ok(true)
}

fn data(mailing: &TermsMailing, campaign: &str, worsens: bool) -> String {
    let terms = mail::terms(mailing.version, mailing.effective_at, worsens);
    mail::data(terms, &mailing.campaign_id, Some(campaign)).to_string()
}
