//! Money, plans, time and ids as every service means them: integers and text, no I/O, no floats; the clock is in one place,
//! [`clock`], for edges.
//!
//! An amount is an `i64` count of a currency's minor unit; products are taken in `i128` and rounded half-even, once.
//! Text becomes an amount in one place ([`Money::parse`], [`Amount::parse`]) and never by way of a float.
#![deny(clippy::as_conversions)]

mod account;
mod amount;
mod api_key;
mod arithmetic;
pub mod clock;
mod country;
mod currency;
mod decimal;
mod hex;
mod host;
pub mod ids;
mod lists;
mod mail;
mod money;
mod month;
mod names;
mod phone;
mod plan;
mod postback;
mod texts;
mod time;
mod webhook;

pub use account::Account;
pub use amount::Amount;
pub use api_key::{
    API_KEY_LENGTH, API_KEY_START, MAX_API_KEYS, MAX_OVERLAP_SECONDS, check_key_hash,
    check_key_prefix, check_overlap, check_scopes, is_api_key,
};
pub use arithmetic::{ArithmeticError, BasisPoints, mul_div_half_even, reversal_due, split};
pub use country::Country;
pub use currency::Currency;
pub use decimal::AmountError;
pub use hex::{hash_of_hex, hex};
pub use host::{is_host_name, is_public_host};
pub use ids::{
    AccountName, ApiKeyId, BanId, BankReference, BrandId, CampaignId, ClaimId, ClickId, ContactId,
    ConversionId, DepositId, EnrollmentId, ErasureId, EvidenceId, FundsAccountId, FundsTransferId,
    GroupId, InvalidId, LinkCode, MailId, MailTemplateId, MembershipId, OrderId, PartnerId,
    PayoutId, StatementId, WebhookEndpointId, WithdrawalId, WorkflowId,
};
pub use lists::*;
pub use mail::{MAX_MAIL_ADDRESSES, MailAddress};
pub use money::Money;
pub use month::{InvalidMonth, Month};
pub use phone::{MAX_PHONE_NUMBERS, PhoneNumber};
pub use plan::{Earning, HoldDays, Invalid, MAX_EARNED, Plan, TermsVersion, WindowDays};
pub use postback::{
    InvalidPostback, POSTBACK_MACROS, check_postback_url, expand_postback, names_macro,
};
#[doc(hidden)]
pub use serde;
pub use texts::{
    MAX_MAIL_SUBJECT, MAX_TAGS, check_allowed_hosts, check_campaign_name, check_content_hash,
    check_description, check_event_type, check_evidence_type, check_link_limit, check_mail_subject,
    check_mail_text, check_page, check_tag, check_terms_text, check_utm_text, fallback_url,
};
pub use time::{MAX_CLOCK_SKEW_SECONDS, Micros, check_time};
/// What derived ids are made of.
pub use uuid::Uuid;
pub use webhook::{MAX_WEBHOOK_ENDPOINTS, MAX_WEBHOOK_URL_LENGTH, check_webhook_url};
