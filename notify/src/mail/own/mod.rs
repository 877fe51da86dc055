//! Brands' own texts of mails to partners.
//!
//! What may stand in them is checked before anything of Jinja's sees them: `{{ name }}` with a name of the kind's closed list, `{% if name %}`,
//! `{% if not name %}`, `{% else %}` and `{% endif %}`. So there are no loops, filters, expressions, other templates or comments, the work is
//! bounded by the length, and how long a mail can become is known beforehand.

mod check;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use minijinja::{Environment, Error, HtmlEscape};
use sealing::texts;
use serde_json::Value;
use types::{
    BrandId, MAX_MAIL_SUBJECT, MailLanguage, MailTemplateId, check_mail_subject, check_mail_text,
};

use super::templates::{self, FUEL, Rendered, line};
use super::{FILES, Kind, UNSUBSCRIBE};
use crate::domain::MailTemplate;
use check::check;

/// The longest value of a variable, in characters: what is longer is cut off.
const MAX_VALUE: usize = 300;

/// How a value is written.
#[derive(Debug, Clone, Copy)]
enum Form {
    AsItIs,
    Amount,
    Day,
    Words,
    /// A word for yes, or nothing.
    Whether,
}

/// What may stand in a text of a kind.
#[derive(Debug)]
pub(crate) struct Variable {
    pub(crate) name: &'static str,
    /// Where it stands in what the mail is made of.
    pointer: &'static str,
    form: Form,
    /// What is shown where the kind's sample has nothing there.
    sample: &'static str,
}

const fn variable(name: &'static str, pointer: &'static str, form: Form) -> Variable {
    Variable {
        name,
        pointer,
        form,
        sample: "",
    }
}

const BRAND: Variable = variable("brand_id", "/brand_id", Form::AsItIs);
const PARTNER: Variable = variable("partner_id", "/partner_id", Form::AsItIs);
const CAMPAIGN: Variable = variable("campaign", "/campaign", Form::AsItIs);
const ABOUT: Variable = variable("about", "/about", Form::AsItIs);
const REASON: Variable = variable("reason", "/reason", Form::Words);
const AMOUNT: Variable = variable("amount", "/amount", Form::Amount);

/// Which kinds brands may write, by the name of the template: mails to partners that are about one brand's programme. With what may stand in
/// them.
const OWN: &[(&str, &[Variable])] = &[
    ("application_approved", &[BRAND, PARTNER, CAMPAIGN]),
    ("application_rejected", &[BRAND, PARTNER, CAMPAIGN, REASON]),
    ("invited", &[BRAND, PARTNER, CAMPAIGN]),
    (
        "terms_changed",
        &[
            BRAND,
            PARTNER,
            CAMPAIGN,
            ABOUT,
            variable("version", "/version", Form::AsItIs),
            variable("effective_at", "/effective_at", Form::Day),
            variable("worsens", "/worsens", Form::Whether),
        ],
    ),
    ("claim_accepted", &[BRAND, PARTNER, ABOUT]),
    ("claim_declined", &[BRAND, PARTNER, ABOUT, REASON]),
    (
        "claim_settled",
        &[
            BRAND,
            PARTNER,
            CAMPAIGN,
            variable("order_id", "/sale/order_id", Form::AsItIs),
            variable("amount", "/sale/amount", Form::Amount),
        ],
    ),
    (
        "commission_held",
        &[
            BRAND,
            PARTNER,
            ABOUT,
            AMOUNT,
            variable("hold_until", "/hold_until", Form::Day),
        ],
    ),
    ("commission_approved", &[BRAND, PARTNER, ABOUT, AMOUNT]),
    (
        "welcome",
        &[
            BRAND,
            PARTNER,
            CAMPAIGN,
            Variable {
                sample: "https://example.com/c/lnk_sample",
                ..variable("link", "/link", Form::AsItIs)
            },
            Variable {
                sample: "Mia Meier",
                ..variable("manager", "/manager", Form::AsItIs)
            },
        ],
    ),
];

