//! Links in mails by which an address is sent no such mails any more.

use api::unsubscribe::Unsubscribe;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use notify::{MIGRATIONS, Notify};
use runtime::testing::{self, TestService, until};
use schemas::{
    Actor, Body, ChangeContactV1, CommissionApprovedV1, EnrollmentAppliedV1, EnrollmentApprovedV1,
    PartnerErasedV1, PayoutPaidV1, Topic, UnsubscribeV1, WireContactAddress,
};
use sealing::texts;
use serde_json::{Value, json};
use types::{ContactId, Currency, MailGroup, MailLanguage, Money, TermsVersion, Uuid};

use crate::mail::start_with;
use crate::{app, smtp};

const CONTACTS: &str = "/api/v1/notify/contacts/mail";

async fn put(service: &TestService, token: &str, addresses: Value) {
    let url = format!("{}{CONTACTS}", service.base_url);
    let body = json!({ "addresses": addresses });
    let request = service.client.put(url).bearer_auth(token).json(&body);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
}

fn usd() -> Money {
    Money::new(1_500, Currency::parse("USD").unwrap())
}

fn paid() -> Body {
    let paid = PayoutPaidV1 {
        amount: usd(),
        transfer_id: Uuid::nil(),
        provider_ref: None,
    };
    paid.into()
}

fn earned() -> Body {
    let earned = CommissionApprovedV1 {
        partner_id: "partner1".parse().unwrap(),
        brand_id: "brand1".parse().unwrap(),
        amount: usd(),
    };
    earned.into()
}

fn approved() -> Body {
    let approved = EnrollmentApprovedV1 {
        partner_id: "partner1".parse().unwrap(),
        brand_id: "brand1".parse().unwrap(),
        terms_version: TermsVersion::new(1).unwrap(),
    };
    approved.into()
}

/// One mail of each of these groups.
async fn happen(service: &mut TestService, of: &str) {
    let commission = format!("conv_{of}");
    let payout = format!("pay_{of}");
    service
        .deliver(Topic::CommissionEvents, &commission, &commission, earned())
        .await;
    service
        .deliver(Topic::CampaignEvents, "camp1", "enr_1", approved())
        .await;
    service
        .deliver(Topic::PaymentEvents, "partner1", &payout, paid())
        .await;
}

/// What is in the mailbox, once it is so much, by kind and address.
async fn mailed(service: &TestService, count: usize) -> Vec<Value> {
    let operator = testing::operator();
    let list = || async {
        let list = app::get(service, "/api/v1/notify/mailbox", &operator).await;
        list["items"].as_array().unwrap().clone()
    };
    until(&format!("{count} mails"), || async {
        list().await.len() >= count
    })
    .await;
    list().await
}

fn token_of(mail: &Value) -> Option<String> {
    let text = mail["text"].as_str().unwrap();
    let url = text
        .split_whitespace()
        .find(|it| it.contains("/unsubscribe/"))?;
    let html = mail["html"].as_str().unwrap().replace("&#x2f;", "/");
    assert!(html.contains(&format!("href=\"{url}\"")), "{html}");
    let token = url.split("/unsubscribe/").nth(1).unwrap();
    let (token, language) = token.split_once('?').unwrap();
    assert_eq!(language, "language=en");
    Some(token.to_owned())
}

/// As the bff sends it. Returns the code of the refusal, if it is one.
async fn unsubscribe(service: &TestService, link: &Unsubscribe, source: &str) -> Vec<String> {
    let body = Body::from(UnsubscribeV1 {
        address_id: link.address.to_string(),
        group: link.group.name().to_owned(),
    });
    let contact = link.contact.as_str();
    let mut message = testing::message(Topic::NotifyCommands, contact, contact, body, None);
    message.header.source = source.to_owned();
    let id = message.header.id;
    service
        .deliver_all(Topic::NotifyCommands, vec![message])
        .await;
    let log = service.log().await.into_iter();
    let own = log.filter(|it| it.header.outcome_of == Some(id));
    own.map(|it| match &it.body {
        Body::CommandRejectedV1(refused) => refused.code.clone(),
        _ => it.header.kind,
    })
    .collect()
}

async fn groups(service: &TestService, token: &str) -> Value {
    let shown = app::get(service, CONTACTS, token).await;
    let all = shown["items"][0]["addresses"].as_array().unwrap();
    all.iter().map(|it| it["groups"].clone()).collect()
}

