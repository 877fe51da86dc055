//! What may stand in a brand's own text.

use super::{EMPTY, MAX_VALUE, Variable};

/// The longest subject or text that there may ever come of one, in characters.
const MAX_RENDERED: usize = 16_384;
/// Of a name that there is none of, so much is repeated.
const MAX_REPEATED: usize = 40;

/// Whether a subject or a text says what it may, whatever its values are. The error is for people.
pub(super) fn check(source: &str, variables: &[Variable]) -> Result<(), String> {
    let mut literal = 0_usize;
    let mut named = 0_usize;
    // How deep in conditions, and whether something is said outside of them.
    let (mut depth, mut speaks) = (0_usize, false);
    for (number, piece) in pieces(source) {
        match piece? {
            Piece::Literal(text) => {
                literal = literal.saturating_add(text.chars().count());
                speaks |= depth == 0 && !text.trim().is_empty();
            }
            Piece::Name(name) => {
                known(name, variables).map_err(|detail| at_line(number, &detail))?;
                named = named.saturating_add(1);
            }
            Piece::If(name) => {
                known(name, variables).map_err(|detail| at_line(number, &detail))?;
                depth = depth.saturating_add(1);
            }
            Piece::Else => {}
            Piece::EndIf => depth = depth.saturating_sub(1),
        }
    }
    check_links(source)?;
    if !speaks {
        return Err("must say something of its own, also where no condition holds".to_owned());
    }
    let longest = literal.saturating_add(named.saturating_mul(MAX_VALUE));
    if longest > MAX_RENDERED {
        return Err(format!(
            "names variables {named} times: with values of {MAX_VALUE} characters that is {longest} characters, and {MAX_RENDERED} are the most"
        ));
    }
    // What is left that can be wrong is that conditions do not end, or are too deep in each other.
    let compiled = EMPTY.template_from_str(source);
    compiled.map(drop).map_err(|error| {
        let detail = error.detail().unwrap_or("it cannot be read");
        at_line(error.line().unwrap_or(1), detail)
    })
}

/// What a template is made of.
enum Piece<'a> {
    Literal(&'a str),
    Name(&'a str),
    If(&'a str),
    Else,
    EndIf,
}

/// The pieces of a template, each with its line; an error where there is something else, and nothing after that.
fn pieces(source: &str) -> impl Iterator<Item = (usize, Result<Piece<'_>, String>)> {
    let mut rest = Some(source);
    let mut number = 1_usize;
    std::iter::from_fn(move || {
        let text = rest.filter(|text| !text.is_empty())?;
        let at = number;
        let (piece, left) = next_piece(text).map_or_else(
            |detail| (Err(at_line(at, &detail)), None),
            |(piece, left)| (Ok(piece), Some(left)),
        );
        let taken = text.len().saturating_sub(left.map_or(0, str::len));
        let lines = text.get(..taken).unwrap_or_default().matches('\n').count();
        number = number.saturating_add(lines);
        rest = left;
        Some((at, piece))
    })
}

fn next_piece(text: &str) -> Result<(Piece<'_>, &str), String> {
    let opening = ["{{", "{%", "{#"];
    let starts = opening.iter().filter_map(|it| text.find(it)).min();
    match starts {
        None => return Ok((Piece::Literal(text), "")),
        Some(0) => {}
        Some(start) => {
            let (literal, left) = text.split_at(start);
            return Ok((Piece::Literal(literal), left));
        }
    }
    if text.starts_with("{#") {
        return Err("{# begins a comment, and there are none".to_owned());
    }
    let is_name = text.starts_with("{{");
    let end = if is_name { "}}" } else { "%}" };
    let (inside, left) = text
        .get(2..)
        .and_then(|it| it.split_once(end))
        .ok_or_else(|| format!("there is no {end} that ends it"))?;
    let words: Vec<&str> = inside.split_whitespace().take(4).collect();
    let piece = match (is_name, &*words) {
        (true, [name]) => Piece::Name(name),
        (true, _) => {
            let detail = "between {{ and }} one variable stands, without anything else";
            return Err(detail.to_owned());
        }
        (false, ["if", name] | ["if", "not", name]) => Piece::If(name),
        (false, ["else"]) => Piece::Else,
        (false, ["endif"]) => Piece::EndIf,
        (false, _) => {
            let known = "between {% and %} stands one of: if name, if not name, else, endif";
            return Err(known.to_owned());
        }
    };
    Ok((piece, left))
}

fn known(name: &str, variables: &[Variable]) -> Result<(), String> {
    if variables.iter().any(|it| it.name == name) {
        return Ok(());
    }
    let names: Vec<&str> = variables.iter().map(|it| it.name).collect();
    let shown: String = name.chars().take(MAX_REPEATED).collect();
    Err(format!(
        "there is no variable {shown:?} here: there are {}",
        names.join(", ")
    ))
}

/// Mailbox programs make links of what looks like one, so those of other kinds stand in no text.
fn check_links(source: &str) -> Result<(), String> {
    for (index, text) in source.lines().enumerate() {
        let mut parts = text.split("://").peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_some() && !part.ends_with("https") {
                let number = index.saturating_add(1);
                return Err(at_line(number, "a link begins with https://"));
            }
        }
    }
    Ok(())
}

fn at_line(number: usize, detail: &str) -> String {
    format!("line {number}: {detail}")
}
