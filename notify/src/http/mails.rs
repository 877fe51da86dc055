//! `/api/v1/notify/mails` and `/api/v1/notify/mailbox`.

use api::{MailFilter, MailView, MailboxFilter, MailboxView};
use axum::extract::State;
use chassis::auth::Caller;
use chassis::openapi::{Forbidden, Problems};
use chassis::page::{List, Page, PageQuery};
use chassis::problem::Problem;
use chassis::time::Timestamp;
use runtime::{Host, OrUnread};
use types::Micros;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::store::mails::{self, Kept, Listed};

/// Its routes.
pub(super) fn reads() -> OpenApiRouter<Host> {
    OpenApiRouter::new()
        .routes(routes!(list_mails))
        .routes(routes!(list_mailbox))
}

/// What brands and partners are mailed, and what became of it, newest first. Kept for 30 days. For operators.
#[utoipa::path(
    get,
    path = "/api/v1/notify/mails",
    tag = "mail",
    params(PageQuery, MailFilter),
    responses((status = 200, body = Page<MailView>), Problems<Forbidden>),
    security(("bearer" = []))
)]
pub(super) async fn list_mails(
    State(host): State<Host>,
    caller: Caller,
    list: List<MailFilter>,
) -> Result<Page<MailView>, Problem> {
    caller.require_operator()?;
    let rows = mails::list(host.pool(), &list.filter, list.page)
        .await
        .or_unread()?;
    Ok(Page::new(list.page, rows, |row| row.position, listed))
}

fn listed(row: Listed) -> MailView {
    let moment = |micros| Timestamp(Micros(micros));
    MailView {
        next_at: (row.state == "pending").then(|| moment(row.next_at)),
        id: row.id,
        brand_id: row.brand_id,
        partner_id: row.partner_id,
        channel: row.channel,
        kind: row.kind,
        event_id: row.event_id,
        correlation_id: row.correlation_id,
        state: row.state,
        attempts: row.attempts,
        failure: row.failure,
        smtp_status: row.smtp_status,
        provider_code: row.provider_code,
        created_at: moment(row.created_at),
        ended_at: row.ended_at.map(moment),
    }
}

/// What was mailed on a developer's machine, where no server is set, newest first; elsewhere nothing is kept. For operators.
#[utoipa::path(
    get,
    path = "/api/v1/notify/mailbox",
    tag = "mail",
    params(PageQuery, MailboxFilter),
    responses((status = 200, body = Page<MailboxView>), Problems<Forbidden>),
    security(("bearer" = []))
)]
pub(super) async fn list_mailbox(
    State(host): State<Host>,
    caller: Caller,
    list: List<MailboxFilter>,
) -> Result<Page<MailboxView>, Problem> {
    caller.require_operator()?;
    let rows = mails::mailbox(host.pool(), &list.filter, list.page)
        .await
        .or_unread()?;
    Ok(Page::new(list.page, rows, |row| row.position, view))
}

fn view(row: Kept) -> MailboxView {
    MailboxView {
        id: row.mail_id,
        brand_id: row.brand_id,
        partner_id: row.partner_id,
        masked: row.masked,
        channel: row.channel,
        kind: row.kind,
        subject: row.subject,
        text: row.plain,
        html: row.html,
        sent_at: Timestamp(Micros(row.sent_at)),
    }
}
