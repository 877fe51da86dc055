//! What a schema may become: the same with trailing nullable additions, nothing else.
//!
//! The broker's own check lets through what breaks our readers: Avro promotes string to bytes and int to long, and
//! fields may be reordered. This one does not.

use std::fmt;

use crate::shape::{Field, Form, Shape};

/// How a schema breaks an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// Where: the names of the fields on the way.
    pub path: String,
    /// What is wrong there.
    pub reason: String,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

/// Everything in which `newer` is not `older` with trailing nullable additions; empty when it is. Either text may be
/// no schema at all, which is an error.
pub fn breaks(older: &str, newer: &str) -> Result<Vec<Break>, String> {
    let (older, newer) = (Shape::parse(older)?, Shape::parse(newer)?);
    let mut check = Check::new(false);
    check.shapes(&older, &newer);
    Ok(check.found)
}

/// The first thing that keeps one of the two from being the other with trailing nullable additions. Additions on
/// different records may go different ways.
pub(crate) fn first_unrelated(writer: &Shape, reader: &Shape) -> Option<Break> {
    let mut check = Check::new(true);
    check.shapes(writer, reader);
    check.found.into_iter().next()
}

struct Check<'a> {
    found: Vec<Break>,
    path: Vec<&'a str>,
    /// Whether the older one may have additions too.
    both_ways: bool,
}

impl<'a> Check<'a> {
    fn new(both_ways: bool) -> Self {
        Self {
            found: vec![],
            path: vec![],
            both_ways,
        }
    }

    fn shapes(&mut self, older: &'a Shape, newer: &'a Shape) {
        if older.label != newer.label {
            self.report(format!("{} became {}", older.label, newer.label));
            return;
        }
        match (&older.form, &newer.form) {
            (Form::Array(older), Form::Array(newer)) | (Form::Map(older), Form::Map(newer)) => {
                self.shapes(older, newer);
            }
            (Form::Union(older), Form::Union(newer)) => {
                if older.len() != newer.len() {
                    self.report(format!("{} branches became {}", older.len(), newer.len()));
                }
                for (older, newer) in older.iter().zip(newer) {
                    self.shapes(older, newer);
                }
            }
            (Form::Record(older), Form::Record(newer)) => self.fields(older, newer),
            _ => {}
        }
    }

    fn fields(&mut self, older: &'a [Field], newer: &'a [Field]) {
        for (older, newer) in older.iter().zip(newer) {
            self.path.push(&older.name);
            if older.name == newer.name {
                self.shapes(&older.shape, &newer.shape);
                if older.default != newer.default {
                    self.report("its default changed".into());
                }
            } else {
                self.report(format!("{} stands in its place", newer.name));
            }
            self.path.pop();
        }
        for gone in older.iter().skip(newer.len()) {
            self.path.push(&gone.name);
            if !self.both_ways {
                self.report("is gone".into());
            } else if !gone.is_nullable_addition() {
                self.report("is unknown and cannot be left out".into());
            }
            self.path.pop();
        }
        for added in newer.iter().skip(older.len()) {
            self.path.push(&added.name);
            if !added.is_nullable_addition() {
                self.report("was added without being nullable with default null".into());
            }
            self.path.pop();
        }
    }

    fn report(&mut self, reason: String) {
        self.found.push(Break {
            path: self.path.join("."),
            reason,
        });
    }
}
