//! Every read that the bff's own document names: lists with each of their filters, sums, and one thing of each kind.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use anyhow::{Context, Result, ensure};
use devstack::demo::Tokens;
use devstack::demo::client::http;
use devstack::local::LocalStack;
use devstack::token::Signer;
use schemas::Service;
use serde_json::Value;
use sqlx::PgPool;
use tokio::time::Instant;

use super::population::{Population, brand, campaign, partner};
use crate::clients::percentile;
use crate::report::tenths;

/// Each is asked so often by each who may.
const TIMES: usize = 40;
/// And no more often once that took so long, in microseconds.
const ENOUGH_US: u64 = 1_000_000;
/// How far a list is followed, page by page.
const PAGES: usize = 20;
/// In microseconds: what a list, a sum or a filter may take, and what an explanation or a timeline may.
const LIST_US: u64 = 30_000;
const EXPLAINED_US: u64 = 50_000;
/// So many of the slowest are shown.
const SHOWN: usize = 12;

/// A read by somebody.
struct Took {
    name: String,
    us: Vec<u64>,
}

impl Took {
    /// The longest: of so few a percentile says no more.
    fn longest(&self) -> u64 {
        self.us.last().copied().unwrap_or(0)
    }

    fn limit_us(&self) -> u64 {
        let explains = ["explanation", "timeline"];
        if explains.iter().any(|word| self.name.contains(word)) {
            EXPLAINED_US
        } else {
            LIST_US
        }
    }

    fn is_slow(&self) -> bool {
        self.longest() > self.limit_us()
    }
}

/// What all of them took.
pub struct Reads {
    all: Vec<Took>,
    /// What is refused to whoever asks, or needs more than one filter: how many answered so.
    refused: BTreeMap<u16, usize>,
    /// Filters that nothing is known for here.
    without_values: BTreeSet<String>,
}

/// Who asks.
struct Reader<'a> {
    http: reqwest::Client,
    bff: String,
    token: String,
    who: &'static str,
    samples: &'a Samples,
    reads: Reads,
}

/// Values of filters.
struct Samples {
    population: Population,
    orders: Vec<(String, String, String)>,
}

impl Samples {
    async fn of(stack: &LocalStack, population: Population) -> Result<Self> {
        let pool = PgPool::connect(&stack.database_url(Service::Tracking)?).await?;
        let orders = sqlx::query_as(
            "SELECT id::text, order_id, brand_id FROM (SELECT * FROM conversions TABLESAMPLE SYSTEM (1) LIMIT 100000) c
             WHERE order_id IS NOT NULL ORDER BY random() LIMIT 200",
        );
        Ok(Self {
            population,
            orders: orders.fetch_all(&pool).await?,
        })
    }

    /// Of the largest and of others.
    fn values(&self, parameter: &Value, schemas: &Value) -> Option<Vec<String>> {
        let name = parameter["name"].as_str()?;
        let schema = &parameter["schema"];
        let reference = schema["$ref"].as_str().and_then(|it| it.rsplit('/').next());
        let schema = reference.map_or(schema, |name| &schemas[name]);
        if let Some(all) = schema["enum"].as_array() {
            return Some(
                all.iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
            );
        }
        let Population {
            brands,
            campaigns,
            partners,
        } = self.population;
        let some = |of: &dyn Fn(u32) -> String, many: u32| {
            let several = [0, 1, many / 2, many.saturating_sub(1)];
            Some(several.into_iter().map(of).collect())
        };
        match name {
            "partner_id" => some(&partner, partners),
            "brand_id" => some(&brand, brands),
            "campaign_id" => some(&campaign, campaigns),
            "code" | "link_code" => some(&|number| format!("grown{number}"), partners),
            "order_id" | "q" => Some(
                self.orders
                    .iter()
                    .map(|(_, order, _)| order.clone())
                    .collect(),
            ),
            "conversion_id" => Some(self.orders.iter().map(|(id, ..)| id.clone()).collect()),
            "limit" => Some(vec!["200".to_owned()]),
            "currency" => Some(vec!["USD".to_owned()]),
            "country" => Some(vec!["AT".to_owned()]),
            "duplicates" => Some(vec!["true".to_owned()]),
            "time_zone" => Some(vec!["Europe/Vienna".to_owned()]),
            "group_by" => Some(
                [
                    "day",
                    "campaign",
                    "partner",
                    "link",
                    "day,campaign",
                    "day,partner",
                    "campaign,partner",
                ]
                .map(str::to_owned)
                .to_vec(),
            ),
            _ => None,
        }
    }
}

