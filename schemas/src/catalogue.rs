//! The table of kinds as a document.

use std::fmt::Write as _;

use crate::build::build;
use crate::kinds::{KINDS, Kind, Reach};
use crate::service::Topic;
use crate::shape::{Field, Form, Shape};

/// Every kind in Markdown, a table per topic.
pub fn catalogue_markdown() -> String {
    let mut out = String::new();
    for topic in Topic::ALL {
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            "## {topic}\n\n| type | key / subject | payload | who reacts |\n|---|---|---|---|\n"
        );
        for kind in KINDS.iter().filter(|kind| kind.topic == topic) {
            let _ = writeln!(out, "{}", row(kind));
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn row(kind: &Kind) -> String {
    let identity = if kind.key == kind.subject {
        kind.key.name().to_owned()
    } else {
        format!("{} / {}", kind.key.name(), kind.subject.name())
    };
    let followers: Vec<_> = kind.followers.iter().map(|it| it.name()).collect();
    let who = match kind.reach {
        Reach::Public => followers.join(", "),
        Reach::Own => format!("*own* ({})", kind.topic.owner()),
    };
    format!(
        "| `{}` | {identity} | {} | {who} |",
        kind.name,
        payload_fields(kind).join(", ")
    )
}

/// The fields of a kind's record; those that may be null end in a question mark.
pub fn payload_fields(kind: &Kind) -> Vec<String> {
    let fields = member(&build(kind.topic).shape, "payload")
        .and_then(|payload| member(payload, kind.field))
        .map_or(&[][..], fields);
    let names = fields.iter().map(|field| {
        let optional = if field.is_nullable_addition() {
            "?"
        } else {
            ""
        };
        format!("{}{optional}", field.name)
    });
    names.collect()
}

fn member<'a>(record: &'a Shape, name: &str) -> Option<&'a Shape> {
    let field = fields(record).iter().find(|field| field.name == name)?;
    Some(&field.shape)
}

/// The fields of a record, also of one that may be null.
fn fields(shape: &Shape) -> &[Field] {
    match &shape.form {
        Form::Record(fields) => fields,
        Form::Union(branches) => branches.last().map_or(&[], |branch| fields(branch)),
        _ => &[],
    }
}
