//! `/api/v1/contacts/mail`, `/api/v1/mail-templates`, `/api/v1/mails` and `/api/v1/mailbox`: where brands and partners are sent mail, what
//! it looks like, and what became of it. What is asked becomes a command of notify's, with addresses sealed; what is shown is handed on to notify.

use api::{
    ChangeContact, ChangeMailTemplate, ContactFilter, ContactView, MailDraftQuery, MailFilter,
    MailPreview, MailPreviewQuery, MailTemplateFilter, MailTemplates, MailTexts, MailView,
    MailboxFilter, MailboxView, ResetMailTemplate,
};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use chassis::auth::Caller;
use chassis::http::RequestContext;
use chassis::json::Json;
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable, Waits};
use chassis::page::{List, Page, PageQuery};
use chassis::params::{Path, Query};
use chassis::problem::Problem;
use chassis::write::Write;
use runtime::{HandsOn, Host, NotifyRefusals};
use types::{BrandId, MailLanguage};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::operator::Proxy;
use super::submit::{Answers, CommandRequest};
use super::webhooks::{hand_on, hand_on_body, query};

/// At notify.
const CONTACTS: &str = "/api/v1/notify/contacts/mail";
const TEMPLATES: &str = "/api/v1/notify/mail-templates";
const MAILS: &str = "/api/v1/notify/mails";
const MAILBOX: &str = "/api/v1/notify/mailbox";

/// What is asked of addresses and of brands' own texts.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new()
        .routes(routes!(change_contact))
        .routes(routes!(change_mail_template, reset_mail_template))
}

/// Addresses, templates and the mailbox as notify shows them.
pub(super) fn reads(host: &Host) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list_contacts))
        .routes(routes!(list_mail_templates))
        .routes(routes!(preview_mail, preview_mail_draft))
        .routes(routes!(get_mail_template))
        .routes(routes!(list_mails))
        .routes(routes!(list_mailbox))
        .with_state(Proxy::new(host))
}

/// Asks that a brand or a partner is sent mail at these addresses, and at no others. They are sealed before anything is stored, and shown
/// masked.
#[utoipa::path(
    put, path = "/api/v1/contacts/mail", tag = "mail", params(Repeatable, Waits),
    request_body(content = ChangeContact, example = json!({"addresses": [{"address": "mia@example.com", "language": "de"}]})),
    responses(Answers<(Forbidden, NotFound, NotifyRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn change_contact(
    State(bff): State<Bff>,
    caller: Caller,
    write: Write<ChangeContact>,
) -> Result<Response, Problem> {
    caller.scope()?;
    let (body, command_request) = CommandRequest::part(write, caller);
    let caller = &command_request.caller;
    let owner = body.owner(caller.brand(), caller.partner())?;
    owner.require(caller)?;
    let is_personal = body.is_personal();
    let key = match owner.partner() {
        Some(partner) => Some(bff.host.personal_key(caller, partner, is_personal).await?),
        None => None,
    };
    let command = body.command(&owner, key.as_ref());
    bff.submit(command_request, command).await
}

/// Mail addresses, masked: the caller's own, for operators all.
#[utoipa::path(
    get, path = "/api/v1/contacts/mail", tag = "mail", params(PageQuery, ContactFilter),
    responses((status = 200, body = Page<ContactView>), Problems<(Forbidden, HandsOn)>), security(("bearer" = []))
)]
pub(crate) async fn list_contacts(
    State(proxy): State<Proxy>,
    caller: Caller,
    context: RequestContext,
    headers: HeaderMap,
    uri: Uri,
    _list: List<ContactFilter>,
) -> Result<Response, Problem> {
    caller.scope()?;
    hand_on(&proxy, CONTACTS, query(&uri), (context, headers)).await
}