/// Asks everything, by an operator, by brands and by partners, the largest of each and one of many.
pub async fn ask(stack: &LocalStack, population: Population) -> Result<Reads> {
    let samples = Samples::of(stack, population).await?;
    let signer = Signer::new(stack.settings())?;
    let many = [
        ("operator", stack.token(&["--role", "operator"])?),
        ("the largest brand", signer.brand(&brand(0))?),
        ("a brand", signer.brand(&brand(population.brands / 2))?),
        ("the largest partner", signer.partner(&partner(0))?),
        (
            "a partner",
            signer.partner(&partner(population.partners / 2))?,
        ),
    ];
    let mut reads = Reads {
        all: Vec::new(),
        refused: BTreeMap::new(),
        without_values: BTreeSet::new(),
    };
    for (who, token) in many {
        let mut reader = Reader {
            http: http()?,
            bff: stack.url(Service::Bff)?.to_owned(),
            token,
            who,
            samples: &samples,
            reads,
        };
        reader.ask_everything().await?;
        reads = reader.reads;
    }
    Ok(reads)
}

impl Reader<'_> {
    async fn ask_everything(&mut self) -> Result<()> {
        let url = format!("{}/openapi.json", self.bff);
        let document: Value = self.http.get(url).send().await?.json().await?;
        let schemas = document["components"]["schemas"].clone();
        let paths = document["paths"].as_object().context("paths")?;
        let mut ids: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for (path, item) in paths {
            let Some(read) = item.get("get") else {
                continue;
            };
            // A stream does not end, an operator's routes are the services', and what is no JSON is drawn anew.
            let left_out = [
                "/events/stream",
                "/operator/",
                "/unsubscribe/",
                "/qr",
                "/preview",
            ];
            if left_out.iter().any(|part| path.contains(part)) {
                continue;
            }
            let no_parameters = Vec::new();
            let parameters = read["parameters"].as_array().unwrap_or(&no_parameters);
            if let Some((list, rest)) = path.split_once("/{") {
                let name = rest.split('}').next().unwrap_or_default();
                let known = ids.get(list).cloned().unwrap_or_default();
                let targets: Vec<String> = known
                    .iter()
                    .filter_map(|item| id_of(item, name))
                    .map(|id| path.replace(&format!("{{{name}}}"), &id))
                    .collect();
                self.ask(path, &targets).await?;
                continue;
            }
            let items = self.ask(path, std::slice::from_ref(path)).await?;
            ids.insert(path.clone(), items);
            for parameter in parameters {
                let name = parameter["name"].as_str().unwrap_or_default();
                if parameter["in"] != "query" || name == "cursor" {
                    continue;
                }
                let Some(values) = self.samples.values(parameter, &schemas) else {
                    self.reads.without_values.insert(format!("{path} {name}"));
                    continue;
                };
                let many = values.len();
                let apart = parameter["schema"].get("enum").is_some() || name == "group_by";
                let targets = values.iter().map(|value| format!("{path}?{name}={value}"));
                if apart && many < 10 {
                    for target in targets {
                        self.ask(&target.clone(), &[target]).await?;
                    }
                } else {
                    let targets: Vec<String> = targets.collect();
                    self.ask(&format!("{path}?{name}"), &targets).await?;
                }
            }
            if parameters.iter().any(|it| it["name"] == "cursor") {
                self.follow(path).await?;
            }
        }
        let of_orders = |path: &str| -> Vec<String> {
            let orders = self.samples.orders.iter();
            orders
                .map(|(_, order, brand)| format!("{path}?order_id={order}&brand_id={brand}"))
                .collect()
        };
        for path in ["/api/v1/explanations", "/api/v1/timeline"] {
            let targets = of_orders(path);
            self.ask(&format!("{path}?order_id&brand_id"), &targets)
                .await?;
        }
        Ok(())
    }

    /// Asks for these in turn; returns the items of the last answer, when it is a page of some.
    async fn ask(&mut self, name: &str, targets: &[String]) -> Result<Vec<Value>> {
        let (mut us, mut items) = (Vec::new(), Vec::new());
        for target in targets
            .iter()
            .cycle()
            .take(TIMES.min(targets.len() * TIMES))
        {
            let (status, took, body) = self.get(target).await?;
            if status != 200 {
                ensure!(status < 500, "{target}: {status}: {body}");
                *self.reads.refused.entry(status).or_default() += 1;
                // Others of its kind may be there.
                if status == 404 {
                    continue;
                }
                break;
            }
            us.push(took);
            if us.iter().sum::<u64>() > ENOUGH_US {
                break;
            }
            items = body["items"].as_array().cloned().unwrap_or_default();
        }
        self.note(name, us);
        Ok(items)
    }

    async fn follow(&mut self, path: &str) -> Result<()> {
        let (mut us, mut target) = (Vec::new(), format!("{path}?limit=200"));
        for page in 0..PAGES {
            let (status, took, body) = self.get(&target).await?;
            let Some(cursor) = body["next_cursor"].as_str().filter(|_| status == 200) else {
                break;
            };
            if page > 0 {
                us.push(took);
            }
            target = format!("{path}?limit=200&cursor={cursor}");
        }
        self.note(&format!("{path}, page by page of 200"), us);
        Ok(())
    }

    fn note(&mut self, name: &str, mut us: Vec<u64>) {
        if us.is_empty() {
            return;
        }
        us.sort_unstable();
        self.reads.all.push(Took {
            name: format!("{}: {}", self.who, name.trim_start_matches("/api/v1")),
            us,
        });
    }

    async fn get(&self, target: &str) -> Result<(u16, u64, Value)> {
        let began = Instant::now();
        let request = self.http.get(format!("{}{target}", self.bff));
        let answer = request.bearer_auth(&self.token).send().await?;
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await?;
        let took = u64::try_from(began.elapsed().as_micros())?;
        Ok((
            status,
            took,
            serde_json::from_slice(&bytes).unwrap_or_default(),
        ))
    }
}

