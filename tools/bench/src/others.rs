//! People who ask as they should while something else happens, and what they meet with.

use std::cell::Cell;
use std::time::Duration;

use anyhow::Result;
use futures::future::join_all;
use reqwest::{Client as Http, RequestBuilder};
use schemas::Service;
use serde_json::{Value, json};
use uuid::Uuid;

use super::clients::{Client, Met};
use super::people::{shop_token, token_of};
use devstack::demo::client::http_for;
use devstack::local::LocalStack;

/// No request is waited for longer.
const ANSWER_WITHIN: Duration = Duration::from_secs(40);

/// One partner and the visitors of its link.
pub struct Others {
    http: Http,
    bff: String,
    tracking: String,
    /// The campaign that the partner is in.
    pub campaign: String,
    partner: String,
    /// The token of the shop, whose reports earn.
    shop: String,
    /// Tells this run's orders from those of others.
    pub run: String,
}

/// Makes the nth request.
pub type Make<'a> = Box<dyn Fn(u64) -> RequestBuilder + 'a>;

impl Others {
    /// Those of this stack and campaign.
    pub fn new(stack: &LocalStack, campaign: String) -> Result<Self> {
        Ok(Self {
            http: http_for(ANSWER_WITHIN)?,
            bff: format!("{}/api/v1", stack.url(Service::Bff)?),
            tracking: stack.url(Service::Tracking)?.to_owned(),
            campaign,
            partner: token_of(stack, 0)?,
            shop: shop_token(stack)?,
            run: Uuid::now_v7().simple().to_string(),
        })
    }

    /// A write at the bff by the partner.
    pub fn at_bff(&self, path: &str) -> RequestBuilder {
        let request = self.http.post(format!("{}/{path}", self.bff));
        request.bearer_auth(&self.partner)
    }

    /// A report at the bff by the shop.
    pub fn report_at_bff(&self) -> RequestBuilder {
        let request = self.http.post(format!("{}/tracking/events", self.bff));
        request.bearer_auth(&self.shop)
    }

    /// A report at tracking itself by the shop.
    pub fn at_tracking(&self) -> RequestBuilder {
        let url = format!("{}/api/v1/tracking/events", self.tracking);
        self.http.post(url).bearer_auth(&self.shop)
    }

    /// The report of a purchase.
    pub fn purchase(&self, number: u64) -> Value {
        json!({
            "user_id": "bench-user-0", "event_type": "purchase", "amount": "10.00", "currency": "USD",
            "order_id": format!("ask{}_{number}", self.run), "campaign_id": self.campaign,
        })
    }

    /// Reports at the bff whose outcome nobody waits for, numbered from there.
    pub fn writes(&self, from: u64, rate: u32) -> Client<Make<'_>> {
        let make = move |number| {
            let purchase = self.purchase(number + from);
            self.report_at_bff().json(&purchase)
        };
        client("bff: a write, 202", rate, make)
    }

    /// Visitors that follow the partner's link.
    pub fn redirects(&self, rate: u32) -> Client<Make<'_>> {
        let url = format!("{}/c/bench0?user_id=bench-user-0", self.tracking);
        let make = move |_| self.http.get(&url);
        client("tracking: a visitor's redirect", rate, make)
    }
}

/// Who asks so many times a second, and does not wait for an outcome.
pub fn client<'a>(
    name: &'static str,
    rate: u32,
    make: impl Fn(u64) -> RequestBuilder + 'a,
) -> Client<Make<'a>> {
    Client {
        name,
        make: Box::new(make),
        rate,
        waits: false,
    }
}

/// All of them ask until the future is done.
pub async fn ask_while(
    clients: &[Client<Make<'_>>],
    first: u64,
    busy: impl Future<Output = ()>,
) -> Result<Vec<(&'static str, Met)>> {
    let stop = Cell::new(false);
    let requests = join_all(clients.iter().map(|client| client.run(&stop, first)));
    let (met, ()) = tokio::join!(requests, async {
        busy.await;
        stop.set(true);
    });
    let named = clients.iter().zip(met);
    named.map(|(client, met)| Ok((client.name, met?))).collect()
}
