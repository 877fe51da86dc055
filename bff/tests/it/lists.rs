//! What a list is narrowed to is what is left of all there is, whoever asks.

use runtime::testing::{TestService, brand, claims, mint, operator, partner};
use schemas::{Body, CampaignCreatedV1, CommissionCalculatedV1, ConversionAttributedV1, Topic};

use crate::app::{bff, calculated, facts};
use crate::reads_of_programmes::{created, sold};

const PARTNERS: [&str; 2] = ["partner1", "partner2"];
/// The last is not known to the bff yet.
const CAMPAIGNS: [(&str, &str); 4] = [
    ("brand1", "first"),
    ("brand1", "second"),
    ("brand2", "third"),
    ("brand2", "fourth"),
];

/// A purchase and what it earned.
#[derive(Debug, Clone, Copy)]
struct Sale {
    brand: &'static str,
    partner: &'static str,
    campaign: &'static str,
}

/// Of each partner in each campaign some, but of the first in the third none.
fn sales() -> Vec<(String, Sale)> {
    let mut sales = Vec::new();
    for round in 0..3 {
        for partner in PARTNERS {
            for (brand, campaign) in CAMPAIGNS {
                if (partner, campaign) != ("partner1", "third") {
                    let id = format!("{partner}-{campaign}-{round}");
                    let sale = Sale {
                        brand,
                        partner,
                        campaign,
                    };
                    sales.push((id, sale));
                }
            }
        }
    }
    sales
}

async fn state(app: &TestService, sales: &[(String, Sale)]) {
    for (brand, campaign) in &CAMPAIGNS[..3] {
        let Body::CampaignCreatedV1(says) = created(None) else {
            panic!("it is created");
        };
        let says = CampaignCreatedV1 {
            brand_id: brand.parse().unwrap(),
            ..says
        };
        let event = (*campaign, *campaign, says.into());
        facts(app, Topic::CampaignEvents, &[event]).await;
    }
    for (id, sale) in sales {
        let purchase = ConversionAttributedV1 {
            brand_id: sale.brand.parse().unwrap(),
            partner_id: sale.partner.parse().unwrap(),
            campaign_id: sale.campaign.parse().unwrap(),
            order_id: Some(format!("order-of-{}", sale.campaign).parse().unwrap()),
            ..sold()
        };
        facts(app, Topic::TrackingEvents, &[(id, id, purchase.into())]).await;
        let status = if id.ends_with('1') {
            "held"
        } else {
            "approved"
        };
        let Body::CommissionCalculatedV1(earned) = calculated(sale.partner, sale.brand, 1, status)
        else {
            panic!("it is calculated");
        };
        let earned = CommissionCalculatedV1 {
            campaign_id: sale.campaign.parse().unwrap(),
            ..earned
        };
        facts(app, Topic::CommissionEvents, &[(id, id, earned.into())]).await;
    }
}

/// All pages of a list. Another's is no list, or an empty one.
async fn listed(app: &TestService, path: &str, who: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let (status, page) = app.get(&format!("{path}{cursor}"), who).await;
        if status == 404 {
            return ids;
        }
        assert_eq!(status, 200, "{path}{cursor}");
        let items = page["items"].as_array().unwrap();
        ids.extend(items.iter().map(|it| it["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}

/// What a list is asked for: of this brand, partner and campaign.
type Named = [Option<&'static str>; 3];

/// Every way of naming some of them.
fn ways() -> Vec<Named> {
    let mut ways = Vec::new();
    for brand in [None, Some("brand1"), Some("brand2")] {
        for partner in [None, Some("partner1"), Some("partner2")] {
            for campaign in [None, Some("first"), Some("third"), Some("fourth")] {
                ways.push([brand, partner, campaign]);
            }
        }
    }
    ways
}

/// Whether a caller sees a sale.
type Sees = fn(Sale) -> bool;

/// Whether a list has a sale of that id.
type Is = fn(&str, Sale) -> bool;

fn query(named: Named) -> String {
    let pairs = ["brand_id", "partner_id", "campaign_id"]
        .into_iter()
        .zip(named);
    pairs
        .filter_map(|(name, value)| Some(format!("&{name}={}", value?)))
        .collect()
}

#[tokio::test]
async fn conversions_and_commissions_are_narrowed_to_what_is_named_whoever_asks() {
    let app = bff().await;
    let sales = sales();
    state(&app, &sales).await;
    let both = mint(&claims("both").partner("partner1").brand("brand2"));
    let callers: [(String, Sees); 4] = [
        (operator(), |_| true),
        (brand("brand2"), |sale| sale.brand == "brand2"),
        (partner("partner1"), |sale| sale.partner == "partner1"),
        (both, |sale| {
            sale.partner == "partner1" || sale.brand == "brand2"
        }),
    ];
    let lists: [(&str, Is); 4] = [
        ("/api/v1/conversions?limit=2", |_, _| true),
        (
            "/api/v1/conversions?limit=2&order_id=order-of-third",
            |_, sale| sale.campaign == "third",
        ),
        ("/api/v1/commissions?limit=2", |_, _| true),
        ("/api/v1/commissions?limit=2&status=held", |id, _| {
            id.ends_with('1')
        }),
    ];
    for (who, sees) in &callers {
        for (list, is) in lists {
            for named in ways() {
                let is_named = |sale: Sale| {
                    let says = [sale.brand, sale.partner, sale.campaign];
                    named
                        .iter()
                        .zip(says)
                        .all(|(named, it)| named.is_none_or(|named| named == it))
                };
                let left = sales
                    .iter()
                    .rev()
                    .filter(|(id, sale)| sees(*sale) && is_named(*sale) && is(id, *sale));
                let left: Vec<String> = left.map(|(id, _)| id.clone()).collect();
                let path = format!("{list}{}", query(named));
                assert_eq!(listed(&app, &path, who).await, left, "{path}");
            }
        }
    }
    app.stop().await;
}
