//! What notify is asked of addresses and numbers, and what it shows of them, of mails and of texts; the bff hands it on.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chassis::json::Check;
use chassis::problem::{Fields, Problem};
use chassis::time::Timestamp;
use schemas::{About, ChangeContactV1, ChangeMailTemplateV1, WireContactAddress, Written};
use sealing::personal::PersonalKey;
use sealing::texts;
use serde::{Deserialize, Serialize};
use types::{
    BrandId, Channel, MAX_MAIL_ADDRESSES, MAX_PHONE_NUMBERS, MailAddress, MailGroup, MailLanguage,
    MailState, MailTemplateId, PartnerId, PhoneNumber, Uuid, check_mail_subject, check_mail_text,
};
use utoipa::{IntoParams, ToSchema};

use crate::lists;
use crate::owner::Owner;

requests! {
    ChangeContact = "notify.change_contact.command.v1", "change_contact";
    ChangeMailTemplate = "notify.change_mail_template.command.v1", "change_mail_template" | "preview_mail_draft";
    ResetMailTemplate = "notify.change_mail_template.command.v1", "reset_mail_template";
}

named! {
    brand_id: BrandId of ChangeMailTemplate ResetMailTemplate;
}

/// The mail addresses and numbers of a brand or a partner: these, and no others.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeContact {
    /// The brand whose they are; absent: the token's own brand, or else its own partner. An operator must give one of the two.
    #[schema(value_type = Option<String>, example = "brand1")]
    brand_id: Option<BrandId>,
    /// The partner whose they are.
    #[schema(value_type = Option<String>, example = "partner123")]
    partner_id: Option<PartnerId>,
    /// At most five; none: no mail is sent. Of those that there are, one at least must want `money`, and one `security`: such mails are
    /// not to be missed.
    #[schema(max_items = 5)]
    addresses: Vec<NewMailAddress>,
    /// At most two, to which texts are sent; absent: there are none.
    #[schema(max_items = 2)]
    numbers: Option<Vec<NewPhoneNumber>>,
}

/// An address, and what it is sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewMailAddress {
    /// Without a name, quotes or comments, at a public host name. It is kept sealed, and shown masked.
    #[schema(value_type = String, format = "email", max_length = 254, example = "mia@example.com")]
    address: MailAddress,
    /// What mails to it are written in; absent: English.
    #[schema(value_type = Option<lists::MailLanguage>)]
    language: Option<MailLanguage>,
    /// What it is sent mails about; absent: everything.
    #[schema(value_type = Option<Vec<lists::MailGroup>>)]
    groups: Option<Vec<MailGroup>>,
}

/// A number, and what it is sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPhoneNumber {
    /// A plus sign and 7 to 15 digits (E.164). It is kept sealed, and shown masked.
    #[schema(value_type = String, pattern = "^\\+[1-9][0-9]{6,14}$", example = "+491701234567")]
    number: PhoneNumber,
    /// What texts to it are written in; absent: English.
    #[schema(value_type = Option<lists::MailLanguage>)]
    language: Option<MailLanguage>,
    /// What it is sent texts about: `money`, `security`, or both.
    #[schema(value_type = Vec<lists::MailGroup>, example = json!(["money"]))]
    groups: Vec<MailGroup>,
}

impl NewMailAddress {
    fn groups(&self) -> Vec<MailGroup> {
        self.groups
            .clone()
            .unwrap_or_else(|| MailGroup::ALL.to_vec())
    }
}

impl Check for ChangeContact {
    fn check(&self, fields: &mut Fields) {
        let both = self.brand_id.is_some() && self.partner_id.is_some();
        fields.require(!both, "/partner_id", "must not be given beside a brand");
        let addresses = self.addresses.iter();
        let addresses = addresses.map(|it| (&it.address, it.groups()));
        let (at, most) = (("addresses", "address"), MAX_MAIL_ADDRESSES);
        check_each(fields, at, most, &addresses.collect::<Vec<_>>(), |groups| {
            let is_fit = is_each_once(groups);
            (!is_fit).then_some("must name at least one, each once")
        });
        let numbers = self.numbers().iter();
        let numbers = numbers.map(|it| (&it.number, it.groups.clone()));
        let (at, most) = (("numbers", "number"), MAX_PHONE_NUMBERS);
        check_each(fields, at, most, &numbers.collect::<Vec<_>>(), |groups| {
            let is_fit = is_each_once(groups) && groups.iter().all(|it| it.is_texted());
            (!is_fit).then_some("must name money, security or both, each once")
        });
    }
}