#[tokio::test]
async fn a_link_ends_mails_of_its_group_to_its_address_and_no_others() {
    let mut service = app::start().await;
    let partner = testing::partner("partner1");
    let both = json!([
        {"address": "mia@example.com"},
        {"address": "tom@example.com", "groups": ["earnings"]}
    ]);
    put(&service, &partner, both).await;
    happen(&mut service, "1").await;
    let mails = mailed(&service, 4).await;
    let links: Vec<_> = mails
        .iter()
        .filter_map(|mail| {
            let kind = mail["kind"].as_str().unwrap();
            let link = token_of(mail).map(|token| Unsubscribe::read(&token).unwrap());
            assert_eq!(link.is_none(), kind == "payout.paid.v1", "{kind}");
            Some((mail["masked"].as_str().unwrap(), link?))
        })
        .collect();
    let of = |masked: &str, group| {
        let mut links = links.iter();
        let found = links.find(|(to, link)| *to == masked && link.group == group);
        &found.unwrap().1
    };
    let (mia, tom) = (
        of("m***@example.com", MailGroup::Earnings),
        of("t***@example.com", MailGroup::Earnings),
    );
    let done = unsubscribe(&service, mia, "bff").await;
    assert_eq!(done, ["contact.unsubscribed.v1"]);
    let left = json!([["programme", "money", "security"], ["earnings"]]);
    assert_eq!(groups(&service, &partner).await, left);
    let again = unsubscribe(&service, mia, "bff").await;
    assert_eq!(again, ["contact_unchanged"], "there is nothing to end");

    // An address that is sent nothing any more is none of the list.
    let done = unsubscribe(&service, tom, "bff").await;
    assert_eq!(done, ["contact.unsubscribed.v1"]);
    let left = json!([["programme", "money", "security"]]);
    assert_eq!(groups(&service, &partner).await, left);
    let gone = unsubscribe(&service, tom, "bff").await;
    assert_eq!(gone, ["contact_unchanged"], "the address is gone");

    happen(&mut service, "2").await;
    let after = mailed(&service, mails.len() + 2).await;
    let new = after.iter().filter(|it| !mails.contains(it));
    let kinds: Vec<_> = new.map(|it| it["kind"].as_str().unwrap()).collect();
    assert!(!kinds.contains(&"commission.approved.v1"), "{kinds:?}");

    // The owner has it sent there again, and the old link still counts.
    put(&service, &partner, json!([{"address": "mia@example.com"}])).await;
    let done = unsubscribe(&service, mia, "bff").await;
    assert_eq!(done, ["contact.unsubscribed.v1"]);
    service
        .assert_state_is_the_fold_of_its_log(&Notify, &MIGRATIONS, &["contacts"])
        .await;
    service.stop().await;
}

/// The brand's edge had the secret of before when it was given this address.
pub(crate) async fn sealed_before(service: &mut TestService, address: &str) {
    let brand = "brand1".to_owned();
    let contact = ContactId::of_brand(&brand.parse().unwrap());
    let belongs_to = texts::of_mail_addresses(&contact);
    let mut sealed = texts::seal_each(&belongs_to, address);
    let address = WireContactAddress {
        sealed_address: STANDARD.encode(sealed.nth(1).unwrap()),
        language: MailLanguage::English.name().to_owned(),
        groups: MailGroup::ALL.map(|it| it.name().to_owned()).to_vec(),
    };
    let change = ChangeContactV1 {
        brand_id: Some(brand.clone()),
        partner_id: None,
        addresses: vec![address],
        numbers: None,
    };
    let contact = contact.as_str();
    let change = change.into();
    let mut message = testing::message(Topic::NotifyCommands, contact, contact, change, None);
    message.header.actor = Some(Actor {
        subject: brand.clone(),
        roles: vec!["brand".to_owned()],
        partner_id: None,
        brand_id: Some(brand),
    });
    service
        .deliver_all(Topic::NotifyCommands, vec![message])
        .await;
}

#[tokio::test]
async fn a_link_counts_when_its_address_was_given_again_while_the_lasting_secret_changed() {
    let mut service = app::start().await;
    sealed_before(&mut service, "mia@example.com").await;
    app::campaign(&mut service, "camp1", "brand1").await;
    let applied = EnrollmentAppliedV1 {
        partner_id: "partner1".parse().unwrap(),
        brand_id: "brand1".parse().unwrap(),
        terms_version: TermsVersion::new(1).unwrap(),
    };
    service
        .deliver(Topic::CampaignEvents, "camp1", "enr_1", applied.into())
        .await;
    let mail = mailed(&service, 1).await.remove(0);
    let link = Unsubscribe::read(&token_of(&mail).unwrap()).unwrap();
    let addresses = "SELECT addresses FROM contacts";
    let addresses = || async {
        let addresses = sqlx::query_scalar::<_, String>(addresses);
        addresses.fetch_one(service.pool()).await.unwrap()
    };
    let before = addresses().await;
    let brand = testing::brand("brand1");
    put(&service, &brand, json!([{"address": "mia@example.com"}])).await;
    assert_ne!(addresses().await, before, "it is sealed anew");
    let another = Unsubscribe {
        address: Uuid::nil(),
        ..link.clone()
    };
    let unknown = unsubscribe(&service, &another, "bff").await;
    assert_eq!(unknown, ["contact_unchanged"]);
    // By it operators see who has not given its addresses again.
    let given_at = || async {
        let shown = app::get(&service, CONTACTS, &testing::operator()).await;
        shown["items"][0]["changed_at"].clone()
    };
    let before = given_at().await;
    let done = unsubscribe(&service, &link, "bff").await;
    assert_eq!(done, ["contact.unsubscribed.v1"]);
    let left = json!([["earnings", "money", "security"]]);
    assert_eq!(groups(&service, &brand).await, left);
    assert_eq!(given_at().await, before);
    service
        .assert_state_is_the_fold_of_its_log(&Notify, &MIGRATIONS, &["contacts"])
        .await;
    service.stop().await;
}

