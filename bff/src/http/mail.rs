//! `/api/v1/contacts/mail`, `/api/v1/mail-templates`, `/api/v1/mails` and `/api/v1/mailbox`: where brands and partners are sent mail, what
//! it looks like, and what became of it. What is asked becomes a command of notify's, with addresses sealed; what is shown is handed on to notify.

use api::{
    ChangeContact, ContactFilter, ContactView, MailFilter, MailPreview, MailPreviewQuery,
    MailTemplates, MailView, MailboxFilter, MailboxView,
};
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use chassis::auth::Caller;
use chassis::http::RequestContext;
use chassis::openapi::{Forbidden, NotFound, Problems, Repeatable, Waits};
use chassis::page::{List, Page, PageQuery};
use chassis::params::{Path, Query};
use chassis::problem::Problem;
use chassis::write::Write;
use runtime::{HandsOn, Host, NotifyRefusals};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Bff;
use super::commands::CommandView;
use super::operator::Proxy;
use super::submit::{Accepted, CommandRequest};
use super::webhooks::{hand_on, query};

/// At notify.
const CONTACTS: &str = "/api/v1/notify/contacts/mail";
const TEMPLATES: &str = "/api/v1/notify/mail-templates";
const MAILS: &str = "/api/v1/notify/mails";
const MAILBOX: &str = "/api/v1/notify/mailbox";

/// What is asked of addresses.
pub(super) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::new().routes(routes!(change_contact))
}

/// Addresses, templates and the mailbox as notify shows them.
pub(super) fn reads(host: &Host) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list_contacts))
        .routes(routes!(list_mail_templates))
        .routes(routes!(preview_mail))
        .routes(routes!(list_mails))
        .routes(routes!(list_mailbox))
        .with_state(Proxy::new(host))
}

/// Asks that a brand or a partner is sent mail at these addresses, and at no others. They are sealed before anything is stored, and shown
/// masked.
#[utoipa::path(
    put, path = "/api/v1/contacts/mail", tag = "mail", params(Repeatable, Waits),
    request_body(content = ChangeContact, example = json!({"addresses": [{"address": "mia@example.com", "language": "de"}]})),
    responses(
        (status = 202, body = Accepted),
        (status = 200, body = CommandView, description = "Its outcome, under `Prefer: wait`"),
        Problems<(Forbidden, NotFound, NotifyRefusals)>
    ),
    security(("bearer" = []))
)]
pub(crate) async fn change_contact(
    State(bff): State<Bff>,
    caller: Caller,
    context: RequestContext,
    write: Write<ChangeContact>,
) -> Result<Response, Problem> {
    caller.scope()?;
    let (body, command_request) = CommandRequest::part(write, caller, context);
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

/// What is mailed to whom. For operators and brands.
#[utoipa::path(
    get, path = "/api/v1/mail-templates", tag = "mail",
    responses((status = 200, body = MailTemplates), Problems<(Forbidden, HandsOn)>), security(("bearer" = []))
)]
pub(crate) async fn list_mail_templates(
    State(proxy): State<Proxy>,
    caller: Caller,
    context: RequestContext,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.brand_scope()?;
    hand_on(&proxy, TEMPLATES, String::new(), (context, headers)).await
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
