//! The large demo: three brands, forty partners, six campaigns and ninety days, through the public interface alone, with the test
//! clock between the days. Who is who stands in [`people`], what happens when in [`calendar`]; here it is done.
//!
//! A day is done once the clock stands behind it, so a load that was cut off goes on with the day that it was in, and one after the
//! last day does nothing.

mod calendar;
mod days;
mod money;
mod people;
mod setup;

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::Url;
use reqwest::header::LOCATION;
use schemas::Service;
use serde_json::Value;
use tokio::time::sleep;

use super::client::{self, Client};
use super::{SETTLED_WITHIN, Tokens};
use crate::progress::Progress;
use crate::services::Program;
use crate::settings::Settings;
use calendar::{DAYS, PAYDAYS, Place};
use money::UNDER_WAY;
use people::{BRANDS, CAMPAIGNS, Campaign, PARTNERS};

/// How far in the past a fresh stack has to begin, so that the last day is today: `CLOCK_STARTS`.
pub const STARTS: &str = "-90d";

/// So much is under way at once.
const AT_ONCE: usize = 16;
const DAY: i64 = 86_400;

/// What was done, for who waits for it.
#[derive(Debug, Default)]
struct Counts {
    visits: AtomicUsize,
    conversions: AtomicUsize,
    payouts: AtomicUsize,
}

fn count(what: &AtomicUsize) {
    what.fetch_add(1, Ordering::Relaxed);
}

/// The people with their tokens, and the places where they are reached.
struct Stage {
    http: reqwest::Client,
    tracking: String,
    simulator: String,
    operator: Client,
    brands: HashMap<&'static str, Client>,
    partners: Vec<Client>,
    places: Vec<Place>,
    counts: Counts,
    moment: Moment,
}

/// A moment of the services' time with the clock of this machine.
#[derive(Clone, Copy)]
struct Moment {
    real: Instant,
    now: i64,
    offset: i64,
}

/// Loads it; safe to repeat.
pub(super) async fn load(
    settings: &Settings,
    tokens: &impl Tokens,
    progress: Progress,
) -> Result<()> {
    let step = progress.step("Large demo: 3 brands, 40 partners, 6 campaigns, 90 days");
    let mut stage = Stage::new(settings, tokens)?;
    let clock = stage.operator.clock(Service::Tracking).await?;
    stage.moment = Moment {
        real: Instant::now(),
        now: clock.now,
        offset: clock.offset_seconds,
    };
    let ends_now = clock.offset_seconds < 0;
    let began = match stage.began().await? {
        Some(began) => began,
        None => clock.now,
    };
    let gone = (clock.now - began).div_euclid(DAY);
    if gone >= DAYS || (gone == DAYS - 1 && clock.now - began > DAYS * DAY - 600) {
        step.done("loaded before: nothing is changed");
        return Ok(());
    }
    // Whoever was cut off had not ended the day before, which may have been the first: done again it is the same, but for its visits.
    let from = (gone - 1).max(0);
    if from == 0 {
        stage.set_up(began).await?;
    }
    for day in from..DAYS {
        stage.day(began, day).await?;
    }
    if ends_now {
        stage.operator.advance(0).await?;
    } else {
        stage.until(began + DAYS * DAY).await?;
    }
    stage.until_paid(&UNDER_WAY).await?;
    stage.settled(DAYS - 1).await?;
    let Counts {
        visits,
        conversions,
        payouts,
    } = &stage.counts;
    let end = if ends_now {
        "the last day is today"
    } else {
        "the stack had begun before, so the days lie ahead (./tributary clock show)"
    };
    step.done(&format!(
        "loaded: {} visits, {} conversions, {} payouts paid; {end}",
        visits.load(Ordering::Relaxed),
        conversions.load(Ordering::Relaxed),
        payouts.load(Ordering::Relaxed)
    ));
    Ok(())
}

impl Stage {
    fn new(settings: &Settings, tokens: &impl Tokens) -> Result<Self> {
        let bff = settings.service_url(Service::Bff)?;
        let admin = settings.admin_url(Service::Bff)?;
        let person = |arguments: &[&str]| Client::new(bff, tokens.token(arguments)?);
        let mut brands = HashMap::new();
        for brand in &BRANDS {
            brands.insert(brand.id, person(&["--brand", brand.id])?);
        }
        let partners = PARTNERS
            .iter()
            .map(|partner| person(&["--partner", partner.id]));
        Ok(Self {
            http: client::http()?,
            tracking: settings.service_url(Service::Tracking)?.to_owned(),
            simulator: Program::Simulator.url(settings)?.to_owned(),
            operator: person(&["--role", "operator"])?.administered_at(admin),
            partners: partners.collect::<Result<Vec<Client>>>()?,
            brands,
            places: calendar::places(),
            counts: Counts::default(),
            moment: Moment {
                real: Instant::now(),
                now: 0,
                offset: 0,
            },
        })
    }

    /// To a moment, in seconds, if it has not come.
    async fn until(&self, moment: i64) -> Result<()> {
        let Moment { real, now, offset } = self.moment;
        let passed = i64::try_from(real.elapsed().as_secs()).unwrap_or(0);
        self.operator.advance(offset + moment - now - passed).await
    }

    fn brand(&self, campaign: &Campaign) -> &Client {
        &self.brands[campaign.brand().id]
    }

    fn partner(&self, place: &Place) -> &Client {
        &self.partners[place.partner]
    }

    /// When the first campaign was made, in seconds.
    async fn began(&self) -> Result<Option<i64>> {
        let found = self
            .operator
            .read("campaigns?brand_id=brand123&limit=100")
            .await?;
        let items = found["items"].as_array().context("campaigns have items")?;
        let first = items.iter().find(|it| it["id"] == CAMPAIGNS[0].id);
        let made = first.and_then(|it| it["created_at"].as_str());
        made.map(client::seconds_of).transpose()
    }

    /// A visit of a link: the click's id, as the shop's page gets it.
    async fn visit(&self, place: &Place) -> Result<String> {
        let url = format!("{}/c/{}", self.tracking, place.code());
        let end = Instant::now() + SETTLED_WITHIN;
        loop {
            let answer = self.http.get(&url).send().await?;
            let page = answer.headers().get(LOCATION);
            let page = page.and_then(|page| Url::parse(page.to_str().ok()?).ok());
            let click = page.and_then(|page| {
                let mut query = page.query_pairs();
                Some(query.find(|(name, _)| name == "click_id")?.1.into_owned())
            });
            if let Some(click) = click {
                count(&self.counts.visits);
                return Ok(click);
            }
            // The link reaches tracking's redirect a moment after its command is done; and nobody may ask too often.
            if Instant::now() >= end {
                bail!(
                    "GET {url} answers {} and leads to no click",
                    answer.status()
                );
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Does it for each, some at once.
async fn for_each<T, F: Future<Output = Result<()>>>(
    all: impl IntoIterator<Item = T>,
    one: impl Fn(T) -> F,
) -> Result<()> {
    stream::iter(all)
        .map(one)
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<()>>()
        .await
        .map(|_| ())
}

/// With the decimals of dollars and euros.
fn amount(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn minor(value: &Value) -> Result<i64> {
    let text = value.as_str().unwrap_or("0.00");
    let digits = text.replace('.', "");
    digits
        .parse()
        .with_context(|| format!("{text} is no amount"))
}
