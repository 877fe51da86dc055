//! `/api/v1/notify/contacts/mail`: the mail addresses and numbers of brands and partners.

use api::{ChangeContact, ContactFilter, ContactView, MailAddressView, PhoneNumberView};
use axum::extract::State;
use chassis::auth::Caller;
use chassis::openapi::{Forbidden, Problems, Repeatable};
use chassis::page::{List, Page, PageQuery};
use chassis::problem::Problem;
use chassis::time::Timestamp;
use chassis::write::Write;
use runtime::{Done, Host, NotifyRefusals, OrUnread};
use schemas::ContactAddress;
use sealing::personal::PersonalKeys;
use sealing::texts;
use types::{MailAddress, MailGroup, PhoneNumber};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::Contact;
use crate::store::contacts::{self, sealed_bytes};

/// What is asked of addresses.
pub(super) fn routes() -> OpenApiRouter<Host> {
    OpenApiRouter::new().routes(routes!(change_contact))
}

/// Addresses as they stand.
pub(super) fn reads() -> OpenApiRouter<Host> {
    OpenApiRouter::new().routes(routes!(list_contacts))
}

super::done!(
    /// What was done to mail addresses.
    ContactDone, contact_id, "ctc_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f", "contact.changed.v1"
);

/// Say where a brand or a partner is sent mail and texts
///
/// These addresses and numbers, and no others. They are sealed before anything is stored, and shown masked.
#[utoipa::path(
    put,
    path = "/api/v1/notify/contacts/mail",
    tag = "mail",
    params(Repeatable),
    request_body(content = ChangeContact, example = json!({"addresses": [{"address": "mia@example.com", "language": "de"}]})),
    responses(Done<ContactDone>, Problems<(Forbidden, NotifyRefusals)>),
    security(("bearer" = []))
)]
pub(super) async fn change_contact(
    State(host): State<Host>,
    caller: Caller,
    write: Write<ChangeContact>,
) -> Result<Done<ContactDone>, Problem> {
    caller.scope()?;
    let owner = write.body.owner(caller.brand(), caller.partner())?;
    let is_personal = write.body.is_personal();
    let key = match owner.partner() {
        Some(partner) => Some(host.personal_key(&caller, partner, is_personal).await?),
        None => None,
    };
    let command = |_, body: ChangeContact| body.command(&owner, key.as_ref());
    let submitted = host.submit_write(write, &caller, command).await?;
    Ok(submitted.answer(|first| ContactDone::from(first)))
}

/// Mail addresses and numbers, masked: the caller's own, for operators all.
#[utoipa::path(
    get,
    path = "/api/v1/notify/contacts/mail",
    tag = "mail",
    params(PageQuery, ContactFilter),
    responses((status = 200, body = Page<ContactView>), Problems),
    security(("bearer" = []))
)]
pub(super) async fn list_contacts(
    State(host): State<Host>,
    caller: Caller,
    list: List<ContactFilter>,
) -> Result<Page<ContactView>, Problem> {
    let rows = contacts::list(host.pool(), caller.scope()?, &list.filter, list.page)
        .await
        .or_unread()?;
    let sealed = rows
        .iter()
        .flat_map(|row| row.addresses.iter().chain(&row.numbers));
    let sealed: Vec<Vec<u8>> = sealed.map(sealed_bytes).collect();
    let keys = host
        .personal_keys(sealed.iter().map(|sealed| Some(sealed.as_slice())))
        .await?;
    let view = |row| view(row, &keys);
    Ok(Page::new(list.page, rows, |row| row.position, view))
}

fn view(row: Contact, keys: &PersonalKeys) -> ContactView {
    let groups = |it: &ContactAddress| {
        let groups = it.groups.iter().map(|it| MailGroup::name(*it).to_owned());
        groups.collect()
    };
    let belongs_to = texts::of_mail_addresses(&row.id);
    let addresses = row.addresses.iter().map(|address| {
        let opened = keys.open(&belongs_to, &sealed_bytes(address));
        let opened = opened.and_then(|text| MailAddress::parse(&text).ok());
        MailAddressView {
            masked: opened.map(|address| address.masked()),
            language: address.language.name().to_owned(),
            groups: groups(address),
        }
    });
    let belongs_to = texts::of_phone_numbers(&row.id);
    let numbers = row.numbers.iter().map(|number| {
        let opened = keys.open(&belongs_to, &sealed_bytes(number));
        let opened = opened.and_then(|text| PhoneNumber::parse(&text).ok());
        PhoneNumberView {
            masked: opened.map(|number| number.masked()),
            language: number.language.name().to_owned(),
            groups: groups(number),
        }
    });
    ContactView {
        addresses: addresses.collect(),
        numbers: numbers.collect(),
        brand_id: row.owner.brand().map(ToString::to_string),
        partner_id: row.owner.partner().map(ToString::to_string),
        changed_at: Timestamp(row.changed_at),
        id: row.id.into_string(),
    }
}
