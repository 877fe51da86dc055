//! Many brands, campaigns and partners, made through the public interface.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use devstack::demo::Tokens;
use devstack::demo::client::http;
use devstack::local::LocalStack;
use devstack::producers;
use devstack::progress::Progress;
use devstack::stack::random_hex;
use devstack::token::Signer;
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::{RequestBuilder, Response, StatusCode};
use schemas::Service;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::people::{Buyer, People};

/// Requests at once.
const AT_ONCE: usize = 32;

/// How many there are.
#[derive(Clone, Copy, Debug)]
pub struct Population {
    pub brands: u32,
    pub campaigns: u32,
    pub partners: u32,
}

pub fn brand(number: u32) -> String {
    format!("grown-brand-{number}")
}

fn producer(number: u32) -> String {
    format!("grown-{number}")
}

pub fn campaign(number: u32) -> String {
    format!("grown-{number}")
}

pub fn partner(number: u32) -> String {
    format!("grown-partner-{number}")
}

impl Population {
    pub fn brand_of(self, campaign: u32) -> String {
        brand(campaign % self.brands.max(1))
    }

    pub fn campaign_of(self, partner: u32) -> String {
        campaign(partner % self.campaigns.max(1))
    }

    /// The system of the brand that a partner sells for.
    fn producer_of(self, partner: u32) -> String {
        producer(partner % self.campaigns.max(1) % self.brands.max(1))
    }

    /// The brands' systems with their keys, as the services' variable has them.
    pub fn producers(self) -> Result<String> {
        let entry = |number| {
            let (name, brand) = (producer(number), brand(number));
            Ok(producers::entry((&name, &brand), "g", &random_hex(16)?))
        };
        let all: Result<Vec<String>> = (0..self.brands).map(entry).collect();
        Ok(all?.join(";"))
    }

    /// Makes them, each partner with one link in one campaign that one user has clicked. Of the purchases the first partner has a
    /// twentieth, the first hundredth of all half, and all of them the rest.
    pub async fn make(self, stack: &LocalStack, progress: Progress) -> Result<People> {
        let (signer, http) = (Signer::new(stack.settings())?, http()?);
        let bff = format!("{}/api/v1", stack.url(Service::Bff)?);
        let operator = stack.token(&["--role", "operator"])?;
        let write = |token: String, path: &str, body: &Value| {
            let request = http.post(format!("{bff}/{path}")).bearer_auth(token);
            request.json(body)
        };
        let settled = || settled(&http, &bff, &operator);

        progress.note(&format!("{} campaigns", self.campaigns));
        for step in 0..3 {
            let requests = (0..self.campaigns).map(|number| {
                let (id, token) = (campaign(number), signer.brand(&self.brand_of(number))?);
                let at = format!("campaigns/{id}");
                Ok(match step {
                    0 => {
                        let body = json!({"campaign_id": id, "name": id, "currency": "USD", "allowed_hosts": ["shop.example"], "trusts_redirects": true});
                        write(token, "campaigns", &body)
                    }
                    1 => {
                        let body = json!({
                            "text": "Ten per cent of every sale.", "window_days": 30,
                            "plan": {"sale": {"bps": 1000}, "hold_days": 0},
                        });
                        write(token, &format!("{at}/terms"), &body)
                    }
                    _ => write(token, &format!("{at}/activate"), &json!({})),
                })
            });
            all(requests, StatusCode::is_success).await?;
            settled().await?;
        }
        progress.note(&format!("{} partners, each with a link", self.partners));
        let accept = json!({"accepted_terms": true});
        let requests = (0..self.partners).map(|number| {
            let path = format!("campaigns/{}/accept", self.campaign_of(number));
            Ok(write(signer.partner(&partner(number))?, &path, &accept))
        });
        all(requests, StatusCode::is_success).await?;
        settled().await?;
        let requests = (0..self.partners).map(|number| {
            let body = json!({
                "campaign_id": self.campaign_of(number), "code": format!("grown{number}"),
                "target_url": "https://shop.example/",
            });
            Ok(write(signer.partner(&partner(number))?, "links", &body))
        });
        all(requests, StatusCode::is_success).await?;
        settled().await?;
        progress.note("a click of each link");
        let tracking = stack.url(Service::Tracking)?;
        let user = |number| format!("grown-user-{number}");
        let clicks = (0..self.partners).map(|number| {
            Ok(http.get(format!(
                "{tracking}/c/grown{number}?user_id={}",
                user(number)
            )))
        });
        all(clicks, StatusCode::is_redirection).await?;
        let buyer = |number| Buyer {
            user: user(number),
            campaign: self.campaign_of(number),
            producer: self.producer_of(number),
        };
        Ok(People {
            campaign: campaign(0),
            buyers: (0..self.partners).map(buyer).collect(),
            turn,
        })
    }
}

/// Who buys the nth time.
fn turn(number: u64, many: u64) -> u64 {
    if number.is_multiple_of(20) {
        0
    } else if number.is_multiple_of(2) {
        number / 2 % (many / 100).max(1)
    } else {
        number / 2 % many
    }
}

/// Asks all of it, again where it is told to come again.
async fn all(
    requests: impl Iterator<Item = Result<RequestBuilder>>,
    wanted: fn(&StatusCode) -> bool,
) -> Result<()> {
    stream::iter(requests.map(|request| async move { until(request?, wanted).await }))
        .buffer_unordered(AT_ONCE)
        .try_for_each(|()| async { Ok(()) })
        .await
}

async fn until(request: RequestBuilder, wanted: fn(&StatusCode) -> bool) -> Result<()> {
    loop {
        let request = request.try_clone().context("a body in memory")?;
        let answer = request.send().await?;
        match answer.status() {
            status if wanted(&status) => return Ok(()),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                sleep(Duration::from_secs(1)).await;
            }
            status => bail!(
                "{}: {status}: {}",
                answer.url().clone(),
                answer.text().await?
            ),
        }
    }
}

/// Waits until every command has its outcome, and all of them were done.
async fn settled(http: &reqwest::Client, bff: &str, operator: &str) -> Result<()> {
    let first = |status: &'static str| async move {
        let url = format!("{bff}/commands?limit=1&status={status}");
        let answer: Response = http.get(url).bearer_auth(operator).send().await?;
        let page: Value = answer.error_for_status()?.json().await?;
        Ok::<_, anyhow::Error>(page["items"].as_array().context("a page")?.first().cloned())
    };
    while first("pending").await?.is_some() {
        sleep(Duration::from_millis(200)).await;
    }
    let rejected = first("rejected").await?;
    ensure!(rejected.is_none(), "rejected: {rejected:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_thousand_has_a_twentieth_and_the_first_ten_have_half() {
        let mut bought = vec![0_u32; 1_000];
        for number in 0..100_000 {
            bought[usize::try_from(turn(number, 1_000)).unwrap()] += 1;
        }
        assert!((5_000..10_000).contains(&bought[0]), "{}", bought[0]);
        let ten: u32 = bought[..10].iter().sum();
        assert!((50_000..51_000).contains(&ten), "{ten}");
        assert!(bought.iter().all(|many| *many >= 50));
    }
}
