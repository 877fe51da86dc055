//! Each kind of mail in each language, and what malformed values become in them.

use serde_json::{Value, json};

use super::*;

fn rendered(event: &str, language: MailLanguage, change: impl FnOnce(&mut Value)) -> Rendered {
    let kind = kind_of(event).unwrap();
    let mut sample = kind.sample().unwrap();
    change(&mut sample);
    render(kind, Channel::Mail, language, &sample).unwrap()
}

#[test]
fn each_kind_is_written_in_each_language_as_text_and_as_html_of_its_golden_sample() {
    for kind in KINDS {
        let sample = kind.sample();
        let sample = sample.unwrap_or_else(|| panic!("{}: nobody sees its sample", kind.event));
        let all = MailLanguage::ALL.map(|language| {
            let rendered = render(kind, Channel::Mail, language, &sample);
            let rendered = rendered.unwrap_or_else(|error| panic!("{}: {error:#}", kind.event));
            let Rendered {
                subject,
                text,
                html,
                ..
            } = &rendered;
            for part in [subject, text, html] {
                assert!(!part.trim().is_empty(), "{}: {rendered:?}", kind.event);
                assert!(!part.contains("{{") && !part.contains("{%"), "{part}");
            }
            assert!(html.starts_with("<!doctype html>") && html.contains("</html>"));
            assert!(!text.contains('<'), "{text}");
            rendered
        });
        let [english, german] = &all;
        assert_ne!(english.text, german.text, "{}", kind.event);
        assert!(german.html.contains("lang=\"de\""));
    }
}

#[test]
fn a_mail_says_what_happened_in_the_words_of_its_language() {
    let paid = |language| rendered("payout.paid.v1", language, |_| {});
    let english = paid(MailLanguage::English);
    assert_eq!(english.subject, "Your payout of 150.00 USD was paid");
    assert!(english.text.contains("reference of the payment: sim-1"));
    let german = paid(MailLanguage::German);
    assert_eq!(
        german.subject,
        "Ihre Auszahlung über 150,00 USD wurde bezahlt"
    );
    let rejected = rendered("enrollment.rejected.v1", MailLanguage::German, |_| {});
    assert!(rejected.text.contains("Grund: es fehlen Angaben."));
    let without = rendered("enrollment.rejected.v1", MailLanguage::English, |sample| {
        sample.as_object_mut().unwrap().remove("reason");
    });
    assert!(!without.text.contains("reason given"));
}

#[test]
fn whose_endpoint_an_operator_disabled_is_told_so_and_not_that_its_receiver_fails() {
    for (language, who) in [
        (MailLanguage::English, "An operator disabled it."),
        (MailLanguage::German, "Ein Betreiber hat ihn abgeschaltet."),
    ] {
        let disabled = |reason: &str| {
            rendered("webhook_endpoint.disabled.v1", language, |sample| {
                sample["reason"] = reason.into();
            })
        };
        let (operator, failing) = (disabled("owner"), disabled("failing"));
        for (text, of_failing) in [(operator.text, failing.text), (operator.html, failing.html)] {
            assert!(text.contains(who) && !text.contains("owner"), "{text}");
            assert!(!of_failing.contains(who), "{of_failing}");
        }
    }
}

#[test]
fn a_brand_is_mailed_which_steps_of_a_stopped_onboarding_could_not_be_taken_back() {
    for (language, all, but) in [
        (
            MailLanguage::English,
            "taken back.",
            "taken back, but for: crm contact (crm refused), group (group unknown).",
        ),
        (
            MailLanguage::German,
            "zurückgenommen.",
            "zurückgenommen, außer: Kontakt im CRM (das CRM lehnt den Kontakt ab), Gruppe (die Gruppe gibt es nicht).",
        ),
    ] {
        // One that was queued by a build before this one says nothing of it.
        for (kept, says) in [
            (Value::Null, all),
            (json!([]), all),
            (
                json!([{"step": "crm_contact", "reason": "crm_refused"}, {"step": "group", "reason": "group_unknown"}]),
                but,
            ),
        ] {
            let stopped = rendered("workflow.compensated.v1", language, |sample| {
                if !kept.is_null() {
                    sample["kept"] = kept;
                }
            });
            for text in [stopped.text, stopped.html] {
                assert!(text.contains(says), "{text}");
            }
        }
    }
}

