//! Brands' own texts: what comes of them, and what is refused.

use serde_json::json;

use super::super::KINDS;
use super::*;

fn draft(text: &str) -> Draft {
    Draft {
        subject: "Welcome to {{ campaign }}".to_owned(),
        text: text.to_owned(),
    }
}

fn kind(event: &str) -> &'static Kind {
    super::super::kind_of(event).unwrap()
}

fn brand() -> BrandId {
    BrandId::parse("brand1").unwrap()
}

fn preview_of(draft: &Draft, event: &str) -> Result<Rendered, InvalidDraft> {
    let sample = kind(event).sample().unwrap();
    draft.preview(kind(event), MailLanguage::English, &brand(), &sample)
}

fn refused(text: &str) -> String {
    let invalid = preview_of(&draft(text), "enrollment.rejected.v1").unwrap_err();
    assert_eq!(invalid.pointer, "/text", "{text:.80}");
    invalid.detail
}

#[test]
fn ours_written_as_a_brand_would_says_the_same_with_all_values_and_with_few() {
    let mut count = 0;
    for kind in KINDS.iter().filter(|it| it.variables().is_some()) {
        for language in MailLanguage::ALL {
            let ours = kind.ours(language).unwrap();
            let sample = kind.sample().unwrap();
            let previewed = ours.preview(kind, language, &brand(), &sample);
            previewed.unwrap_or_else(|invalid| panic!("{}: {invalid:?}", kind.event));
            let mut few = sample.clone();
            for optional in ["reason", "worsens"] {
                few.as_object_mut().unwrap().remove(optional);
            }
            let mut welcome = sample.clone();
            welcome["link"] = "https://example.com/c/1".into();
            welcome["manager"] = "Mia".into();
            for mut data in [sample, few, welcome] {
                data["brand_id"] = "brand1".into();
                let parties = ("brand1", "partner123");
                let own = ours.render(kind, language, parties, &data).unwrap();
                let all = templates::render(kind, types::Channel::Mail, language, &data).unwrap();
                assert_eq!(own.subject, all.subject, "{}", kind.event);
                let expected = paragraphs(&all.text);
                assert_eq!(paragraphs(&own.text), expected, "{}", kind.event);
                count += 1;
            }
        }
    }
    assert_eq!(count, 10 * 2 * 3);
}

#[test]
fn brands_write_mails_to_partners_about_their_programme_and_no_others() {
    let own = KINDS.iter().filter(|it| it.variables().is_some());
    let own: Vec<&str> = own.map(|it| it.event).collect();
    assert_eq!(own.len(), OWN.len(), "each template is one of a kind");
    for others in [
        "payout.paid.v1",
        "enrollment.applied.v1",
        "funds.low.v1",
        "funds.exhausted.v1",
        "webhook_endpoint.disabled.v1",
    ] {
        assert!(!own.contains(&others), "{others}");
    }
}

#[test]
fn a_text_becomes_paragraphs_in_our_layout_with_our_foot_and_links_that_can_be_followed() {
    let text = "Hello {{ partner_id }},\r\nwelcome!\n\n \n\nSee https://brand.example/start. {% if link %}Yours: {{ link }}{% endif %}";
    let kind = kind("workflow.completed.v1");
    let mut data = kind.sample().unwrap();
    data["unsubscribe"] = "https://api.example.com/unsubscribe/1".into();
    let parties = ("brand9", "partner7");
    let mail = draft(text).render(kind, MailLanguage::English, parties, &data);
    let mail = mail.unwrap();
    assert_eq!(mail.subject, "Welcome to Summer");
    let (body, foot) = mail.text.split_once("\n\n-- \n").unwrap();
    assert_eq!(
        body,
        "Hello partner7,\nwelcome!\n\nSee https://brand.example/start."
    );
    assert!(foot.contains("No more mails of this sort: https://api.example.com/unsubscribe/1"));
    for part in [
        "<p>Hello partner7,<br>\nwelcome!</p>",
        "<p>See <a href=\"https:&#x2f;&#x2f;brand.example&#x2f;start\">https:&#x2f;&#x2f;brand.example&#x2f;start</a>.</p>",
        "No more mails of this sort</a>",
    ] {
        assert!(mail.html.contains(part), "{part}: {}", mail.html);
    }
    assert!(mail.html.starts_with("<!doctype html>"));
    let url = mail.unsubscribe.as_deref();
    assert_eq!(url, Some("https://api.example.com/unsubscribe/1"));
}