/// Jinja with nothing in it: no filters, tests, functions or other templates.
static EMPTY: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::empty();
    environment.set_fuel(Some(FUEL));
    environment
});

/// A subject and a text as they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) subject: String,
    pub(crate) text: String,
}

/// Why no mail can be made of a draft.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InvalidDraft {
    /// Which part, as a JSON pointer.
    pub(crate) pointer: &'static str,
    pub(crate) detail: String,
}

impl Kind {
    /// What may stand in a brand's own text of it; `None`: brands write none.
    pub(crate) fn variables(&self) -> Option<&'static [Variable]> {
        let found = OWN.iter().find(|(template, _)| *template == self.template);
        found.map(|(_, variables)| *variables)
    }

    /// What it says in a language, as a brand would write it.
    pub(crate) fn ours(&self, language: MailLanguage) -> Option<Draft> {
        let (.., text, _) = FILES
            .iter()
            .find(|(of, name, ..)| *of == language && *name == self.template)?;
        let (subject, text) = text.split_once("\n\n")?;
        let foot = format!("{{% include \"{}/foot.txt\" %}}", language.name());
        let plain = |text: &str| {
            // Values of a brand's texts are written out already, and empty lines count for nothing.
            let all = ["| money ", "| day ", "| words ", "sale.", foot.as_str()];
            let plain = all
                .iter()
                .fold(text.to_owned(), |it, part| it.replace(part, ""));
            let plain = plain.replace("{%-", "{%").replace("-%}", "%}");
            plain.trim().to_owned()
        };
        Some(Draft {
            subject: plain(subject),
            text: plain(text),
        })
    }
}

impl Draft {
    /// What a brand has of its own, opened; `None`: ours is used, or it cannot be opened.
    pub(crate) fn open(template: &MailTemplate) -> Option<Self> {
        let now = &template.now;
        let sealed = (now.sealed_subject.as_deref(), now.sealed_text.as_deref());
        Self::open_parts(&template.id, sealed)
    }

    /// The same of what is sealed for a template.
    pub(crate) fn open_parts(
        template: &MailTemplateId,
        (subject, text): (Option<&[u8]>, Option<&[u8]>),
    ) -> Option<Self> {
        Some(Self {
            subject: texts::open(&texts::of_mail_subjects(template), subject?)?,
            text: texts::open(&texts::of_mail_texts(template), text?)?,
        })
    }

    /// What comes of it with the kind's sample, of a brand.
    ///
    /// # Errors
    /// Which part no mail can be made of, where, and what may stand there.
    pub(crate) fn preview(
        &self,
        kind: &Kind,
        language: MailLanguage,
        brand: &BrandId,
        sample: &Value,
    ) -> Result<Rendered, InvalidDraft> {
        let variables = kind.variables().unwrap_or_default();
        let invalid = |pointer| move |detail| InvalidDraft { pointer, detail };
        let by_type = |invalid: types::Invalid| invalid.to_string();
        check_mail_subject(&self.subject)
            .map_err(by_type)
            .and_then(|()| check(&self.subject, variables))
            .map_err(invalid("/subject"))?;
        check_mail_text(&self.text)
            .map_err(by_type)
            .and_then(|()| check(&self.text, variables))
            .map_err(invalid("/text"))?;
        let values = sample_values(variables, language, brand, sample);
        let rendered = self.with_values(language, &values, sample);
        // What was checked can be rendered: this is the proof.
        rendered.map_err(|error| invalid("/text")(error.to_string()))
    }

    /// What is sent of it.
    ///
    /// # Errors
    /// It is none that [`Self::preview`] found fit, or says nothing.
    pub(crate) fn render(
        &self,
        kind: &Kind,
        language: MailLanguage,
        (brand, partner): (&str, &str),
        data: &Value,
    ) -> Result<Rendered, Error> {
        let variables = kind.variables().unwrap_or_default();
        let mut values = values(variables, language, data);
        values.insert(BRAND.name, brand.to_owned());
        values.insert(PARTNER.name, partner.to_owned());
        self.with_values(language, &values, data)
    }

