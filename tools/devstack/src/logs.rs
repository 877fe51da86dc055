//! `tributary logs`: readable for a person, as they are for a program.

use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use crate::layout::Layout;
use crate::services::{Program, Replica};
use crate::settings::Settings;

/// Shows the last lines of one program's log or of all, by `tail`.
pub fn show(layout: &Layout, name: Option<&str>, lines: usize, follow: bool) -> Result<()> {
    let files = files(layout, name)?;
    if files.is_empty() {
        bail!("no log yet: ./start.sh starts the stack");
    }
    let readable = match Settings::load(layout)?.get("LOG_FORMAT") {
        None => std::io::stdout().is_terminal(),
        Some("text") => true,
        Some("json") => false,
        Some(other) => bail!("LOG_FORMAT={other}: expected json or text"),
    };
    let mut tail = Command::new("tail");
    tail.args(["-n", &lines.to_string()])
        .args(follow.then_some("-F"))
        .args(files);
    let mut child = tail
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run tail")?;
    let out = child.stdout.take().context("tail has no output")?;
    let mut to = std::io::stdout().lock();
    for line in BufReader::new(out).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        let shown = if readable {
            readable_line(&line)
        } else {
            line.into_owned()
        };
        // Nobody reads on, as behind `| head`.
        if writeln!(to, "{shown}").and_then(|()| to.flush()).is_err() {
            child.kill()?;
            break;
        }
    }
    child.wait()?;
    Ok(())
}

fn files(layout: &Layout, name: Option<&str>) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = match name {
        Some("postgres") => vec![layout.state.join("postgres/postgres.log")],
        Some("pulsar") => vec![layout.state.join("pulsar/pulsar.log")],
        Some(name) if Replica::all(layout).iter().any(|it| it.0 == name) => {
            vec![layout.log(name)]
        }
        Some(name) => vec![layout.log(Program::parse(name)?.name())],
        None => Program::START_ORDER
            .iter()
            .map(|program| layout.log(program.name()))
            .collect(),
    };
    files.retain(|file| file.exists());
    Ok(files)
}

/// `time  LEVEL service: message name=value …`; a line that is not one of ours stays as it is.
fn readable_line(line: &str) -> String {
    let Ok(Value::Object(mut fields)) = serde_json::from_str::<Value>(line) else {
        return line.to_owned();
    };
    // The simulator keeps its own apart.
    if let Some(Value::Object(inner)) = fields.remove("fields") {
        fields.extend(inner);
    }
    let (Some(time), Some(level)) = (text(&mut fields, "timestamp"), text(&mut fields, "level"))
    else {
        return line.to_owned();
    };
    let service = text(&mut fields, "service").unwrap_or_default();
    let target = text(&mut fields, "target").unwrap_or_default();
    let message = text(&mut fields, "message").unwrap_or_default();
    let who = if service.is_empty() { target } else { service };
    let mut shown = format!("{time} {level:>5} {who}: {message}");
    for (name, value) in fields {
        let value = match value {
            Value::String(text) if !text.is_empty() && !text.contains([' ', '"', '\n']) => text,
            other => other.to_string(),
        };
        for part in [" ", &name, "=", &value] {
            shown.push_str(part);
        }
    }
    shown
}

fn text(fields: &mut Map<String, Value>, name: &str) -> Option<String> {
    match fields.remove(name)? {
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_json_becomes_one_that_a_person_reads() {
        let line = r#"{"timestamp":"2026-11-21T00:41:12.5Z","level":"WARN","service":"bff","target":"messaging::relay","message":"the broker is away","transport":"pulsar","error":"not \"here\"","correlation_id":"abc","n":3}"#;
        assert_eq!(
            readable_line(line),
            r#"2026-11-21T00:41:12.5Z  WARN bff: the broker is away correlation_id=abc error="not \"here\"" n=3 transport=pulsar"#
        );
    }

    #[test]
    fn what_is_not_a_line_of_ours_stays_as_it_is() {
        for line in ["==> bff.log <==", "", "LOG:  ready", "[1]", r#"{"a":1}"#] {
            assert_eq!(readable_line(line), line);
        }
    }
}