/// So many at most, each once, with groups that are not refused.
fn check_each<T: PartialEq>(
    fields: &mut Fields,
    (list, item): (&str, &str),
    most: usize,
    all: &[(T, Vec<MailGroup>)],
    refused: impl Fn(&[MailGroup]) -> Option<&'static str>,
) {
    if all.len() > most {
        fields.refuse(format!("/{list}"), format!("must be at most {most}"));
    }
    for (index, (to, groups)) in all.iter().enumerate().take(most) {
        if all.iter().take(index).any(|(before, _)| before == to) {
            fields.refuse(format!("/{list}/{index}/{item}"), "must be given once");
        }
        if let Some(what) = refused(groups) {
            fields.refuse(format!("/{list}/{index}/groups"), what);
        }
    }
}

/// Whether there is one at least, and none twice.
fn is_each_once(groups: &[MailGroup]) -> bool {
    let twice = (1..groups.len()).any(|at| groups[..at].contains(&groups[at]));
    !groups.is_empty() && !twice
}

impl ChangeContact {
    fn numbers(&self) -> &[NewPhoneNumber] {
        self.numbers.as_deref().unwrap_or_default()
    }

    /// Whose they are to be: who is named, or else for whom the caller speaks.
    ///
    /// # Errors
    ///
    /// 422 where neither names anybody.
    pub fn owner(
        &self,
        own_brand: Option<&BrandId>,
        own_partner: Option<&PartnerId>,
    ) -> Result<Owner, Problem> {
        let named = (self.brand_id.as_ref(), self.partner_id.as_ref());
        Owner::named_or_own(named, own_brand, own_partner)
    }

    /// Whether it says something that goes with a partner's key.
    pub fn is_personal(&self) -> bool {
        !self.addresses.is_empty() || !self.numbers().is_empty()
    }

    /// As a command, of this owner. A partner's addresses and numbers are sealed under its key; a brand's, which has none, to the services.
    pub fn command(self, owner: &Owner, key: Option<&PersonalKey>) -> Written {
        let contact = owner.contact();
        let seal = |belongs_to: &str, text: &str| match key {
            Some(key) => STANDARD.encode(key.seal(belongs_to, text)),
            None => STANDARD.encode(texts::seal(belongs_to, text)),
        };
        let wire = |sealed, language: Option<MailLanguage>, groups: &[MailGroup]| {
            let groups = groups.iter().map(|it| MailGroup::name(*it).to_owned());
            WireContactAddress {
                sealed_address: sealed,
                language: language.unwrap_or(MailLanguage::English).name().to_owned(),
                groups: groups.collect(),
            }
        };
        let belongs_to = texts::of_mail_addresses(&contact);
        let addresses = self.addresses.iter().map(|new| {
            let sealed = seal(&belongs_to, new.address.as_str());
            wire(sealed, new.language, &new.groups())
        });
        let belongs_to = texts::of_phone_numbers(&contact);
        let numbers = self.numbers().iter().map(|new| {
            let sealed = seal(&belongs_to, new.number.as_str());
            wire(sealed, new.language, &new.groups)
        });
        let numbers: Vec<_> = numbers.collect();
        let change = ChangeContactV1 {
            addresses: addresses.collect(),
            numbers: Some(numbers).filter(|numbers| !numbers.is_empty()),
            brand_id: owner.brand().map(ToString::to_string),
            partner_id: owner.partner().map(ToString::to_string),
        };
        About::of(contact, change).write()
    }
}

/// Whose mail addresses.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ContactFilter {
    /// This brand's.
    #[param(value_type = Option<String>)]
    pub brand_id: Option<BrandId>,
    /// This partner's.
    #[param(value_type = Option<String>)]
    pub partner_id: Option<PartnerId>,
}

/// The mail addresses of a brand or a partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ContactView {
    /// Of each owner one.
    #[schema(example = "ctc_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    pub id: String,
    /// The brand whose they are.
    pub brand_id: Option<String>,
    /// The partner whose they are.
    pub partner_id: Option<String>,
    /// What is sent where to.
    pub addresses: Vec<MailAddressView>,
    /// Which numbers are sent texts.
    pub numbers: Vec<PhoneNumberView>,
    /// Since when they are these.
    pub changed_at: Timestamp,
}

/// An address, and what it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MailAddressView {
    /// As it may be shown; `null` where it cannot be read just now.
    #[schema(example = "m***@example.com")]
    pub masked: Option<String>,
    /// What mails to it are written in.
    #[schema(value_type = lists::MailLanguage)]
    pub language: String,
    /// What it is sent mails about.
    #[schema(value_type = Vec<lists::MailGroup>)]
    pub groups: Vec<String>,
}

/// A number, and what it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PhoneNumberView {
    /// As it may be shown; `null` where it cannot be read just now.
    #[schema(example = "+49***67")]
    pub masked: Option<String>,
    /// What texts to it are written in.
    #[schema(value_type = lists::MailLanguage)]
    pub language: String,
    /// What it is sent texts about.
    #[schema(value_type = Vec<lists::MailGroup>)]
    pub groups: Vec<String>,
}