#[tokio::test]
async fn mails_about_money_and_security_end_by_no_link_and_nobodys_by_a_producer() {
    let mut service = app::start().await;
    let partner = testing::partner("partner1");
    put(&service, &partner, json!([{"address": "mia@example.com"}])).await;
    happen(&mut service, "1").await;
    let mails = mailed(&service, 3).await;
    let token = mails.iter().find_map(token_of).unwrap();
    let own = Unsubscribe::read(&token).unwrap();
    for group in [MailGroup::Money, MailGroup::Security] {
        let link = Unsubscribe {
            group,
            ..own.clone()
        };
        let refused = unsubscribe(&service, &link, "bff").await;
        assert_eq!(refused, ["invalid_field"], "{group:?}");
    }
    let refused = unsubscribe(&service, &own, "shop").await;
    assert_eq!(refused, ["not_for_producers"]);
    let stranger = Unsubscribe {
        contact: ContactId::of_brand(&"brand1".parse().unwrap()),
        ..own.clone()
    };
    let refused = unsubscribe(&service, &stranger, "bff").await;
    assert_eq!(
        refused,
        ["contact_unchanged"],
        "another has no such address"
    );
    let all = json!([["programme", "earnings", "money", "security"]]);
    assert_eq!(groups(&service, &partner).await, all);
    service
        .deliver(
            Topic::CampaignEvents,
            "partner1",
            "partner1",
            PartnerErasedV1 {}.into(),
        )
        .await;
    let refused = unsubscribe(&service, &own, "bff").await;
    assert_eq!(refused, ["contact_unchanged"], "it was erased");
    service.stop().await;
}

#[tokio::test]
async fn a_mail_that_waits_is_not_sent_where_such_mails_were_ended_meanwhile() {
    let mut server = smtp::MailServer::start("none").await;
    server.says("data 451").await;
    let mut service = start_with(&server, "none").await;
    let partner = testing::partner("partner1");
    put(&service, &partner, json!([{"address": "mia@example.com"}])).await;
    happen(&mut service, "1").await;
    // Of each one: it may have been tried again meanwhile.
    let given = || {
        let mut given = server.given();
        given.sort_by_key(|mail| smtp::header(mail, "Message-ID"));
        given.dedup_by_key(|mail| smtp::header(mail, "Message-ID"));
        given
    };
    until("each was tried", || async { given().len() == 3 }).await;
    let given = given();
    let tokens = given.iter().filter_map(|mail| {
        let link = smtp::header(mail, "List-Unsubscribe");
        let token = link.split("/unsubscribe/").nth(1)?.split('?').next()?;
        Unsubscribe::read(token)
    });
    for link in tokens.collect::<Vec<_>>() {
        let done = unsubscribe(&service, &link, "bff").await;
        assert_eq!(done, ["contact.unsubscribed.v1"]);
    }
    server.says("take").await;
    service.advance_clock(3_600).await;
    let taken = server.taken(1).await;
    assert!(smtp::header(&taken[0], "Subject").contains("payout"));
    let failed = "SELECT count(*) FROM mails WHERE failure = 'no_address'";
    until("the others are given up", || async {
        let failed = sqlx::query_scalar(failed).fetch_one(service.pool());
        failed.await.is_ok_and(|count: i64| count == 2)
    })
    .await;
    assert_eq!(server.taken(1).await.len(), 1);
    service.stop().await;
}

#[tokio::test]
async fn a_mail_that_can_be_ended_says_so_in_its_headers_as_mailbox_providers_read_them() {
    let server = smtp::MailServer::start("none").await;
    let mut service = start_with(&server, "none").await;
    let partner = testing::partner("partner1");
    put(&service, &partner, json!([{"address": "mia@example.com"}])).await;
    happen(&mut service, "1").await;
    for mail in server.taken(3).await {
        let link = smtp::header(&mail, "List-Unsubscribe");
        let post = smtp::header(&mail, "List-Unsubscribe-Post");
        if smtp::header(&mail, "Subject").contains("payout") {
            assert_eq!((link.as_str(), post.as_str()), ("", ""));
            continue;
        }
        assert_eq!(post, "List-Unsubscribe=One-Click");
        let url = link.strip_prefix('<').and_then(|it| it.strip_suffix('>'));
        let url = url.unwrap_or_else(|| panic!("{link}"));
        let token = url.split("/unsubscribe/").nth(1).unwrap();
        let token = token.strip_suffix("?language=en").unwrap();
        assert!(Unsubscribe::read(token).is_some(), "{token}");
    }
    service.stop().await;
}