/// Asks that a kind of mail to a brand's partners says something else in a language. It counts for mails that are sent from then on. A text
/// of which no mail can be made is refused.
#[utoipa::path(
    put, path = "/api/v1/mail-templates/{kind}/{language}", tag = "mail",
    params(("kind" = String, Path, example = "enrollment.approved.v1"), ("language" = api::lists::MailLanguage, Path), Repeatable, Waits),
    request_body(content = ChangeMailTemplate, example = json!({"subject": "Welcome to {{ campaign }}", "text": "Great to have you.\n\nMake your first link now."})),
    responses(Answers<(Forbidden, NotFound, NotifyRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn change_mail_template(
    State(bff): State<Bff>,
    caller: Caller,
    Path((kind, language)): Path<(String, MailLanguage)>,
    write: Write<ChangeMailTemplate>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    let brand = writing(&command_request.caller, body.brand_id(), &kind)?;
    let command = body.command(brand, kind, language);
    bff.submit(command_request, command).await
}

/// Asks that a kind of mail to a brand's partners says in a language what ours does.
#[utoipa::path(
    delete, path = "/api/v1/mail-templates/{kind}/{language}", tag = "mail",
    params(("kind" = String, Path, example = "enrollment.approved.v1"), ("language" = api::lists::MailLanguage, Path), Repeatable, Waits),
    request_body(content = ResetMailTemplate, example = json!({"brand_id": "brand1"})),
    responses(Answers<(Forbidden, NotFound, NotifyRefusals)>),
    security(("bearer" = []))
)]
pub(crate) async fn reset_mail_template(
    State(bff): State<Bff>,
    caller: Caller,
    Path((kind, language)): Path<(String, MailLanguage)>,
    write: Write<ResetMailTemplate>,
) -> Result<Response, Problem> {
    let (body, command_request) = CommandRequest::part(write, caller);
    let brand = writing(&command_request.caller, body.brand_id(), &kind)?;
    let command = body.command(brand, kind, language);
    bff.submit(command_request, command).await
}

/// Whose own text is asked for. Of which kinds there is one, notify decides.
fn writing(caller: &Caller, named: Option<&BrandId>, kind: &str) -> Result<BrandId, Problem> {
    let brand = caller.brand_or_own(named)?;
    caller.require_owner(None, Some(&brand))?;
    schemas::kind(kind).ok_or_else(Problem::not_found)?;
    Ok(brand)
}

/// What is mailed to whom, and which of it a brand writes itself. For operators and brands.
#[utoipa::path(
    get, path = "/api/v1/mail-templates", tag = "mail", params(MailTemplateFilter),
    responses((status = 200, body = MailTemplates), Problems<(Forbidden, NotFound, HandsOn)>), security(("bearer" = []))
)]
pub(crate) async fn list_mail_templates(
    State(proxy): State<Proxy>,
    caller: Caller,
    context: RequestContext,
    headers: HeaderMap,
    uri: Uri,
    Query(filter): Query<MailTemplateFilter>,
) -> Result<Response, Problem> {
    caller.narrowed(filter.brand_id.as_ref())?;
    hand_on(&proxy, TEMPLATES, query(&uri), (context, headers)).await
}

/// What a kind of mail to partners says in a language: a brand's own text, and ours. For operators and brands.
#[utoipa::path(
    get, path = "/api/v1/mail-templates/{kind}/{language}", tag = "mail",
    params(("kind" = String, Path, example = "enrollment.approved.v1"), ("language" = api::lists::MailLanguage, Path), MailTemplateFilter),
    responses((status = 200, body = MailTexts), Problems<(Forbidden, NotFound, HandsOn)>), security(("bearer" = []))
)]
pub(crate) async fn get_mail_template(
    State(proxy): State<Proxy>,
    caller: Caller,
    context: RequestContext,
    headers: HeaderMap,
    uri: Uri,
    Path((kind, language)): Path<(String, MailLanguage)>,
    Query(filter): Query<MailTemplateFilter>,
) -> Result<Response, Problem> {
    caller.narrowed(filter.brand_id.as_ref())?;
    schemas::kind(&kind).ok_or_else(Problem::not_found)?;
    let rest = format!("/{kind}/{}{}", language.name(), query(&uri));
    hand_on(&proxy, TEMPLATES, rest, (context, headers)).await
}

