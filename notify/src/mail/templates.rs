//! Templates: Jinja's, in the binary, of text and of HTML in which every value is escaped.

use std::sync::LazyLock;

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, UndefinedBehavior, Value};
use types::{Channel, Currency, MailLanguage, Micros, Money};

use super::{FILES, Kind, TEXTS, UNSUBSCRIBE};

/// What rendering one may cost: far more than ours do.
pub(super) const FUEL: u64 = 50_000;
/// The longest subject, in characters.
const MAX_SUBJECT: usize = 150;
const LAYOUT: &str = include_str!("../../templates/layout.html");
/// What stands around a brand's own text.
const OWN_TEXT: &str = include_str!("../../templates/own.txt");
const OWN_HTML: &str = include_str!("../../templates/own.html");
/// What each mail ends with, as text; that of HTML is the layout's.
const FEET: [(&str, &str); 2] = [
    ("en/foot.txt", include_str!("../../templates/en/foot.txt")),
    ("de/foot.txt", include_str!("../../templates/de/foot.txt")),
];

/// The longest text, in characters: what fits one message of GSM 03.38, as ours do.
const MAX_TEXT: usize = 160;

/// How the name of a text's template ends.
const TEXT: &str = "sms.txt";

/// A mail or a text as it is sent; a text has neither a subject nor HTML.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rendered {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
    /// The link by which its reader ends such mails.
    pub(crate) unsubscribe: Option<String>,
}

static TEMPLATES: LazyLock<Result<Environment<'static>, Error>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(|name| match name.rsplit_once('.') {
        Some((_, "subject" | "txt")) => AutoEscape::None,
        _ => AutoEscape::Html,
    });
    environment.add_filter("money", money);
    environment.add_filter("words", words);
    environment.add_filter("day", day);
    environment.add_filter("month", month);
    environment.add_template("layout.html", LAYOUT)?;
    environment.add_template("own.txt", OWN_TEXT)?;
    environment.add_template("own.html", OWN_HTML)?;
    for (name, foot) in FEET {
        environment.add_template(name, foot)?;
    }
    for (language, name, text, html) in FILES {
        let language = language.name();
        let (subject, text) = text.split_once("\n\n").unwrap_or((text, ""));
        environment.add_template_owned(format!("{language}/{name}.subject"), subject)?;
        environment.add_template_owned(format!("{language}/{name}.txt"), text)?;
        environment.add_template_owned(format!("{language}/{name}.html"), *html)?;
    }
    for (language, name, text) in TEXTS {
        environment.add_template_owned(format!("{}/{name}.{TEXT}", language.name()), *text)?;
    }
    Ok(environment)
});

/// What goes by a channel of a kind in a language, made of this. A text is one line, that fits one message.
///
/// # Errors
/// There is no such template, or it cannot be made of this.
pub(crate) fn render(
    kind: &Kind,
    channel: Channel,
    language: MailLanguage,
    data: &serde_json::Value,
) -> Result<Rendered, Error> {
    let environment = environment()?;
    let context = minijinja::context! { language => language.name(), ..Serde(data) };
    let part = |end: &str| {
        let name = format!("{}/{}.{end}", language.name(), kind.template);
        environment.get_template(&name)?.render(&context)
    };
    Ok(match channel {
        Channel::Mail => Rendered {
            subject: line(&part("subject")?, MAX_SUBJECT),
            text: part("txt")?,
            html: part("html")?,
            unsubscribe: data[UNSUBSCRIBE].as_str().map(ToOwned::to_owned),
        },
        Channel::Text => Rendered {
            text: line(&part(TEXT)?, MAX_TEXT),
            ..Rendered::default()
        },
    })
}

fn environment() -> Result<&'static Environment<'static>, Error> {
    TEMPLATES
        .as_ref()
        .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
}

/// A mail around a brand's own text, as text and as HTML: with the layout and the foot that each has.
///
/// # Errors
/// There is no layout.
pub(super) fn around(
    language: MailLanguage,
    subject: String,
    (text, html): (&str, &str),
    unsubscribe: Option<&str>,
) -> Result<Rendered, Error> {
    let part = |name: &str, body: Value| {
        let context = minijinja::context! { language => language.name(), unsubscribe, body };
        environment()?.get_template(name)?.render(context)
    };
    Ok(Rendered {
        subject,
        text: part("own.txt", text.into())?,
        html: part("own.html", Value::from_safe_string(html.to_owned()))?,
        unsubscribe: unsubscribe.map(ToOwned::to_owned),
    })
}