#[test]
fn nothing_in_a_text_or_a_value_is_html_begins_a_header_or_is_read_as_a_template() {
    let mut data = kind("enrollment.approved.v1").sample().unwrap();
    data["campaign"] = "A\r\nBcc: all@example.com\u{2028}<b>{{ 7 * 7 }}{% if x %}".into();
    let text = "<script>alert(1)</script> {{ campaign }} \"quoted\" https://a@evil.example https://x\"onclick=1";
    let parties = ("brand1", "partner1");
    let kind = kind("enrollment.approved.v1");
    let mail = draft(text).render(kind, MailLanguage::English, parties, &data);
    let mail = mail.unwrap();
    assert!(!mail.subject.contains(['\r', '\n', '\u{2028}']));
    assert!(mail.text.contains("{{ 7 * 7 }}{% if x %}"));
    for hidden in [
        "<script",
        "<b>",
        "\"onclick",
        "\"quoted\"",
        "href=\"https:&#x2f;&#x2f;a@",
    ] {
        assert!(!mail.html.contains(hidden), "{hidden}: {}", mail.html);
    }
    assert!(mail.html.contains("&lt;script&gt;"));
}

#[test]
fn what_is_more_than_names_and_conditions_is_refused_with_its_line_and_what_is_known() {
    for (text, expected) in [
        (
            "Hi\n{% for it in campaign %}a{% endfor %}",
            "line 2: between {% and %} stands one of",
        ),
        (
            "{% set x = 1 %}a",
            "line 1: between {% and %} stands one of",
        ),
        (
            "{% include \"en/foot.txt\" %}a",
            "line 1: between {% and %} stands one of",
        ),
        (
            "{% extends \"layout.html\" %}a",
            "line 1: between {% and %}",
        ),
        ("{% import \"a\" as b %}a", "line 1: between {% and %}"),
        (
            "{% macro a() %}{% endmacro %}a",
            "line 1: between {% and %}",
        ),
        ("{% block a %}{% endblock %}a", "line 1: between {% and %}"),
        ("{% raw %}{{ a }}{% endraw %}a", "line 1: between {% and %}"),
        (
            "{% filter upper %}a{% endfilter %}",
            "line 1: between {% and %}",
        ),
        (
            "{% if campaign == \"a\" %}a{% endif %}",
            "line 1: between {% and %}",
        ),
        (
            "{%- if campaign %}a{% endif %}",
            "line 1: between {% and %}",
        ),
        (
            "a\n\nb {{ campaign | upper }}",
            "line 3: between {{ and }} one variable stands",
        ),
        ("{{ \"a\" * 1000000000 }}", "line 1: between {{ and }}"),
        (
            "{{ range(1000000000) }}a",
            "line 1: there is no variable \"range(1000000000)\"",
        ),
        (
            "{{ campaign.__class__ }}a",
            "line 1: there is no variable \"campaign.__class__\"",
        ),
        (
            "{{ self }}a",
            "line 1: there is no variable \"self\" here: there are brand_id, partner_id, campaign, reason",
        ),
        ("{{ manager }}a", "line 1: there is no variable \"manager\""),
        (
            "{% if true %}a{% endif %}a",
            "line 1: there is no variable \"true\"",
        ),
        ("{{{ campaign }}}a", "line 1: between {{ and }}"),
        ("{{ }}a", "line 1: between {{ and }}"),
        ("a\n{{ campaign", "line 2: there is no }} that ends it"),
        ("a{# {{ campaign }} #}", "line 1: {# begins a comment"),
        ("a {% if reason %}b", "line 1: "),
        ("a\n{% endif %}", "line 2: "),
        ("a\n{% else %}", "line 2: "),
        (
            "a\nhttp://brand.example",
            "line 2: a link begins with https://",
        ),
        ("see javascript://x", "line 1: a link begins with https://"),
        (
            "{% if reason %}a{% endif %}",
            "must say something of its own",
        ),
        ("{{ campaign }}", "must say something of its own"),
        ("  \n ", "must be 1 to 4096 bytes"),
        ("a\u{0}", "must not hold control characters"),
    ] {
        let detail = refused(text);
        assert!(detail.starts_with(expected), "{text:?}: {detail}");
    }
    let long_name = format!("{{{{ {} }}}}a", "b".repeat(3_000));
    assert!(refused(&long_name).len() < 200, "no more is repeated");
}

