//! Who acts, and why: what every act of an operator has, also those of a service's own.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use chassis::auth::Caller;
use chassis::json::{Check, Text};
use chassis::problem::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::retry_queue::acts::By;

/// Who acts: a caller in the role `operator`. An extractor that answers 401 or 403.
pub struct Operator(Caller);

impl Operator {
    /// As the audit names it.
    pub fn name(&self) -> &str {
        &self.0.subject
    }

    /// As its token has it.
    pub fn caller(&self) -> &Caller {
        &self.0
    }

    /// With why, as the acts upon the retry queue take it.
    pub(crate) fn by<'a>(&'a self, reason: &'a Reason) -> By<'a> {
        By {
            actor: self.name(),
            reason: &reason.reason,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        caller.require_operator()?;
        Ok(Self(caller))
    }
}

/// Why an operator does something.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// In the operator's own words, for the audit.
    pub reason: Text<500>,
}

impl Check for Reason {}