#[test]
fn a_settled_claim_is_mailed_as_overtaken_by_a_report_or_by_another_claim() {
    for (language, ways) in [
        (MailLanguage::English, ["reported it", "another claim"]),
        (
            MailLanguage::German,
            ["sie gemeldet", "einen anderen Anspruch"],
        ),
    ] {
        let settled = rendered("claim.settled.v1", language, |_| {});
        for text in [settled.text, settled.html] {
            assert!(ways.iter().all(|way| text.contains(way)), "{text}");
        }
    }
}

#[test]
fn a_commission_on_hold_names_the_day_until_which_it_is() {
    let held = |language| rendered("commission.calculated.v1", language, |_| {});
    let english = held(MailLanguage::English);
    assert_eq!(english.subject, "150.00 USD on hold");
    assert!(english.text.contains("on hold until 2026-11-18:"));
    let german = held(MailLanguage::German);
    assert!(german.text.contains("bis 18.11.2026 vorgemerkt:"));
}

#[test]
fn a_statement_is_mailed_with_each_account_at_the_beginning_and_the_end_of_its_month() {
    let ready = |language| rendered("statement.issued.v1", language, |_| {});
    let english = ready(MailLanguage::English);
    assert_eq!(english.subject, "Your statement for 2026-11 is ready");
    let payable =
        "payable: 15.00 USD (at its beginning 25.00 USD, in 140.00 USD, out 150.00 USD)\n";
    assert!(english.text.contains(payable), "{}", english.text);
    assert!(english.html.contains("<td>paid out</td>"));
    let german = ready(MailLanguage::German);
    assert_eq!(german.subject, "Ihre Abrechnung für 11.2026 ist da");
    let payable =
        "auszahlbar: 15,00 USD (zu Beginn 25,00 USD, Eingang 140,00 USD, Ausgang 150,00 USD)\n";
    assert!(german.text.contains(payable), "{}", german.text);
}

#[test]
fn a_statement_of_very_many_accounts_is_a_mail_still() {
    let mail = rendered("statement.issued.v1", MailLanguage::English, |sample| {
        let line = sample["lines"][0].clone();
        sample["lines"] = vec![line; 1_000].into();
    });
    assert!(mail.text.len() < 10_000, "{}", mail.text.len());
    for part in [&mail.text, &mail.html] {
        assert!(part.contains("And 940 more."), "{part}");
    }
}

#[test]
fn a_brand_whose_funds_are_low_is_mailed_how_much_they_still_cover() {
    let low = |language| rendered("funds.low.v1", language, |_| {});
    let english = low(MailLanguage::English);
    assert_eq!(english.subject, "Your funds in USD are low");
    let covers = "still cover 432.10 USD of what your partners earn. That is less than 500.00 USD,";
    assert!(english.text.contains(covers), "{}", english.text);
    let german = low(MailLanguage::German);
    assert_eq!(german.subject, "Ihr Guthaben in USD geht zur Neige");
    let covers = "deckt noch 432,10 USD von dem, was Ihre Partner verdienen. Das ist weniger als 500,00 USD,";
    assert!(german.text.contains(covers), "{}", german.text);
    let kind = kind_of("funds.low.v1").unwrap();
    assert_eq!((kind.to, kind.group), (To::Brand, MailGroup::Money));
}

#[test]
fn a_malformed_name_begins_no_header_and_no_element() {
    let malformed = "Summer\r\nBcc: all@example.com\r\n\r\n<script>alert(1)</script>{{ 7 * 7 }}";
    let mail = rendered("enrollment.approved.v1", MailLanguage::English, |sample| {
        sample["campaign"] = malformed.into();
    });
    assert!(!mail.subject.contains(['\r', '\n']), "{:?}", mail.subject);
    assert!(mail.html.contains("&lt;script&gt;"), "{}", mail.html);
    assert!(!mail.html.contains("<script>"));
    assert!(mail.text.contains("{{ 7 * 7 }}"), "it is no template");

    let from = "Tributary <noreply@tributary.example>".parse().unwrap();
    let to = types::MailAddress::parse("mia@example.com").unwrap();
    let outgoing = Outgoing {
        id: "mail_1",
        from: &from,
        to: &to,
        rendered: &mail,
    };
    let written = String::from_utf8(message(&outgoing).unwrap().formatted()).unwrap();
    let head = written.split("\r\n\r\n").next().unwrap();
    let names = head
        .split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']));
    let names: Vec<_> = names.filter_map(|line| line.split(':').next()).collect();
    assert!(!names.contains(&"Bcc"), "{head}");
    assert_eq!(names.iter().filter(|name| **name == "To").count(), 1);
    assert!(
        head.contains("Message-ID: <mail_1@tributary.example>"),
        "{head}"
    );
    assert!(head.contains("Auto-Submitted: auto-generated"), "{head}");
}