/// Which mails.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MailboxFilter {
    /// To this brand.
    #[param(value_type = Option<String>)]
    pub brand_id: Option<BrandId>,
    /// To this partner.
    #[param(value_type = Option<String>)]
    pub partner_id: Option<PartnerId>,
}

/// A mail in the mailbox of a developer's machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MailboxView {
    /// Which one.
    #[schema(example = "mail_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    pub id: String,
    /// The brand that it is to.
    pub brand_id: Option<String>,
    /// The partner that it is to.
    pub partner_id: Option<String>,
    /// By which way.
    #[schema(value_type = lists::Channel)]
    pub channel: String,
    /// Its address or number, as it may be shown.
    #[schema(example = "m***@example.com")]
    pub masked: String,
    /// What it is about, as the type of its event.
    #[schema(example = "payout.paid.v1")]
    pub kind: String,
    /// Its subject; empty for a text.
    pub subject: String,
    /// What it says as text.
    pub text: String,
    /// What it says as HTML; empty for a text.
    pub html: String,
    /// When it was put there.
    pub sent_at: Timestamp,
}

/// Which mails.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MailFilter {
    /// To this brand.
    #[param(value_type = Option<String>)]
    pub brand_id: Option<BrandId>,
    /// To this partner.
    #[param(value_type = Option<String>)]
    pub partner_id: Option<PartnerId>,
    /// That have come to this.
    #[param(value_type = Option<lists::MailState>)]
    pub state: Option<MailState>,
    /// About events of this type.
    pub kind: Option<String>,
    /// That go by this way.
    #[param(value_type = Option<lists::Channel>)]
    pub channel: Option<Channel>,
}

/// A mail, and what became of it. What it says and where to is not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MailView {
    /// Which one.
    #[schema(example = "mail_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    pub id: String,
    /// The brand that it is to.
    pub brand_id: Option<String>,
    /// The partner that it is to.
    pub partner_id: Option<String>,
    /// By which way.
    #[schema(value_type = lists::Channel)]
    pub channel: String,
    /// What it is about, as the type of its event.
    #[schema(example = "payout.paid.v1")]
    pub kind: String,
    /// The event.
    pub event_id: Uuid,
    /// The request that the event came of.
    pub correlation_id: Uuid,
    /// What became of it.
    #[schema(value_type = lists::MailState)]
    pub state: String,
    /// How often it was tried.
    #[schema(minimum = 0)]
    pub attempts: i32,
    /// When it is tried next.
    pub next_at: Option<Timestamp>,
    /// Why it was not sent.
    #[schema(value_type = Option<lists::MailFailure>)]
    pub failure: Option<String>,
    /// The reply code of the last attempt's server.
    pub smtp_status: Option<i32>,
    /// The error code of the provider of texts at the last attempt.
    pub provider_code: Option<i32>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was sent, or given up.
    pub ended_at: Option<Timestamp>,
}

/// What a kind of mail to a brand's partners is to say in a language.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeMailTemplate {
    /// Whose text it is; absent: the token's own brand. An operator must give it.
    #[schema(value_type = Option<String>, example = "brand1")]
    brand_id: Option<BrandId>,
    /// One line. `{{ name }}` stands for a value of the event, where `name` is one of the kind's variables.
    #[schema(
        min_length = 1,
        max_length = 200,
        example = "Welcome to {{ campaign }}"
    )]
    pub subject: String,
    /// Paragraphs, with an empty line between, of 4,096 bytes at most. Beside variables `{% if name %}`, `{% if not name %}`, `{% else %}` and
    /// `{% endif %}` may stand there. It is no HTML, and links begin with `https://`.
    #[schema(
        min_length = 1,
        max_length = 4096,
        example = "Great to have you in {{ campaign }}.\n\nYour contact is Mia."
    )]
    pub text: String,
}

impl Check for ChangeMailTemplate {
    fn check(&self, fields: &mut Fields) {
        for (pointer, checked) in [
            ("/subject", check_mail_subject(&self.subject)),
            ("/text", check_mail_text(&self.text)),
        ] {
            if let Err(invalid) = checked {
                fields.refuse(pointer, invalid.to_string());
            }
        }
    }
}

impl ChangeMailTemplate {
    /// As a command, of this brand's text of a kind of mail in a language. It is sealed to the services.
    pub fn command(self, brand: BrandId, kind: String, language: MailLanguage) -> Written {
        let template = MailTemplateId::of(&brand, &kind, language);
        let subject = texts::seal(&texts::of_mail_subjects(&template), &self.subject);
        let text = texts::seal(&texts::of_mail_texts(&template), &self.text);
        let change = ChangeMailTemplateV1 {
            brand_id: brand.into_string(),
            kind,
            language: language.name().to_owned(),
            sealed_subject: Some(subject),
            sealed_text: Some(text),
        };
        About::of(template, change).write()
    }
}

