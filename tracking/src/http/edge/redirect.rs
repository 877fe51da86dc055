//! `GET /c/{code}`: the click is committed, then the visitor goes on to the shop with its id. Of a link that is stopped no click
//! counts, and the visitor goes to the campaign's fallback page.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chassis::json::Text;
use chassis::openapi::Problems;
use chassis::params::{Among, Named, Path};
use chassis::problem::{Problem, code};
use messaging::clock;
use serde::Deserialize;
use types::{ClickId, LinkCode};
use utoipa::IntoParams;

use super::Edge;
use super::cache::Known;
use crate::store::clicks::NewClick;
use crate::store::links::{self, Target};
use crate::{click_id, visitor};

/// A visitor does not wait longer for a database that hangs; one that is gone says so at once.
const PATIENCE: Duration = Duration::from_secs(2);

/// Other parameters, which mail programs and networks add, are passed over.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Visitor {
    /// The visitor, as the shop knows them: 1 to 128 characters. It counts where the campaign trusts redirects, and only a hash of it is
    /// kept. Elsewhere the shop says whose click it was once it knows.
    #[param(value_type = Option<String>, max_length = 128)]
    user_id: Option<Text<128>>,
}

chassis::refuses!(
    /// One address asks too often.
    pub(super) Limited: code::RATE_LIMITED
);

impl Named for Visitor {
    const NAMES: &[&str] = &["user_id"];
}

/// Follow a partner's link
///
/// Records the click and redirects to the link's target, with `click_id` added to its query. While the link is disabled, the
/// campaign has not started, is paused or closed, or when the partner is no longer in it, nothing is recorded, and the redirect is to the campaign's
/// fallback page.
#[utoipa::path(
    get,
    path = "/c/{code}",
    tag = "public",
    params(("code" = String, Path, description = "The link's code"), Visitor),
    responses(
        (status = 302, description = "To the target, or to the fallback page", headers(("location" = String))),
        Problems<Limited>,
    )
)]
pub(super) async fn follow_link(
    State(edge): State<Edge>,
    method: Method,
    Path(code): Path<String>,
    Among(visitor): Among<Visitor>,
) -> Result<Response, Problem> {
    let code = LinkCode::parse(code).map_err(|_| unknown())?;
    let link = edge.link(&code).await?;
    if !link.live {
        metrics::counter!("tracking_fallbacks_total").increment(1);
        return redirect(&link.url);
    }
    if method == Method::HEAD {
        return redirect(&link.url); // a look at the link, not a visit
    }
    let click = edge.click(code, Arc::clone(&link), visitor).await?;
    redirect(&with_click_id(&link.url, &click))
}

impl Edge {
    /// Where the link leads: as remembered, unless something was stopped since, and as it was where the database cannot say.
    async fn link(&self, code: &LinkCode) -> Result<Arc<Target>, Problem> {
        let before = match self.links.get(code) {
            Known::Fresh(link) => return Ok(link),
            Known::Stale(link) => Some(link),
            Known::Unknown => None,
        };
        let stop = self.links.stop();
        let found = tokio::time::timeout(PATIENCE, links::target(&self.pool, code)).await;
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
            (_, Some(before)) => Ok(before),
            (Ok(Err(error)), None) => Err(runtime::unread(&error)),
            (Err(_), None) => Err(away()),
        }
    }

    /// The id of a committed click, or one that stands for itself when the database is away.
    async fn click(
        &self,
        code: LinkCode,
        link: Arc<Target>,
        visitor: Visitor,
    ) -> Result<ClickId, Problem> {
        let named = visitor.user_id.filter(|_| link.trusts_redirects);
        let click = NewClick {
            code: code.clone(),
            link,
            user: named.map(|id| visitor::hash(&id)),
        };
        let submitted = tokio::time::timeout(PATIENCE, self.clicks.submit(click)).await;
        if let Ok(Ok(id)) = submitted {
            metrics::counter!("tracking_clicks_total").increment(1);
            return Ok(id);
        }
        // Should the commit stand after all, it is a click more of this visitor on this link, which harms nobody.
        metrics::counter!("tracking_clicks_without_row_total").increment(1);
        click_id::sign(&code, clock::now()).ok_or_else(away)
    }
}

fn unknown() -> Problem {
    Problem::not_found().with_detail("there is no such link")
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

/// Adds the click to the target's query, before its fragment, in place of any that stands there: whichever of two a shop
/// reads, the click is the one that was recorded.
fn with_click_id(target: &str, click: &ClickId) -> String {
    let (address, fragment) = match target.split_once('#') {
        Some((address, fragment)) => (address, Some(fragment)),
        None => (target, None),
    };
    let (page, query) = address.split_once('?').unwrap_or((address, ""));
    let is_click_id = |pair: &&str| {
        url::form_urlencoded::parse(pair.as_bytes()).any(|(name, _)| name == "click_id")
    };
    let others = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !is_click_id(pair));
    let mut url = format!("{page}?");
    for pair in others {
        url.push_str(pair);
        url.push('&');
    }
    let fragment = fragment.map_or_else(String::new, |fragment| format!("#{fragment}"));
    format!("{url}click_id={click}{fragment}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_click_id_joins_the_query_that_is_there() {
        let click = ClickId::parse("clk_1").unwrap();
        for (target, expected) in [
            ("https://a.example/", "https://a.example/?click_id=clk_1"),
            ("https://a.example/?", "https://a.example/?click_id=clk_1"),
            (
                "https://a.example/?b=c",
                "https://a.example/?b=c&click_id=clk_1",
            ),
            (
                "https://a.example/p?b=c#d?e",
                "https://a.example/p?b=c&click_id=clk_1#d?e",
            ),
            (
                "https://a.example/?click_id=clk_9&b=c&click%5fid=x&&click_id",
                "https://a.example/?b=c&click_id=clk_1",
            ),
            (
                "https://a.example/?my_click_id=2",
                "https://a.example/?my_click_id=2&click_id=clk_1",
            ),
            (
                "https://a.example/#d",
                "https://a.example/?click_id=clk_1#d",
            ),
        ] {
            assert_eq!(with_click_id(target, &click), expected);
        }
    }
}
