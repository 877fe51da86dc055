//! `GET /c/{code}`: the click is committed, then the visitor goes on to the shop with its id. Of a link that is stopped no click
//! counts, and the visitor goes to the campaign's fallback page.

use std::convert::Infallible;
use std::sync::Arc;

use api::redirects::Signed;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use chassis::json::Text;
use chassis::openapi::{Limited, Problems};
use chassis::params::{Among, Named, Path};
use chassis::problem::{Code, Problem};
use messaging::clock;
use serde::Deserialize;
use types::{ApiKeyId, ApiKeyScope, ClickId, LinkCode};
use utoipa::IntoParams;

use super::Edge;
use super::bots::is_bot;
use super::cache::Known;
use crate::destination::{with_click_id, with_path};
use crate::store::clicks::{NewClick, SubIds};
use crate::store::links::{self, Target};
use crate::{click_id, visitor};

/// The longest sub id, in characters.
const MAX_SUB_ID: usize = 64;

/// What is answered to who fetches a link before somebody opens it.
const PREFETCHED: Code = Code::new(
    403,
    "not_prefetched",
    "A link is followed when somebody opens it, and not before.",
);
chassis::refuses!(Prefetched: PREFETCHED);

/// What a request is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Intent {
    /// Somebody opens the link.
    Visit,
    /// `HEAD`: a look at the link.
    Look,
    /// A browser fetches what somebody may open (`Sec-Purpose`, and what older ones say).
    Prefetch,
    /// A program that says it is one follows the link for nobody: of a search engine, or for a preview.
    Bot,
}

impl<S: Sync> FromRequestParts<S> for Intent {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let says = |name| {
            let values = parts.headers.get_all(name).iter();
            let mut values = values.filter_map(|value| value.to_str().ok());
            values.any(|value| value.split([';', ',']).any(|it| it.trim() == "prefetch"))
        };
        let agent = parts.headers.get(header::USER_AGENT);
        Ok(if parts.method == Method::HEAD {
            Self::Look
        } else if ["sec-purpose", "purpose", "x-purpose", "x-moz"]
            .into_iter()
            .any(says)
        {
            Self::Prefetch
        } else if agent.is_some_and(|agent| is_bot(agent.as_bytes())) {
            Self::Bot
        } else {
            Self::Visit
        })
    }
}

/// Other parameters, which mail programs and networks add, are passed over.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Visitor {
    /// The visitor, as the shop knows them: 1 to 128 characters. It counts where the brand's system has signed the redirect, or the campaign
    /// trusts redirects, and only a hash of it is kept. Elsewhere the shop says whose click it was once it knows.
    #[param(value_type = Option<String>, max_length = 128)]
    user_id: Option<Text<128>>,
    /// The API key whose holder signed the redirect.
    #[param(max_length = 64, example = "key_5f0c8e6b1d4a5b7c9e2f3a4b5c6d7e8f")]
    key_id: Option<String>,
    /// When it was signed, in seconds since 1970: a day ago at most.
    #[param(max_length = 20, example = "1800000000")]
    signed_at: Option<String>,
    /// HMAC-SHA256 in hexadecimal, under the key's signing secret, over the link's code, `user_id` and `signed_at` with a line feed between
    /// each.
    #[param(max_length = 64)]
    signature: Option<String>,
    /// What the partner wants to find the click with among its single clicks (`/api/v1/clicks/single`), and with them alone: 1 to 64 characters
    /// from `A-Z a-z 0-9 . _ ~ -`, else it is passed over. The same holds for `sub2` to `sub5`.
    #[param(max_length = 64)]
    sub1: Option<String>,
    #[param(max_length = 64)]
    sub2: Option<String>,
    #[param(max_length = 64)]
    sub3: Option<String>,
    #[param(max_length = 64)]
    sub4: Option<String>,
    #[param(max_length = 64)]
    sub5: Option<String>,
}

impl Named for Visitor {
    const NAMES: &[&str] = &[
        "user_id",
        "key_id",
        "signed_at",
        "signature",
        "sub1",
        "sub2",
        "sub3",
        "sub4",
        "sub5",
    ];
    /// Whatever is wrong with the others, the visitor goes on.
    const STRICT: &[&str] = &["user_id"];