/// What a mail would look like with a brand's draft, made of a sample, or what is wrong with it. Nothing is changed. For operators and
/// brands.
#[utoipa::path(
    post, path = "/api/v1/mail-templates/{kind}/preview", tag = "mail",
    params(("kind" = String, Path, example = "enrollment.approved.v1"), MailDraftQuery),
    request_body(content = ChangeMailTemplate, example = json!({"subject": "Welcome to {{ campaign }}", "text": "Great to have you.\n\nMake your first link now."})),
    responses((status = 200, body = MailPreview), Problems<(Forbidden, NotFound, (NotifyRefusals, HandsOn))>), security(("bearer" = []))
)]
pub(crate) async fn preview_mail_draft(
    State(proxy): State<Proxy>,
    caller: Caller,
    context: RequestContext,
    headers: HeaderMap,
    Path(kind): Path<String>,
    Query(draft): Query<MailDraftQuery>,
    Json(body): Json<ChangeMailTemplate>,
) -> Result<Response, Problem> {
    caller.narrowed(body.brand_id())?;
    schemas::kind(&kind).ok_or_else(Problem::not_found)?;
    let language = draft.language.unwrap_or(MailLanguage::English);
    let rest = format!("/{kind}/preview?language={}", language.name());
    let body = serde_json::to_vec(&body).map_err(|error| Problem::internal(&error))?;
    let body = (Method::POST, Bytes::from(body));
    hand_on_body(&proxy, TEMPLATES, rest, (context, headers), body).await
}

/// What a mail looks like, made of a sample. For operators and brands.
#[utoipa::path(
    get, path = "/api/v1/mail-templates/{kind}/preview", tag = "mail",
    params(("kind" = String, Path, example = "payout.paid.v1"), MailPreviewQuery),
    responses((status = 200, body = MailPreview), Problems<(Forbidden, NotFound, HandsOn)>), security(("bearer" = []))
)]
pub(crate) async fn preview_mail(
    State(proxy): State<Proxy>,
    caller: Caller,
    context: RequestContext,
    headers: HeaderMap,
    uri: Uri,
    Path(kind): Path<String>,
    Query(_query): Query<MailPreviewQuery>,
) -> Result<Response, Problem> {
    caller.brand_scope()?;
    // What is no type of event is no path below notify's either.
    schemas::kind(&kind).ok_or_else(Problem::not_found)?;
    let rest = format!("/{kind}/preview{}", query(&uri));
    hand_on(&proxy, TEMPLATES, rest, (context, headers)).await
}

/// What brands and partners are mailed, and what became of it, newest first. Kept for 30 days. For operators.
#[utoipa::path(
    get, path = "/api/v1/mails", tag = "mail", params(PageQuery, MailFilter),
    responses((status = 200, body = Page<MailView>), Problems<(Forbidden, HandsOn)>), security(("bearer" = []))
)]
pub(crate) async fn list_mails(
    State(proxy): State<Proxy>,
    caller: Caller,
    context: RequestContext,
    headers: HeaderMap,
    uri: Uri,
    _list: List<MailFilter>,
) -> Result<Response, Problem> {
    caller.require_operator()?;
    hand_on(&proxy, MAILS, query(&uri), (context, headers)).await
}

/// What was mailed on a developer's machine, where no server is set, newest first; elsewhere nothing is kept. For operators.
#[utoipa::path(
    get, path = "/api/v1/mailbox", tag = "mail", params(PageQuery, MailboxFilter),
    responses((status = 200, body = Page<MailboxView>), Problems<(Forbidden, HandsOn)>), security(("bearer" = []))
)]
pub(crate) async fn list_mailbox(
    State(proxy): State<Proxy>,
    caller: Caller,
    context: RequestContext,
    headers: HeaderMap,
    uri: Uri,
    _list: List<MailboxFilter>,
) -> Result<Response, Problem> {
    caller.require_operator()?;
    hand_on(&proxy, MAILBOX, query(&uri), (context, headers)).await
}