fn id_of(item: &Value, name: &str) -> Option<String> {
    ["id", name, "campaign_id"]
        .into_iter()
        .find_map(|key| item[key].as_str().map(str::to_owned))
}

impl Reads {
    /// How many there were, and how many took longer than they may.
    pub fn counts(&self) -> (usize, usize) {
        let slow = self.all.iter().filter(|it| it.is_slow()).count();
        (self.all.len(), slow)
    }

    /// The slowest of all, in ms: of lists, and of what explains.
    pub fn slowest(&self) -> (String, String) {
        let of = |limit: u64| {
            let those = self.all.iter().filter(|it| it.limit_us() == limit);
            tenths(those.map(Took::longest).max().unwrap_or(0) / 100)
        };
        (of(LIST_US), of(EXPLAINED_US))
    }

    /// The slowest, and what was left out.
    pub fn table(&mut self) -> Result<String> {
        self.all.sort_by_key(|it| std::cmp::Reverse(it.longest()));
        let requests: usize = self.all.iter().map(|it| it.us.len()).sum();
        let mut page = format!(
            "\n{} reads by their kinds and filters, {requests} requests; {} took longer than they may (30 ms, and 50 ms for what explains). The slowest:\n\n\
             | who and what | p50, ms | the longest, ms |\n|---|---|---|\n",
            self.all.len(),
            self.counts().1
        );
        let slow = self.all.iter().filter(|it| it.is_slow()).count();
        for it in self.all.iter().take(SHOWN.max(slow)) {
            let (p50, longest) = (tenths(percentile(&it.us, 50)), tenths(it.longest() / 100));
            writeln!(page, "| `{}` | {p50} | {longest} |", it.name)?;
        }
        let refused: Vec<String> = self
            .refused
            .iter()
            .map(|(status, many)| format!("{many} with {status}"))
            .collect();
        let without_values: Vec<&str> = self.without_values.iter().map(String::as_str).collect();
        writeln!(
            page,
            "\nAnswered otherwise, since they are not for whoever asked or need more: {}. Filters that were not asked: {}.",
            refused.join(", "),
            without_values.join(", ")
        )?;
        Ok(page)
    }
}