#[test]
fn the_link_that_ends_mails_stands_in_head_text_and_html_where_there_is_one() {
    let url = "https://api.example.com/unsubscribe/ctc_1.2.earnings.3?language=de";
    let head = |mail: &Rendered| {
        let outgoing = Outgoing {
            id: "mail_1",
            from: &"Tributary <noreply@tributary.example>".parse().unwrap(),
            to: &types::MailAddress::parse("mia@example.com").unwrap(),
            rendered: mail,
        };
        let written = String::from_utf8(message(&outgoing).unwrap().formatted()).unwrap();
        let head = written.split("\r\n\r\n").next().unwrap();
        head.replace("\r\n ", " ")
    };
    for language in MailLanguage::ALL {
        let with = rendered("commission.approved.v1", language, |sample| {
            sample["unsubscribe"] = url.into();
        });
        assert!(with.text.contains(&format!(": {url}\n")), "{}", with.text);
        assert!(with.html.contains("<a href=\"https:&#x2f;&#x2f;api.example.com&#x2f;unsubscribe&#x2f;ctc_1.2.earnings.3?language=de\">"), "{}", with.html);
        let head_of_it = head(&with);
        for line in [
            &format!("List-Unsubscribe: <{url}>\r\n"),
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
        ] {
            assert!(head_of_it.contains(line), "{head_of_it}");
        }
        let without = rendered("commission.approved.v1", language, |_| {});
        assert!(!head(&without).contains("List-Unsubscribe"));
        for part in [&without.text, &without.html] {
            assert!(!part.contains("unsubscribe"), "{part}");
        }
    }
}

#[test]
fn a_mail_names_only_what_its_reader_may_see() {
    let sample = kind_of("payout.requested.v1").unwrap().sample().unwrap();
    assert_eq!(sample["masked"].as_str().map(str::is_empty), Some(false));
    for kind in KINDS {
        let shown = kind.sample().unwrap().to_string();
        for hidden in ["sealed_", "visitor", "user_id", "key_id"] {
            assert!(!shown.contains(hidden), "{}: {shown}", kind.event);
        }
    }
    assert_eq!(
        data(json!({}), "camp1", None),
        json!({"about": "camp1"}),
        "nothing is added but what is said"
    );
}

#[test]
fn a_text_fits_one_message_whatever_its_values_are_and_is_of_letters_that_each_phone_has() {
    // GSM 03.38 without its extension, whose signs count twice.
    const GSM_7: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
    let texted = KINDS
        .iter()
        .filter(|it| it.channels().contains(&Channel::Text));
    let mut count = 0;
    for kind in texted {
        assert!(kind.group.is_texted(), "{}", kind.event);
        for language in MailLanguage::ALL {
            let mut longest = kind.sample().unwrap();
            longest["about"] = "a".repeat(64).into();
            if let Some(amount) = longest.get_mut("amount") {
                amount["minor"] = i64::MIN.into();
            }
            let text = render(kind, Channel::Text, language, &longest)
                .unwrap()
                .text;
            assert!(text.chars().all(|it| GSM_7.contains(it)), "{text}");
            assert!(text.contains(&"a".repeat(64)), "nothing is cut off: {text}");
            let end = text.chars().last();
            assert!(end == Some('.') || end == Some('a'), "{text}");
            let malformed = json!("a\r\nb".repeat(100));
            longest["about"] = malformed;
            let text = render(kind, Channel::Text, language, &longest)
                .unwrap()
                .text;
            assert!(text.chars().count() <= 160, "{text}");
            assert!(!text.contains(['\r', '\n']));
            count += 1;
        }
    }
    assert_eq!(count, 4);
}
