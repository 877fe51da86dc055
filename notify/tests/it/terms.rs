//! Partners are mailed that the terms of their campaign are others.

use std::collections::BTreeMap;

use notify::{MIGRATIONS, Notify};
use runtime::testing::{self, TestService, unmade_database, until};
use schemas::{
    Body, EnrollmentAcceptedV1, EnrollmentApprovedV1, EnrollmentEndedV1, PartnerErasedV1,
    TermsPublishedV1, Topic,
};
use serde_json::Value;
use types::{ContactId, EnrollmentStatus, Micros, PartnerId, TermsVersion};

use crate::app;

/// 2026-11-18.
const EFFECTIVE_AT: Micros = Micros(1_795_000_000_000_000);

fn version(number: i32) -> TermsVersion {
    TermsVersion::new(number).unwrap()
}

fn partner(id: &str) -> PartnerId {
    PartnerId::parse(id).unwrap()
}

/// Each version is in force a microsecond after the one before.
async fn publish(service: &mut TestService, campaign: &str, number: i32, worsens: Option<bool>) {
    let from = Micros(EFFECTIVE_AT.0 + i64::from(number));
    publish_from(service, (campaign, number), from, worsens).await;
}

async fn publish_from(
    service: &mut TestService,
    (campaign, number): (&str, i32),
    effective_at: Micros,
    worsens: Option<bool>,
) {
    let published = published(number, effective_at, worsens);
    deliver(service, campaign, published.into()).await;
}

fn published(number: i32, effective_at: Micros, worsens: Option<bool>) -> TermsPublishedV1 {
    TermsPublishedV1 {
        version: version(number),
        brand_id: "brand1".parse().unwrap(),
        currency: types::Currency::parse("USD").unwrap(),
        window_days: types::WindowDays::new(30).unwrap(),
        plan: schemas::Plan {
            sale_bps: Some(1_000),
            sale_flat: None,
            lead_bps: None,
            lead_flat: None,
            hold_days: 0,
        },
        effective_at,
        text_hash: None,
        worsens,
        sealed_text: Some(b"sealed".to_vec()),
    }
}

async fn deliver(service: &mut TestService, subject: &str, body: Body) {
    let topic = Topic::CampaignEvents;
    service.deliver(topic, subject, subject, body).await;
}

/// Two versions of `camp1` in one batch: number, from when, whether it worsens something, and sequence.
async fn at_once(service: &TestService, versions: [(i32, Micros, Option<bool>, i64); 2]) {
    let topic = Topic::CampaignEvents;
    let versions = versions.map(|(number, from, worsens, sequence)| {
        let body = published(number, from, worsens).into();
        testing::message(topic, "camp1", "camp1", body, Some(sequence))
    });
    service.deliver_all(topic, versions.to_vec()).await;
}

async fn accept(service: &mut TestService, campaign: &str, id: &str, number: i32) {
    deliver(service, campaign, accepted(id, number)).await;
}

fn accepted(id: &str, number: i32) -> Body {
    let accepted = EnrollmentAcceptedV1 {
        partner_id: partner(id),
        terms_version: version(number),
        brand_id: None,
    };
    accepted.into()
}

/// All that was mailed about terms, once the mailings are done, by partner.
async fn mailed(service: &TestService) -> BTreeMap<String, Vec<Value>> {
    until("the mailings are done", || async {
        testing::rows(service.pool(), "terms_mailings")
            .await
            .is_empty()
    })
    .await;
    let all =
        "SELECT partner_id, data FROM mails WHERE kind = 'terms.published.v1' ORDER BY position";
    let all: Vec<(String, String)> = sqlx::query_as(all).fetch_all(service.pool()).await.unwrap();
    let mut mailed: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (partner, data) in all {
        let data = serde_json::from_str(&data).unwrap();
        mailed.entry(partner).or_default().push(data);
    }
    mailed
}

