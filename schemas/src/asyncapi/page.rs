//! The document as a page: needs no script and nothing from elsewhere.

use std::fmt::Write as _;

use serde_json::Value;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}\
h1,h2,h3{line-height:1.2}h2{margin-top:3rem;border-bottom:1px solid #d0d7de}h3{margin-top:2rem;font-family:ui-monospace,monospace;font-size:1rem}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #eaeef2}\
code,pre{font-family:ui-monospace,monospace;font-size:.875rem}pre{overflow:auto;background:#f6f8fa;padding:.75rem}a{color:#0550ae}\
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}pre{background:#161b22}a{color:#79c0ff}\
h2,th,td{border-color:#30363d}}";

/// A page of HTML that says what `document`, one of [`asyncapi`](super::asyncapi), says.
pub fn asyncapi_page(document: &Value) -> String {
    let info = &document["info"];
    let title = text(&info["title"]);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<h1>{title}</h1>\n<p>{}</p>\n\
         <p><a href=\"/asyncapi.json\">The AsyncAPI document</a> · <a href=\"/docs/\">the HTTP interface</a></p>\n",
        text(&info["description"])
    );
    let channels = entries(&document["channels"]);
    contents(&mut page, channels.clone());
    let mut schemas = entries(&document["components"]["schemas"]);
    if let Some((_, schema)) = schemas.find(|(_, schema)| schema["schema"].is_object()) {
        envelope(&mut page, &schema["schema"]);
    }
    properties(
        &mut page,
        &document["components"]["schemas"]["event-properties"],
    );
    for (topic, channel) in channels {
        let schema = &document["components"]["schemas"][topic]["schema"];
        section(&mut page, topic, channel, schema);
    }
    page.push_str("</body>\n</html>\n");
    page
}

fn contents<'a>(page: &mut String, channels: impl Iterator<Item = (&'a String, &'a Value)>) {
    page.push_str("<ul>\n<li><a href=\"#envelope\">The envelope</a></li>\n");
    for (topic, channel) in channels {
        let kinds = entries(&channel["messages"]);
        let links: Vec<_> = kinds.map(|(kind, _)| link(topic, kind)).collect();
        put(
            page,
            format_args!(
                "<li><a href=\"#{topic}\">{topic}</a> {}</li>\n",
                links.join(", ")
            ),
        );
    }
    page.push_str("</ul>\n");
}

fn link(topic: &str, kind: &str) -> String {
    format!("<a href=\"#{topic}/{kind}\"><code>{kind}</code></a>")
}

/// What every message has beside its payload.
fn envelope(page: &mut String, schema: &Value) {
    page.push_str("<h2 id=\"envelope\">The envelope</h2>\n<p>Fields of every message beside its payload.</p>\n");
    let mut table = Table::begin(page);
    for field in items(&schema["fields"]) {
        if field["name"] != "payload" {
            table.field("", field, schema);
        }
    }
    table.end();
}

fn properties(page: &mut String, schema: &Value) {
    page.push_str("<p>Some of them are the message's properties as well, as text: ");
    let names: Vec<_> = entries(&schema["properties"])
        .map(|(name, _)| format!("<code>{name}</code>"))
        .collect();
    put(page, format_args!("{}.</p>\n", names.join(", ")));
}

fn section(page: &mut String, topic: &str, channel: &Value, schema: &Value) {
    put(
        page,
        format_args!(
            "<h2 id=\"{topic}\">{topic}</h2>\n<p>{} {}</p>\n<p><code>{}</code></p>\n",
            text(&channel["summary"]),
            text(&channel["description"]),
            text(&channel["address"])
        ),
    );
    for (kind, message) in entries(&channel["messages"]) {
        let more = &message["x-tributary"];
        put(
            page,
            format_args!(
                "<h3 id=\"{topic}/{kind}\">{kind}</h3>\n<p>{} {}</p>\n<p>Sent by {}, followed by {}.",
                text(&message["summary"]),
                code_spans(&text(&message["description"])),
                text(&more["sentBy"]),
                items(&more["followedBy"])
                    .map(text)
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        );
        outcomes(page, topic, more);
        page.push_str("</p>\n");
        payload(page, schema, &more["payloadField"]);
        codes(page, &more["codes"]);
        example(page, message);
    }
}

fn outcomes(page: &mut String, topic: &str, more: &Value) {
    let events = topic.replace("-commands", "-events");
    let links = items(&more["outcomes"]).filter_map(Value::as_str);
    let mut links: Vec<_> = links.map(|kind| link(&events, kind)).collect();
    if let Some(last) = links.pop() {
        let rejected = link(&events, "command.rejected.v1");
        links.push(format!("{last}, or {rejected}"));
        put(page, format_args!(" Ends in {}.", links.join(", ")));
    }
}

/// The fields of a kind's record.
fn payload(page: &mut String, schema: &Value, field: &Value) {
    let payload = items(&schema["fields"]).find(|field| field["name"] == "payload");
    let mut kinds = payload
        .into_iter()
        .flat_map(|it| items(&it["type"]["fields"]));
    let record = kinds.find(|kind| kind["name"] == *field);
    let mut fields = record
        .into_iter()
        .flat_map(|it| items(&it["type"][1]["fields"]))
        .peekable();
    if fields.peek().is_none() {
        page.push_str("<p>Its payload has no fields.</p>\n");
        return;
    }
    let mut table = Table::begin(page);
    for field in fields {
        table.field("", field, schema);
    }
    table.end();
}

fn codes(page: &mut String, codes: &Value) {
    let mut codes = entries(codes).peekable();
    if codes.peek().is_none() {
        return;
    }
    page.push_str("<table>\n<tr><th>code</th><th>meaning</th></tr>\n");
    for (code, meaning) in codes {
        put(
            page,
            format_args!(
                "<tr><td><code>{code}</code></td><td>{}</td></tr>\n",
                text(meaning)
            ),
        );
    }
    page.push_str("</table>\n");
}

fn example(page: &mut String, message: &Value) {
    for example in items(&message["examples"]) {
        // Values of text, numbers and lists are always JSON.
        let shown = serde_json::to_string_pretty(&example["payload"]).unwrap_or_default();
        put(
            page,
            format_args!(
                "<details><summary>Example</summary>\n<pre>{}</pre>\n</details>\n",
                escape(&shown)
            ),
        );
    }
}

/// A table of fields.
struct Table<'a> {
    page: &'a mut String,
}

impl<'a> Table<'a> {
    fn begin(page: &'a mut String) -> Self {
        page.push_str("<table>\n<tr><th>field</th><th>type</th><th>meaning</th></tr>\n");
        Self { page }
    }

    /// A row for the field, and below it one for each field of a record in it.
    fn field(&mut self, within: &str, field: &Value, schema: &Value) {
        let name = format!("{within}{}", text(&field["name"]));
        let (shown, record) = shape(&field["type"], schema);
        put(
            self.page,
            format_args!(
                "<tr><td><code>{name}</code></td><td>{shown}</td><td>{}</td></tr>\n",
                text(&field["doc"])
            ),
        );
        for inner in record
            .into_iter()
            .flat_map(|record| items(&record["fields"]))
        {
            self.field(&format!("{name}."), inner, schema);
        }
    }

    fn end(self) {
        self.page.push_str("</table>\n");
    }
}

/// What a type is called, and the record in it. No record contains itself: a test of the schemas sees to that.
fn shape<'a>(avro: &'a Value, schema: &'a Value) -> (String, Option<&'a Value>) {
    match avro {
        Value::Array(branches) => {
            let (shown, record) = branches
                .last()
                .map_or_else(Default::default, |it| shape(it, schema));
            (format!("{shown} or null"), record)
        }
        Value::Object(_) if avro["type"] == "array" => {
            let (shown, record) = shape(&avro["items"], schema);
            (format!("array of {shown}"), record)
        }
        Value::Object(_) if avro["type"] == "record" => (text(&avro["name"]), Some(avro)),
        Value::Object(_) => match avro["logicalType"].as_str() {
            Some(logical) => (
                format!("{} ({})", text(&avro["type"]), escape(logical)),
                None,
            ),
            None => (text(&avro["type"]), None),
        },
        name => (
            text(name),
            name.as_str().and_then(|name| defined(name, schema)),
        ),
    }
}

/// The record of that name, wherever in the schema it is defined.
fn defined<'a>(name: &str, within: &'a Value) -> Option<&'a Value> {
    match within {
        Value::Object(_) if within["type"] == "record" && within["name"] == name => Some(within),
        Value::Object(fields) => fields.values().find_map(|inner| defined(name, inner)),
        Value::Array(items) => items.iter().find_map(|inner| defined(name, inner)),
        _ => None,
    }
}

fn entries(object: &Value) -> impl Iterator<Item = (&String, &Value)> + Clone {
    object.as_object().into_iter().flatten()
}

fn items(array: &Value) -> impl Iterator<Item = &Value> {
    array.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// What stands between backticks, as code.
fn code_spans(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts
        .map(|(at, part)| {
            if at % 2 == 1 {
                format!("<code>{part}</code>")
            } else {
                part.to_owned()
            }
        })
        .collect()
}

fn put(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = page.write_fmt(text);
}
