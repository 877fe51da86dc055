//! What is wrong with which part of a request.

use std::borrow::Cow;
use std::fmt::Display;

use serde::Serialize;
use utoipa::ToSchema;

use super::Problem;

/// One invalid part of a request: a field of its body, or a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// RFC 6901 pointer into the body; empty for the body itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "/amount")]
    pub pointer: Option<Cow<'static, str>>,
    /// The name of a path, query or header parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "limit")]
    pub parameter: Option<Cow<'static, str>>,
    /// What is wrong with it.
    #[schema(value_type = String)]
    pub detail: Cow<'static, str>,
}

impl FieldProblem {
    /// A problem of the body's field at this JSON pointer.
    pub fn at(pointer: impl Into<Cow<'static, str>>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            pointer: Some(pointer.into()),
            parameter: None,
            detail: detail.into(),
        }
    }

    /// The same of a body that stands in another at this pointer.
    pub(super) fn below(self, pointer: &str) -> Self {
        let below = |inner: Cow<'static, str>| format!("{pointer}{inner}").into();
        Self {
            pointer: self.pointer.map(below),
            ..self
        }
    }

    /// A problem of a path, query or header parameter.
    pub fn parameter(
        name: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            pointer: None,
            parameter: Some(name.into()),
            detail: detail.into(),
        }
    }
}

/// Collects what is wrong with a body, so that it is all reported at once.
#[derive(Debug, Default)]
pub struct Fields(Vec<FieldProblem>);

impl Fields {
    /// Nothing wrong yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what is wrong with the field at this JSON pointer.
    pub fn refuse(
        &mut self,
        pointer: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) {
        self.0.push(FieldProblem::at(pointer, detail));
    }

    /// Refuses the field unless the condition holds.
    pub fn require(&mut self, holds: bool, pointer: &'static str, detail: &'static str) {
        if !holds {
            self.refuse(pointer, detail);
        }
    }

    /// The value, or `None` with its error noted at this pointer.
    pub fn take<T, E: Display>(
        &mut self,
        pointer: &'static str,
        result: Result<T, E>,
    ) -> Option<T> {
        result
            .map_err(|error| self.refuse(pointer, error.to_string()))
            .ok()
    }

    /// Notes what a check of a part finds, at pointers below this one.
    pub fn within(&mut self, pointer: &str, check: impl FnOnce(&mut Self)) {
        let mut part = Self::new();
        check(&mut part);
        let found = part.0.into_iter().map(|error| error.below(pointer));
        self.0.extend(found);
    }

    /// Nothing was refused, or the 422 that points at everything that was.
    pub fn finish(self) -> Result<(), Problem> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.0))
        }
    }
}