    fn is_good(name: &str, value: &str) -> bool {
        !name.starts_with("sub") || is_sub_id(value)
    }
}

impl Visitor {
    /// Its sub ids, by name.
    fn sub_ids(&mut self) -> Option<SubIds> {
        let subs = [
            ("sub1", self.sub1.take()),
            ("sub2", self.sub2.take()),
            ("sub3", self.sub3.take()),
            ("sub4", self.sub4.take()),
            ("sub5", self.sub5.take()),
        ];
        let kept = subs.into_iter();
        let kept: SubIds = kept.filter_map(|(name, sub)| Some((name, sub?))).collect();
        (!kept.is_empty()).then_some(kept)
    }
}

fn is_sub_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
    (1..=MAX_SUB_ID).contains(&text.len()) && text.bytes().all(plain)
}

/// Follow a partner's link
///
/// Records the click and redirects to the link's target, with `click_id` added to its query. While the link is disabled, the
/// campaign has not started, has ended, is paused or closed, or when the partner is no longer in it, nothing is recorded, and the redirect is to the campaign's
/// fallback page. A browser that fetches it before somebody opens it is refused. A search engine or a preview of a posted link, by what its
/// `User-Agent` says, is redirected and not recorded: `location` has no `click_id` then. Where the link allows deep paths, `/c/{code}/some/path` leads to that page below the target.
#[utoipa::path(
    get,
    path = "/c/{code}",
    tag = "public",
    params(("code" = String, Path, description = "The link's code"), Visitor),
    responses(
        (status = 302, description = "To the target, or to the fallback page", headers(("location" = String))),
        Problems<(Limited, Prefetched)>,
    )
)]
pub(super) async fn follow_link(
    State(edge): State<Edge>,
    intent: Intent,
    Path(code): Path<String>,
    Among(visitor): Among<Visitor>,
) -> Result<Response, Problem> {
    edge.follow(intent, &code, None, visitor).await
}

/// The same with a path behind the code, as it stands in the request: it names a page below the link's target, where the link
/// allows it. What would leave the target's path is as a code that there is none of.
pub(super) async fn follow_deep_link(
    State(edge): State<Edge>,
    intent: Intent,
    uri: Uri,
    Among(visitor): Among<Visitor>,
) -> Result<Response, Problem> {
    let (code, path) = uri
        .path()
        .strip_prefix("/c/")
        .and_then(|rest| rest.split_once('/'))
        .ok_or_else(unknown)?;
    edge.follow(intent, code, Some(path), visitor).await
}

impl Edge {
    async fn follow(
        &self,
        intent: Intent,
        code: &str,
        path: Option<&str>,
        visitor: Visitor,
    ) -> Result<Response, Problem> {
        let code = LinkCode::parse(code).map_err(|_| unknown())?;
        let link = self.link(&code).await?;
        if path.is_some() && !link.deep_paths {
            return Err(unknown());
        }
        if !link.live {
            metrics::counter!("tracking_fallbacks_total").increment(1);
            return redirect(&link.url);
        }
        let below = match path {
            Some(path) => Some(with_path(&link.url, path).ok_or_else(unknown)?),
            None => None,
        };
        let target = below.as_deref().unwrap_or(&link.url);
        match intent {
            Intent::Visit => {}
            Intent::Look => return redirect(target),
            Intent::Bot => {
                metrics::counter!("tracking_bots_total").increment(1);
                return redirect(target);
            }
            // Followed from what was fetched before, the visit would not be seen here: it is not fetched before.
            Intent::Prefetch => {
                metrics::counter!("tracking_prefetches_total").increment(1);
                let no_store = HeaderValue::from_static("no-store");
                let detail = "the link is followed when somebody opens it, and not before";
                return Err(Problem::of(PREFETCHED)
                    .with_detail(detail)
                    .with_header(header::CACHE_CONTROL, no_store));
            }
        }
        let click = self.click(code, Arc::clone(&link), visitor).await?;
        redirect(&with_click_id(target, &click))
    }

