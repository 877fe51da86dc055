//! `/unsubscribe/{token}`: where the links of mails lead that end such mails (RFC 8058). Open to everybody who has the link, and limited
//! by address. A look changes nothing, since scanners follow links; the page's button and a mailbox provider's one click do.

use std::sync::Arc;

use api::unsubscribe::{KIND, Unsubscribe};
use axum::Extension;
use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use chassis::http::RequestContext;
use chassis::idempotency::RequestHasher;
use chassis::openapi::{Limited, NotFound, Problems};
use chassis::params::{Among, Named, Path};
use chassis::problem::{Problem, code};
use messaging::group::GroupError;
use runtime::Host;
use schemas::Actor;
use serde::Deserialize;
use types::{MailGroup, MailLanguage, clock, ids};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::submit::queue_full;
use crate::gateway::{self, Gateway};

/// Within so many microseconds a link becomes one command, however often it is used: a minute.
const ONCE_IN: i64 = 60_000_000;
/// Who does it, as messages name it: whoever has the link.
const BY_LINK: &str = "unsubscribe-link";
/// No scripts, no styles, nothing from anywhere; the form goes to this page alone.
const POLICY: &str =
    "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What these routes need: commands of the public wait in a queue of their own.
#[derive(Clone)]
pub(crate) struct Edge {
    gateway: Gateway,
}

/// The routes that are open to everybody.
pub(crate) fn routes(host: &Host) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(show_unsubscribe, unsubscribe))
        .with_state(Edge {
            gateway: gateway::start(host),
        })
}

chassis::refuses!(
    /// As many commands of the public wait as may.
    Full: code::QUEUE_FULL
);

/// Other parameters, which mail programs add, are passed over.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Shown {
    /// What the page is written in; absent: English.
    #[param(value_type = Option<api::lists::MailLanguage>)]
    language: Option<MailLanguage>,
}

impl Named for Shown {
    const NAMES: &[&str] = &["language"];
}

/// Look at what a link of a mail would end
///
/// A page with a button. Nothing changes.
#[utoipa::path(
    get, path = "/unsubscribe/{token}", tag = "public", params(("token" = String, Path, description = "What the link names"), Shown),
    // Without its media type: stock generators leave out what answers with a page.
    responses((status = 200, description = "The page, as `text/html`"), Problems<(NotFound, Limited)>)
)]
pub(crate) async fn show_unsubscribe(
    Path(token): Path<String>,
    Among(shown): Among<Shown>,
) -> Result<Response, Problem> {
    let link = Unsubscribe::read(&token).ok_or_else(Problem::not_found)?;
    let words = Words::of(shown.language);
    let what = words.what(link.group);
    let (about, button) = (words.about, words.button);
    let form =
        format!("<form method=\"post\"><p>{about} {what}</p><button>{button}</button></form>");
    Ok(page(&words, &form))
}

/// Has an address sent no such mails any more
///
/// What a mailbox provider's one click and the page's button do. The link says everything: no body is read. The address, or the group of it,
/// may be gone already: then nothing changes, and the answer is the same.
#[utoipa::path(
    post, path = "/unsubscribe/{token}", tag = "public", params(("token" = String, Path, description = "What the link names"), Shown),
    responses((status = 200, description = "It is taken; a page that says so, as `text/html`"), Problems<(NotFound, Limited, Full)>)
)]
pub(crate) async fn unsubscribe(
    State(edge): State<Edge>,
    Extension(hasher): Extension<Arc<RequestHasher>>,
    context: RequestContext,
    Path(token): Path<String>,
    Among(shown): Among<Shown>,
) -> Result<Response, Problem> {
    let link = Unsubscribe::read(&token).ok_or_else(Problem::not_found)?;
    let request = request(&link, &token, &hasher, context)?;
    edge.gateway
        .submit(vec![request])
        .await
        .map_err(|error| not_taken(&error))?;
    let words = Words::of(shown.language);
    let done = format!("<p>{} {}</p>", words.done, words.what(link.group));
    Ok(page(&words, &done))
}

/// The command, of nobody who is known: whoever has the link may. Within a minute it is the same one.
fn request(
    link: &Unsubscribe,
    token: &str,
    hasher: &RequestHasher,
    context: RequestContext,
) -> Result<gateway::Request, Problem> {
    let unknown = || Problem::internal(&"a link makes a command that there is none of");
    let kind = schemas::kind(KIND).ok_or_else(unknown)?;
    let minute = clock::real().get().div_euclid(ONCE_IN).to_string();
    let id: Uuid = ids::derive(&["unsubscribe", token, &minute]);
    let command = link.command();
    let hash = hasher.request_hash("POST", token, b"");
    Ok(gateway::Request {
        id,
        topic: kind.topic,
        key: command.key,
        subject: command.subject,
        body: command.body,
        actor: Actor {
            subject: BY_LINK.to_owned(),
            roles: Vec::new(),
            partner_id: None,
            brand_id: None,
        },
        correlation_id: context.correlation_id,
        traceparent: context.trace.to_header(),
        idempotency: Some((id.to_string(), hash)),
        note: None,
        forget: None,
    })
}

fn not_taken(error: &GroupError) -> Problem {
    match error {
        GroupError::Full => queue_full(),
        GroupError::Failed(_) => {
            let detail = "it may or may not be taken: do it again";
            Problem::unavailable(code::DATABASE_UNAVAILABLE, detail, 1)
        }
    }
}

/// What the page says.
struct Words {
    language: MailLanguage,
    title: &'static str,
    about: &'static str,
    button: &'static str,
    done: &'static str,
}

impl Words {
    fn of(language: Option<MailLanguage>) -> Self {
        match language.unwrap_or(MailLanguage::English) {
            language @ MailLanguage::English => Self {
                language,
                title: "Unsubscribe",
                about: "Your address is sent mails about",
                button: "Send me no such mails",
                done: "Your address is sent no more mails about",
            },
            language @ MailLanguage::German => Self {
                language,
                title: "Abbestellen",
                about: "Ihre Adresse bekommt Nachrichten zu:",
                button: "Solche Nachrichten abbestellen",
                done: "Ihre Adresse bekommt keine Nachrichten mehr zu:",
            },
        }
    }

    fn what(&self, group: MailGroup) -> &'static str {
        let (english, german) = match group {
            MailGroup::Programme => (
                "applications and invitations.",
                "Bewerbungen und Einladungen.",
            ),
            MailGroup::Earnings => ("claims and commissions.", "Ansprüche und Provisionen."),
            MailGroup::Money => ("payouts and funds.", "Auszahlungen und Guthaben."),
            MailGroup::Security => ("what was switched off.", "was abgeschaltet wurde."),
        };
        match self.language {
            MailLanguage::English => english,
            MailLanguage::German => german,
        }
    }
}

/// Of texts of ours alone: nothing of a request is in it.
fn page(words: &Words, body: &str) -> Response {
    let (language, title) = (words.language.name(), words.title);
    let page = format!(
        "<!doctype html><html lang=\"{language}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"robots\" content=\"noindex\"><title>{title}</title></head><body><main><h1>{title}</h1>{body}</main></body></html>\n"
    );
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, page).into_response()
}