/// That a kind of mail to a brand's partners says in a language what ours does.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetMailTemplate {
    /// Whose text it was; absent: the token's own brand. An operator must give it.
    #[schema(value_type = Option<String>, example = "brand1")]
    brand_id: Option<BrandId>,
}

impl Check for ResetMailTemplate {}

impl ResetMailTemplate {
    /// As a command, of this brand's text of a kind of mail in a language.
    pub fn command(self, brand: BrandId, kind: String, language: MailLanguage) -> Written {
        let template = MailTemplateId::of(&brand, &kind, language);
        let change = ChangeMailTemplateV1 {
            brand_id: brand.into_string(),
            kind,
            language: language.name().to_owned(),
            sealed_subject: None,
            sealed_text: None,
        };
        About::of(template, change).write()
    }
}

/// Whose own texts of mails.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MailTemplateFilter {
    /// This brand's; absent: those of the token's own brand.
    #[param(value_type = Option<String>)]
    pub brand_id: Option<BrandId>,
}

/// A kind of mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MailTemplateView {
    /// What it is about, as the type of its event.
    #[schema(example = "payout.paid.v1")]
    pub kind: String,
    /// To whom it is: `partner`, `brand`, or both where it is to whoever owns what it is about.
    #[schema(example = json!(["partner"]))]
    pub to: Vec<String>,
    /// Which addresses of theirs are sent it.
    #[schema(value_type = lists::MailGroup)]
    pub group: String,
    /// What it is written in.
    #[schema(value_type = Vec<lists::MailLanguage>)]
    pub languages: Vec<String>,
    /// By which ways it goes.
    #[schema(value_type = Vec<lists::Channel>)]
    pub channels: Vec<String>,
    /// Whether brands may write their own text of it: it goes to partners, and is about one brand's programme.
    pub is_customizable: bool,
    /// In which languages the brand's own text is used.
    pub own: Vec<OwnMailTemplate>,
}

/// That a brand's own text of a kind of mail is used in a language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OwnMailTemplate {
    /// In which.
    #[schema(value_type = lists::MailLanguage)]
    pub language: String,
    /// Since when.
    pub changed_at: Timestamp,
}

/// A subject and a text of a mail, as they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MailText {
    /// One line.
    #[schema(example = "You take part in {{ campaign }}")]
    pub subject: String,
    /// Paragraphs, with an empty line between.
    #[schema(example = "Your application for {{ campaign }} was approved.")]
    pub text: String,
}

/// What may stand in a text of a kind of mail as `{{ name }}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MailVariable {
    /// What stands there.
    #[schema(example = "campaign")]
    pub name: String,
    /// What could be there then.
    #[schema(example = "Summer")]
    pub sample: String,
}

/// What a kind of mail says in a language: a brand's own text, and ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MailTexts {
    /// What it is about, as the type of its event.
    #[schema(example = "enrollment.approved.v1")]
    pub kind: String,
    /// What it is written in.
    #[schema(value_type = lists::MailLanguage)]
    pub language: String,
    /// The brand's own, where it has one.
    pub own: Option<MailText>,
    /// Since when the brand's own is used.
    pub changed_at: Option<Timestamp>,
    /// What is sent where the brand has none: to begin with, too.
    pub ours: MailText,
    /// What may stand in it.
    pub variables: Vec<MailVariable>,
}

/// All kinds of mails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MailTemplates {
    /// Each once.
    pub items: Vec<MailTemplateView>,
}

/// In which language a mail is shown.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MailPreviewQuery {
    /// Absent: English.
    #[param(value_type = Option<lists::MailLanguage>)]
    pub language: Option<MailLanguage>,
    /// Absent: by mail.
    #[param(value_type = Option<lists::Channel>)]
    pub channel: Option<Channel>,
}

/// In which language a draft is shown.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MailDraftQuery {
    /// Absent: English.
    #[param(value_type = Option<lists::MailLanguage>)]
    pub language: Option<MailLanguage>,
}

/// A mail as it would be sent, made of a sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MailPreview {
    /// What it is about, as the type of its event.
    #[schema(example = "payout.paid.v1")]
    pub kind: String,
    /// What it is written in.
    #[schema(value_type = lists::MailLanguage)]
    pub language: String,
    /// By which way.
    #[schema(value_type = lists::Channel)]
    pub channel: String,
    /// Its subject; empty for a text.
    pub subject: String,
    /// What it says as text.
    pub text: String,
    /// What it says as HTML; empty for a text.
    pub html: String,
}