#[tokio::test]
async fn whoever_is_in_a_campaign_on_terms_of_before_is_told_of_each_new_version_once() {
    let mut service = app::start().await;
    for id in ["partner1", "partner2", "partner3", "partner4", "partner5"] {
        app::mail_address(&service, &testing::partner(id)).await;
    }
    app::campaign(&mut service, "camp1", "brand1").await;
    publish(&mut service, "camp1", 1, None).await;
    for id in ["partner1", "partner2", "without-address", "partner5"] {
        accept(&mut service, "camp1", id, 1).await;
    }
    accept(&mut service, "camp2", "partner4", 1).await;
    let approved = EnrollmentApprovedV1 {
        partner_id: partner("partner3"),
        brand_id: "brand1".parse().unwrap(),
        terms_version: version(1),
    };
    deliver(&mut service, "camp1", approved.into()).await;
    assert!(
        mailed(&service).await.is_empty(),
        "the first changes nothing"
    );

    let left = EnrollmentEndedV1 {
        partner_id: partner("partner2"),
        brand_id: "brand1".parse().unwrap(),
        status: EnrollmentStatus::Left,
        reason: None,
    };
    deliver(&mut service, "camp1", left.into()).await;
    deliver(&mut service, "partner5", PartnerErasedV1 {}.into()).await;
    publish(&mut service, "camp1", 2, Some(false)).await;
    let all = mailed(&service).await;
    assert_eq!(
        all.keys().collect::<Vec<_>>(),
        ["partner1", "partner3"],
        "nobody who left, was erased or is in another campaign"
    );
    for data in all.values() {
        assert_eq!(data.len(), 1);
        assert_eq!(
            data[0],
            serde_json::json!({"version": 2, "effective_at": EFFECTIVE_AT.get() + 2, "worsens": false,
                "about": "camp1", "campaign": "Summer"})
        );
    }

    let programmes: Vec<Option<String>> =
        sqlx::query_scalar("SELECT DISTINCT programme_brand_id FROM mails")
            .fetch_all(service.pool())
            .await
            .unwrap();
    assert_eq!(programmes, [Some("brand1".to_owned())]);

    let from = Micros(EFFECTIVE_AT.0 + 3);
    let bodies = [published(3, from, None).into(), accepted("partner1", 3)];
    let topic = Topic::CampaignEvents;
    let at_once = bodies
        .into_iter()
        .zip(12..)
        .map(|(body, sequence)| testing::message(topic, "camp1", "camp1", body, Some(sequence)));
    service.deliver_all(topic, at_once.collect()).await;
    let all = mailed(&service).await;
    assert_eq!(all["partner1"].len(), 1, "it accepted that one already");
    assert_eq!(all["partner3"][1]["version"], 3);
    assert_eq!(all["partner3"][1]["worsens"], true);
    until("they are in the mailbox, with the approval's", || async {
        let list = app::get(&service, "/api/v1/notify/mailbox", &testing::operator()).await;
        list["items"].as_array().unwrap().len() == 4
    })
    .await;
    service
        .assert_state_is_the_fold_of_its_log(&Notify, &MIGRATIONS, &["contacts"])
        .await;
    service.stop().await;
}