/// One line of so many characters at most, whatever was put into it: nothing in it can begin another header.
pub(super) fn line(text: &str, most: usize) -> String {
    let spaced = text.replace(
        |it: char| it.is_control() || matches!(it, '\u{2028}' | '\u{2029}'),
        " ",
    );
    let words: Vec<&str> = spaced.split_whitespace().collect();
    words.join(" ").chars().take(most).collect()
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "a filter is given its values"
)]
fn money(state: &State, amount: Value) -> Result<String, Error> {
    let wrong = || Error::new(ErrorKind::InvalidOperation, "no amount");
    let minor = amount.get_attr("minor")?;
    let minor = i64::try_from(minor).map_err(|_| wrong())?;
    let currency = amount.get_attr("currency")?;
    let currency = currency.as_str().ok_or_else(wrong)?;
    written_amount(language(state), minor, currency).ok_or_else(wrong)
}

fn day(state: &State, micros: i64) -> String {
    written_day(language(state), micros)
}

/// A month, as `2026-11` or `11.2026`.
fn month(state: &State, month: &str) -> String {
    written_date(language(state), month)
}

fn words(state: &State, code: &str) -> String {
    written_code(language(state), code)
}

fn language(state: &State) -> MailLanguage {
    let language = state.lookup("language");
    let language = language.and_then(|it| MailLanguage::parse(it.as_str()?));
    language.unwrap_or(MailLanguage::English)
}

/// An amount as `150.00 USD`; `None` where the currency is none.
pub(super) fn written_amount(language: MailLanguage, minor: i64, currency: &str) -> Option<String> {
    let currency = Currency::parse(currency).ok()?;
    let mut number = Money::new(minor, currency).to_string();
    if language == MailLanguage::German {
        number = number.replace('.', ",");
    }
    Some(format!("{number} {}", currency.code()))
}

/// The day of a time in UTC, as `2026-11-25` or `25.11.2026`.
pub(super) fn written_day(language: MailLanguage, micros: i64) -> String {
    let time = chassis::time::to_rfc3339(Micros(micros));
    written_date(language, time.split('T').next().unwrap_or(&time))
}

/// A day or a month of ISO 8601 as the language writes it.
fn written_date(language: MailLanguage, date: &str) -> String {
    if language == MailLanguage::German {
        let parts: Vec<&str> = date.rsplit('-').collect();
        return parts.join(".");
    }
    date.to_owned()
}

/// A code as words: `needs_more_detail` as `needs more detail`.
pub(super) fn written_code(language: MailLanguage, code: &str) -> String {
    let german = (language == MailLanguage::German).then(|| german(code));
    german
        .flatten()
        .map_or_else(|| code.replace('_', " "), ToOwned::to_owned)
}

/// Reasons, accounts and steps, from closed lists.
fn german(code: &str) -> Option<&'static str> {
    Some(match code {
        "needs_more_detail" => "es fehlen Angaben",
        "does_not_meet_requirements" => "die Anforderungen sind nicht erfüllt",
        "not_the_right_fit" => "es passt nicht zur Kampagne",
        "terms_violated" => "Verstoß gegen die Bedingungen",
        "other" => "anderes",
        "order_unknown" => "die Bestellung ist unbekannt",
        "order_cancelled" => "die Bestellung wurde storniert",
        "amount_differs" => "der Betrag ist ein anderer",
        "not_eligible" => "die Bedingungen zahlen nicht dafür",
        "gone" => "der Empfänger will nichts mehr",
        "failing" => "Nachrichten wurden nicht angenommen",
        "cancelled" => "angehalten",
        "duplicate" => "eine andere Bewerbung des Partners läuft schon",
        "country_unknown" => "das Land des Partners ist unbekannt",
        "country_not_allowed" => "das Land des Partners ist nicht vorgesehen",
        "group_unknown" => "die Gruppe gibt es nicht",
        "group_archived" => "die Gruppe ist archiviert",
        "partner_banned" => "der Partner ist gesperrt",
        "campaign_closed" => "die Kampagne ist beendet",
        "application_ended" => "die Bewerbung besteht nicht mehr",
        "crm_refused" => "das CRM lehnt den Kontakt ab",
        "crm_unreachable" => "das CRM war tagelang nicht erreichbar",
        "partner_erased" => "der Partner wurde gelöscht",
        "refused" => "ein anderer Dienst lehnt es ab",
        "left_out" => "ausgelassen",
        "not_configured" => "es ist kein CRM eingerichtet",
        "group" => "Gruppe",
        "crm_contact" => "Kontakt im CRM",
        "queue_full" => "zu viele Nachrichten warteten",
        "pending" => "vorgemerkt",
        "payable" => "auszahlbar",
        "in_transit" => "unterwegs",
        "paid_out" => "ausgezahlt",
        "suspense" => "in Klärung",
        "unfunded" => "wartet auf Guthaben",
        _ => return None,
    })
}