    /// Where the link leads: as remembered, unless something was stopped since, and as it was where the database cannot say.
    async fn link(&self, code: &LinkCode) -> Result<Arc<Target>, Problem> {
        let before = match self.links.get(code) {
            Known::Fresh(link) if !link.has_ended(clock::now()) => return Ok(link),
            Known::Fresh(link) | Known::Stale(link) => Some(link),
            Known::Unknown => None,
        };
        let stop = self.links.stop();
        let found = tokio::time::timeout(self.patience, links::target(&self.pool, code)).await;
        match (found, before) {
            (Ok(Ok(Some(target))), _) => {
                let target = Arc::new(target);
                // A stopped link may go on any time: it is read again until it does.
                if target.live {
                    self.links.put(code.clone(), Arc::clone(&target), stop);
                } else {
                    self.links.forget(code);
                }
                Ok(target)
            }
            (Ok(Ok(None)), _) => Err(unknown()),
            // Where else it leads only the database could say: no click counts.
            (_, Some(before)) if before.has_ended(clock::now()) => Ok(Arc::new(Target {
                live: false,
                ..Target::clone(&before)
            })),
            (_, Some(before)) => Ok(before),
            (Ok(Err(error)), None) => Err(runtime::unread(&error)),
            (Err(_), None) => Err(away()),
        }
    }

    /// Whether a system of the campaign's brand says whose visit it is. That it cannot be looked up makes no visitor wait: who it was can be
    /// said later.
    async fn is_signed(
        &self,
        code: &LinkCode,
        link: &Target,
        user_id: &str,
        query: &Visitor,
    ) -> bool {
        let (Some(key), Some(at), Some(signature)) =
            (&query.key_id, &query.signed_at, &query.signature)
        else {
            return false;
        };
        let holds = async {
            let (key, signed_at) = (ApiKeyId::parse(key.as_str()).ok()?, at.parse().ok()?);
            let found =
                tokio::time::timeout(self.patience, runtime::api_key(&self.pool, &key)).await;
            let key = found.ok()?.ok()??;
            let may = key.brand.as_str() == link.brand_id
                && key.scopes.contains(&ApiKeyScope::ConversionsWrite);
            let signed = Signed {
                code,
                user_id,
                signed_at,
            };
            let now = clock::real();
            let mut hashes = key.hashes_at(clock::now()).filter(|_| may);
            hashes
                .any(|hash| signed.is_signed(hash, signature, now))
                .then_some(())
        };
        let holds = holds.await.is_some();
        if !holds {
            metrics::counter!("tracking_signatures_refused_total").increment(1);
        }
        holds
    }

    /// The id of a committed click, or one that stands for itself when the database is away.
    async fn click(
        &self,
        code: LinkCode,
        link: Arc<Target>,
        mut visitor: Visitor,
    ) -> Result<ClickId, Problem> {
        let named = match visitor.user_id.take() {
            Some(id)
                if link.trusts_redirects || self.is_signed(&code, &link, &id, &visitor).await =>
            {
                Some(id)
            }
            _ => None,
        };
        let click = NewClick {
            sub_ids: visitor.sub_ids(),
            code: code.clone(),
            link,
            user: named.map(|id| visitor::hash(&id)),
        };
        let submitted = tokio::time::timeout(self.patience, self.clicks.submit(click)).await;
        if let Ok(Ok(id)) = submitted {
            metrics::counter!("tracking_clicks_total").increment(1);
            return Ok(id);
        }
        // Should the commit stand after all, it is a click more of this visitor on this link, which harms nobody.
        metrics::counter!("tracking_clicks_without_row_total").increment(1);
        click_id::sign(&code, clock::now()).ok_or_else(away)
    }
}

/// A cache may keep a 404 by itself (RFC 9110, 15.1), and the link may be there a second later.
fn unknown() -> Problem {
    Problem::not_found()
        .with_detail("there is no such link")
        .with_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
}

fn away() -> Problem {
    let slow = sqlx::Error::PoolTimedOut;
    runtime::unread(&slow)
}

fn redirect(to: &str) -> Result<Response, Problem> {
    let location = HeaderValue::try_from(to).map_err(|error| Problem::internal(&error))?;
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((StatusCode::FOUND, headers).into_response())
}