#[tokio::test]
async fn a_better_version_behind_a_worse_one_holds_for_those_alone_who_accepted_the_worse_one() {
    let mut service = app::start().await;
    app::campaign(&mut service, "camp1", "brand1").await;
    for id in ["partner1", "partner2"] {
        app::mail_address(&service, &testing::partner(id)).await;
        accept(&mut service, "camp1", id, 1).await;
    }
    publish(&mut service, "camp2", 3, Some(true)).await;
    publish(&mut service, "camp1", 2, Some(true)).await;
    let all = mailed(&service).await;
    assert!(all.values().all(|data| data[0]["worsens"] == true));
    accept(&mut service, "camp1", "partner2", 2).await;
    publish(&mut service, "camp1", 3, Some(false)).await;
    let all = mailed(&service).await;
    for (id, worsens) in [("partner1", true), ("partner2", false)] {
        assert_eq!(all[id][1]["version"], 3);
        assert_eq!(all[id][1]["worsens"], worsens, "{id}");
    }
    let mailbox = async || {
        let list = app::get(&service, "/api/v1/notify/mailbox", &testing::operator()).await;
        list["items"].as_array().unwrap().clone()
    };
    until("all are in the mailbox", || async {
        mailbox().await.len() == 4
    })
    .await;
    for (id, holds) in [("partner1", false), ("partner2", true)] {
        let all = mailbox().await;
        let mail = all.iter().find(|it| {
            it["partner_id"] == id && it["text"].as_str().unwrap().contains("version 3")
        });
        let text = mail.unwrap()["text"].as_str().unwrap();
        let goes_on = "The version that holds for you goes on until you accept this one.";
        assert_eq!(text.contains("They hold for you"), holds, "{text}");
        assert_eq!(text.contains(goes_on), !holds, "{text}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_worse_version_that_was_replaced_before_it_came_into_force_worsens_nothing() {
    let mut service = app::start().await;
    app::campaign(&mut service, "camp1", "brand1").await;
    app::mail_address(&service, &testing::partner("partner1")).await;
    accept(&mut service, "camp1", "partner1", 1).await;
    publish(&mut service, "camp1", 2, Some(true)).await;
    assert_eq!(mailed(&service).await["partner1"][0]["worsens"], true);
    let from = Micros(EFFECTIVE_AT.0 + 2);
    publish_from(&mut service, ("camp1", 3), from, Some(false)).await;
    publish(&mut service, "camp1", 4, Some(false)).await;
    let all = mailed(&service).await;
    let worse = all["partner1"].iter().map(|data| data["worsens"] == true);
    assert_eq!(worse.collect::<Vec<_>>(), [true, false, false]);
    service.stop().await;
}

/// Campaign went back behind the first and gave its number out again.
#[tokio::test]
async fn of_a_version_that_is_published_again_the_last_is_mailed_and_says_what_worsens() {
    let mut service = app::start().await;
    app::campaign(&mut service, "camp1", "brand1").await;
    app::mail_address(&service, &testing::partner("partner1")).await;
    accept(&mut service, "camp1", "partner1", 1).await;
    publish(&mut service, "camp1", 2, Some(true)).await;
    assert_eq!(mailed(&service).await["partner1"][0]["worsens"], true);
    publish(&mut service, "camp1", 2, Some(false)).await;
    publish(&mut service, "camp1", 3, Some(false)).await;
    let all = mailed(&service).await;
    let seen = all["partner1"]
        .iter()
        .map(|data| (data["version"].as_i64(), data["worsens"] == true));
    assert_eq!(
        seen.collect::<Vec<_>>(),
        [(Some(2), true), (Some(2), false), (Some(3), false)]
    );

    let from = Micros(EFFECTIVE_AT.0 + 4);
    let twice = [(4, from, Some(true), 6), (4, from, Some(false), 7)];
    at_once(&service, twice).await;
    let all = mailed(&service).await;
    let last = all["partner1"][3..]
        .iter()
        .map(|data| data["worsens"] == true);
    assert_eq!(last.collect::<Vec<_>>(), [false], "both came at once");
    service.stop().await;
}

#[tokio::test]
async fn who_accepted_a_lost_version_is_told_of_the_one_that_gets_its_number() {
    let mut service = app::start().await;
    app::campaign(&mut service, "camp1", "brand1").await;
    for id in ["partner1", "partner2"] {
        app::mail_address(&service, &testing::partner(id)).await;
    }
    accept(&mut service, "camp1", "partner1", 1).await;
    publish(&mut service, "camp1", 2, Some(true)).await;
    assert_eq!(mailed(&service).await["partner1"].len(), 1);
    accept(&mut service, "camp1", "partner1", 2).await;
    publish(&mut service, "camp1", 3, Some(false)).await;
    assert_eq!(mailed(&service).await["partner1"].len(), 2);
    // It is in the campaign on the lost version alone.
    accept(&mut service, "camp1", "partner2", 3).await;
    publish(&mut service, "camp1", 2, Some(true)).await;
    let all = mailed(&service).await;
    for (id, count) in [("partner1", 3), ("partner2", 1)] {
        assert_eq!(all[id].len(), count, "{id}");
        let last = all[id].last().unwrap();
        assert_eq!(
            (&last["version"], &last["worsens"]),
            (&2.into(), &true.into())
        );
    }
    service.stop().await;
}

#[tokio::test]
async fn who_was_erased_and_comes_back_is_told_of_new_terms() {
    let mut service = app::start().await;
    app::campaign(&mut service, "camp1", "brand1").await;
    let token = testing::partner("partner1");
    app::mail_address(&service, &token).await;
    accept(&mut service, "camp1", "partner1", 1).await;
    deliver(&mut service, "partner1", PartnerErasedV1 {}.into()).await;
    app::mail_address(&service, &token).await;
    publish(&mut service, "camp1", 2, Some(true)).await;
    let all = mailed(&service).await;
    assert_eq!(all.get("partner1").map(Vec::len), Some(1));
    service.stop().await;
}

#[tokio::test]
async fn nobody_is_told_of_a_version_that_was_replaced_before_anybody_was() {
    let mut service = app::start().await;
    app::campaign(&mut service, "camp1", "brand1").await;
    app::mail_address(&service, &testing::partner("partner1")).await;
    accept(&mut service, "camp1", "partner1", 1).await;
    let from = Micros(EFFECTIVE_AT.0);
    let versions = [(2, from, Some(true), 3), (3, from, Some(false), 4)];
    at_once(&service, versions).await;
    let all = mailed(&service).await;
    let mailed = all["partner1"].iter().map(|data| data["version"].as_i64());
    assert_eq!(mailed.collect::<Vec<_>>(), [Some(3)]);
    service.stop().await;
}

/// Many partners with an address each, in a campaign on its first version: as the log would have made them.
async fn many(service: &TestService, count: usize) {
    let partners: Vec<String> = (0..count).map(|it| format!("many-{it:05}")).collect();
    let contacts: Vec<String> = partners
        .iter()
        .map(|id| ContactId::of_partner(&partner(id)).into_string())
        .collect();
    let address = r#"[{"sealed_address":"AQID","language":"en","groups":["money","security"]}]"#;
    sqlx::query(
        "WITH many AS (SELECT * FROM unnest($1::text[], $2::text[]) AS it (partner, contact)),
              enrolled AS (INSERT INTO enrolled SELECT 'camp1', partner, 1 FROM many)
         INSERT INTO contacts (id, position, partner_id, addresses, changed_at) SELECT contact, 1, partner, $3, 1 FROM many",
    )
    .bind(partners)
    .bind(contacts)
    .bind(address)
    .execute(service.pool())
    .await
    .unwrap();
}

async fn count(service: &TestService) -> i64 {
    let count = "SELECT count(*) FROM mails WHERE kind = 'terms.published.v1'";
    let count = sqlx::query_scalar(count).fetch_one(service.pool());
    count.await.unwrap()
}

#[tokio::test]
async fn very_many_are_told_in_steps_and_none_twice_or_never_though_a_step_is_cut_off() {
    let database_url = unmade_database();
    let mut service = app::start_at(&database_url).await;
    many(&service, 1_200).await;
    // The second step breaks in its middle.
    let broken = "CREATE FUNCTION broken() RETURNS trigger AS $$ BEGIN
            IF NEW.partner_id = 'many-00777' THEN RAISE EXCEPTION 'cut off'; END IF; RETURN NEW; END $$ LANGUAGE plpgsql;
        CREATE TRIGGER broken BEFORE INSERT ON mails FOR EACH ROW EXECUTE FUNCTION broken()";
    sqlx::raw_sql(broken).execute(service.pool()).await.unwrap();
    publish(&mut service, "camp1", 2, Some(true)).await;
    until("the first step is done", || async {
        count(&service).await == 500
    })
    .await;
    service.stop().await;

    let service = app::start_at(&database_url).await;
    assert_eq!(count(&service).await, 500, "of the second step nothing");
    sqlx::raw_sql("DROP TRIGGER broken ON mails")
        .execute(service.pool())
        .await
        .unwrap();
    let all = mailed(&service).await;
    assert_eq!(all.len(), 1_200);
    assert!(all.values().all(|data| data.len() == 1));
    service.stop().await;
}
