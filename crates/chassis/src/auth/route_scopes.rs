//! What API keys may do at which route: stated on the handlers, as their documents show it.

use std::collections::HashMap;

use axum::extract::MatchedPath;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method};
use serde_json::Value;
use types::ApiKeyScope;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::Operation;

use crate::openapi::API_KEY;
use crate::problem::Problem;

/// Which scopes an API key needs at each route that takes one: `security(("bearer" = []), ("api_key" = ["reports.read"]))` on its
/// handler; an empty list takes every key. At any other route a key may do nothing.
#[derive(Debug, Default)]
pub struct RouteScopes(HashMap<(Method, String), Vec<ApiKeyScope>>);

impl RouteScopes {
    /// What the document states.
    pub fn of(document: &OpenApi) -> Self {
        let mut scopes = HashMap::new();
        for (path, item) in &document.paths.paths {
            for (method, operation) in [
                (Method::GET, &item.get),
                (Method::POST, &item.post),
                (Method::PUT, &item.put),
                (Method::PATCH, &item.patch),
                (Method::DELETE, &item.delete),
            ] {
                let stated = operation.as_ref().and_then(stated);
                scopes.extend(stated.map(|needed| ((method, path.clone()), needed)));
            }
        }
        Self(scopes)
    }

    /// 403 unless a key with these scopes may do what a request asks.
    pub(super) fn check(&self, held: &[ApiKeyScope], request: &Parts) -> Result<(), Problem> {
        let path = request.extensions.get::<MatchedPath>();
        let path = path.map_or("", MatchedPath::as_str);
        let method = match &request.method {
            &Method::HEAD => Method::GET,
            method => method.clone(),
        };
        let Some(needed) = self.0.get(&(method, path.to_owned())) else {
            return Err(Problem::forbidden(
                "this is for people: an API key of whatever scope may not do it",
            ));
        };
        match needed.iter().find(|scope| !held.contains(scope)) {
            None => Ok(()),
            Some(missing) => Err(lacking(*missing)),
        }
    }
}

/// RFC 6750, 3.1.
fn lacking(scope: ApiKeyScope) -> Problem {
    let scope = scope.name();
    let challenge =
        format!(r#"Bearer realm="tributary", error="insufficient_scope", scope="{scope}""#);
    let problem = Problem::forbidden(format!("the API key lacks the scope {scope}"));
    match HeaderValue::try_from(challenge) {
        Ok(challenge) => problem.with_header(WWW_AUTHENTICATE, challenge),
        Err(_) => problem,
    }
}

/// The scopes that an operation states for API keys; `None` when it takes none, or names a scope that there is not.
fn stated(operation: &Operation) -> Option<Vec<ApiKeyScope>> {
    let security = serde_json::to_value(operation.security.as_ref()?).ok()?;
    let mut ways = security.as_array()?.iter();
    let names = ways.find_map(|way| way.get(API_KEY))?.as_array()?;
    let scope = |name: &Value| ApiKeyScope::parse(name.as_str()?);
    names.iter().map(scope).collect()
}