    fn with_values(
        &self,
        language: MailLanguage,
        values: &BTreeMap<&str, String>,
        data: &Value,
    ) -> Result<Rendered, Error> {
        let part = |source| EMPTY.render_str(source, values);
        let subject = line(&part(&self.subject)?, MAX_MAIL_SUBJECT);
        let paragraphs = paragraphs(&part(&self.text)?);
        if subject.is_empty() || paragraphs.is_empty() {
            let detail = "there is nothing left of it";
            return Err(Error::new(minijinja::ErrorKind::InvalidOperation, detail));
        }
        let unsubscribe = data[UNSUBSCRIBE].as_str();
        templates::around(
            language,
            subject,
            (&paragraphs.join("\n\n"), &html(&paragraphs)),
            unsubscribe,
        )
    }
}

/// What each variable stands for: all of them, so that none is unknown to a text.
fn values(
    variables: &[Variable],
    language: MailLanguage,
    data: &Value,
) -> BTreeMap<&'static str, String> {
    let all = variables.iter().map(|variable| {
        let value = data.pointer(variable.pointer);
        let written = value.and_then(|value| written(variable.form, language, value));
        (variable.name, line(&written.unwrap_or_default(), MAX_VALUE))
    });
    all.collect()
}

/// The same of a sample, where none is empty.
pub(crate) fn sample_values(
    variables: &[Variable],
    language: MailLanguage,
    brand: &BrandId,
    sample: &Value,
) -> BTreeMap<&'static str, String> {
    let mut values = values(variables, language, sample);
    values.insert(BRAND.name, brand.to_string());
    values.insert(PARTNER.name, "partner123".to_owned());
    for variable in variables.iter().filter(|it| !it.sample.is_empty()) {
        values.insert(variable.name, variable.sample.to_owned());
    }
    values
}

fn written(form: Form, language: MailLanguage, value: &Value) -> Option<String> {
    let code = || value.as_str();
    Some(match form {
        Form::AsItIs => match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        },
        Form::Amount => {
            let currency = value["currency"].as_str()?;
            templates::written_amount(language, value["minor"].as_i64()?, currency)?
        }
        Form::Day => templates::written_day(language, value.as_i64()?),
        Form::Words => templates::written_code(language, code()?),
        Form::Whether => match language {
            _ if value != &Value::Bool(true) => return None,
            MailLanguage::English => "yes".to_owned(),
            MailLanguage::German => "ja".to_owned(),
        },
    })
}

/// The paragraphs of a text: what empty lines stand between.
fn paragraphs(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut is_new = true;
    for line in text.lines().map(str::trim) {
        match all.last_mut() {
            _ if line.is_empty() => is_new = true,
            Some(last) if !is_new => {
                last.push('\n');
                last.push_str(line);
            }
            _ => {
                all.push(line.to_owned());
                is_new = false;
            }
        }
    }
    all
}

/// The same as HTML, in which everything is escaped, and links can be followed.
fn html(paragraphs: &[String]) -> String {
    let mut html = String::new();
    for paragraph in paragraphs {
        html.push_str("<p>");
        for (index, line) in paragraph.split('\n').enumerate() {
            html.push_str(if index > 0 { "<br>\n" } else { "" });
            for (index, word) in line.split(' ').enumerate() {
                html.push_str(if index > 0 { " " } else { "" });
                push_word(&mut html, word);
            }
        }
        html.push_str("</p>\n");
    }
    html
}

fn push_word(html: &mut String, word: &str) {
    let link = word.trim_end_matches(['.', ',', ';', ':', '!', '?', ')']);
    let is_link = link.strip_prefix("https://").is_some_and(|it| {
        // What stands before an @ looks like a host, and is none.
        !it.is_empty() && !it.contains('@')
    });
    let escaped = |text| HtmlEscape(text).to_string();
    if is_link {
        let after = word.strip_prefix(link).unwrap_or_default();
        let (link, after) = (escaped(link), escaped(after));
        for part in ["<a href=\"", &link, "\">", &link, "</a>", &after] {
            html.push_str(part);
        }
    } else {
        html.push_str(&escaped(word));
    }
}