#[test]
fn a_subject_is_one_line_of_200_characters() {
    for subject in [
        "a\nBcc: all@example.com".to_owned(),
        "a\r\nb".to_owned(),
        "a\u{2028}b".to_owned(),
        " ".to_owned(),
        "a".repeat(201),
        "{{ nobody }} a".to_owned(),
    ] {
        let draft = Draft {
            subject,
            text: "Hello.".to_owned(),
        };
        let invalid = preview_of(&draft, "enrollment.approved.v1").unwrap_err();
        assert_eq!(invalid.pointer, "/subject", "{draft:?}");
    }
    let draft = Draft {
        subject: "ü".repeat(200),
        text: "Hello.".to_owned(),
    };
    let mail = preview_of(&draft, "enrollment.approved.v1").unwrap();
    assert_eq!(mail.subject.chars().count(), 200);
}

#[test]
fn a_text_that_would_become_too_long_or_too_deep_is_refused_and_the_longest_that_is_not_can_be_sent()
 {
    let many = format!("a{}", "{{campaign}}".repeat(60));
    let detail = refused(&many);
    assert!(
        detail.contains("18001 characters, and 16384 are the most"),
        "{detail}"
    );
    let deep = format!("a{}", "{%if reason%}".repeat(300));
    assert!(refused(&deep).starts_with("line 1: "));
    let unbalanced = "{{".repeat(2_048);
    assert!(refused(&unbalanced).starts_with("line 1: "));

    let most = format!("a{}{}", "{{campaign}}".repeat(40), "<\n".repeat(1_700));
    let kind = kind("enrollment.rejected.v1");
    let most = draft(&most);
    preview_of(&most, "enrollment.rejected.v1").unwrap();
    let conditions = "{%if reason%}{%else%}{%endif%}".repeat(136);
    let busiest = draft(&format!("a{conditions}"));
    preview_of(&busiest, "enrollment.rejected.v1").unwrap();
    let mut data = kind.sample().unwrap();
    data["campaign"] = "<".repeat(100_000).into();
    for draft in [most, busiest] {
        let parties = ("brand1", "partner1");
        let mail = draft.render(kind, MailLanguage::German, parties, &data);
        let mail = mail.unwrap();
        assert!(mail.text.chars().count() < 20_000, "values are cut off");
        assert!(mail.html.len() < 140_000, "{}", mail.html.len());
    }
}

#[test]
fn values_that_are_missing_or_of_another_type_stand_for_nothing_and_stop_no_mail() {
    let text = "a{{ amount }}{{ hold_until }}{{ about }}{% if not amount %}none{% endif %}";
    let kind = kind("commission.calculated.v1");
    let parties = ("brand1", "partner1");
    for data in [
        json!({}),
        json!(null),
        json!({"amount": "a", "hold_until": {}, "about": []}),
        json!({"amount": {"minor": 1, "currency": "none"}}),
    ] {
        let own = Draft {
            subject: "b{{ amount }}".to_owned(),
            text: text.to_owned(),
        };
        let mail = own.render(kind, MailLanguage::English, parties, &data);
        let mail = mail.unwrap();
        assert_eq!(mail.subject, "b");
        assert!(mail.text.starts_with("anone\n"), "{}", mail.text);
    }
}
