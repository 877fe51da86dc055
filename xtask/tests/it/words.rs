//! One word for each thing: those of `docs/glossary.md`, and none of those that stood for them before.

use std::path::Path;

use crate::tracked::tracked;
use Where::{Everywhere, Names};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Where {
    /// In names of code. One of more than [`MAX_PARTS`] parts is a sentence, as tests have them.
    Names,
    /// In sentences, comments, texts and documents too.
    Everywhere,
}

const MAX_PARTS: usize = 4;

/// What is not said, where, and what is said instead. One in capitals is meant in names of constants alone.
const WORDS: &[(&str, Where, &str)] = &[
    ("doubt", Everywhere, "indeterminate"),
    ("doubts", Everywhere, "indeterminate"),
    ("doubted", Everywhere, "indeterminate"),
    ("doubtful", Everywhere, "indeterminate"),
    ("drill", Everywhere, "chaos run"),
    ("drills", Everywhere, "chaos run"),
    ("drilled", Everywhere, "chaos run"),
    ("foreign", Everywhere, "external producer, or whose it is"),
    ("foreigner", Everywhere, "external producer"),
    ("foreigners", Everywhere, "external producers"),
    ("hostile", Everywhere, "malformed, untrusted"),
    ("in hand", Everywhere, "in flight"),
    ("inlet", Everywhere, "sender"),
    ("inlets", Everywhere, "sender"),
    ("intake", Everywhere, "command gateway"),
    ("lane", Everywhere, "flow"),
    ("lanes", Everywhere, "flow"),
    ("planted", Everywhere, "injected fault"),
    ("rehearsal", Everywhere, "dry run"),
    ("rehearse", Everywhere, "dry run"),
    ("rehearsed", Everywhere, "dry run"),
    ("road", Everywhere, "transport"),
    ("roads", Everywhere, "transport"),
    ("set aside", Everywhere, "retry queue, dead letter, park"),
    ("sets aside", Everywhere, "retry queue, dead letter, park"),
    (
        "setting aside",
        Everywhere,
        "retry queue, dead letter, park",
    ),
    ("stands aside", Everywhere, "retry queue, dead letter"),
    ("told apart", Everywhere, "distinguishable"),
    ("tell apart", Everywhere, "distinguish"),
    ("tells apart", Everywhere, "distinguishes"),
    ("untold", Names, "unreported, unlogged"),
    ("verdict", Everywhere, "decision"),
    ("verdicts", Everywhere, "decision"),
    ("aside", Names, "side data, park, off-thread"),
    ("asked", Names, "submitted, requested"),
    ("asking", Names, "command request, requesting"),
    ("book", Names, "ledger, records"),
    ("books", Names, "ledger, records"),
    ("bring back", Names, "redrive, resume"),
    ("brought back", Names, "redriven, resumed"),
    ("desk", Names, "payout worker"),
    ("handled before", Names, "superseded"),
    ("led", Names, "leader"),
    ("parked", Names, "retry queue"),
    ("pot", Names, "account type"),
    ("pots", Names, "account types"),
    ("said", Names, "response, output"),
    ("say", Names, "report, respond"),
    ("standing", Names, "status"),
    ("stopped stream", Names, "halted stream"),
    ("tell", Names, "report, notify"),
    ("telling", Names, "reporting"),
    ("tells", Names, "reports"),
    ("told", Names, "reported, acknowledged"),
    ("unparked", Names, "left the retry queue"),
    ("wake", Names, "resume, notify"),
    ("wakes", Names, "resumes"),
    ("woken", Names, "resumed"),
    ("world", Names, "batch state"),
    ("LONGEST", Names, "MAX"),
    ("MOST", Names, "MAX"),
    ("SHORTEST", Names, "MIN"),
];

/// Names that stay, where, and why.
const MAY_STAY: &[(&str, &str, &str)] = &[
    ("parked_at", "crates/", "a column and a field of JSON"),
    ("standing", "tracking/src/http/", "a field of JSON"),
    ("Standing", "tracking/src/http/", "its schema in OpenAPI"),
    ("standing", "tracking/src/store/", "a column"),
    ("set_aside", "crates/operations/", "an outcome in JSON"),
    ("set_aside", "docs/operations.md", "that outcome"),
    (
        "set_aside_for",
        "crates/operations/",
        "in audits that exist",
    ),
];

/// What is about those words, tells history, or was released as it is.
const NOT_READ: [&str; 4] = [
    "CHANGELOG.md",
    "docs/decisions/",
    "schemas/golden/",
    "xtask/tests/it/words.rs",
];

#[test]
fn no_word_of_the_old_dialect_is_left_in_code_or_documents() {
    let mut files = tracked(&["*.rs", "*.md"]);
    files.retain(|(file, _)| !NOT_READ.iter().any(|not| file.starts_with(not)));
    assert!(files.len() > 500, "{} files", files.len());
    let mut found = Vec::new();
    for (file, text) in &files {
        found.extend(old_words(file, text));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn an_old_word_is_found_with_its_line_and_what_to_say() {
    let rust = "// In doubt it is told.\nlet isTold = \"told\"; let said = r#\"asked \"told\" \"#;\n\
                fn a_test_may_say_that_nobody_told_it() {}\nconst MOST_ROWS: u8 = b'\"'; fn most<'a>() {} // said";
    assert_eq!(
        old_words("a.rs", rust),
        [
            "a.rs:1: doubt in doubt: say indeterminate",
            "a.rs:2: said in said: say response, output",
            "a.rs:2: told in isTold: say reported, acknowledged",
            "a.rs:4: MOST in MOST_ROWS: say MAX",
        ]
    );
    let prose = "It is set\naside, as `set_aside` has it. He was told.";
    assert_eq!(old_words("a.md", prose).len(), 2);
    assert!(old_words("docs/operations.md", "`set_aside`").is_empty());
    let link = "see [0015](decisions/0015-drill-on-the-wire.md)";
    assert!(old_words("a.md", link).is_empty());
}

fn old_words(file: &str, text: &str) -> Vec<String> {
    let all = without_decisions(text);
    let is_rust = Path::new(file).extension().is_some_and(|it| it == "rs");
    let names = if is_rust {
        names_alone(text)
    } else {
        String::new()
    };
    let (all, names) = (parts(&all), parts(&names));
    let mut found = Vec::new();
    for (word, place, instead) in WORDS {
        let wanted: Vec<&str> = word.split(' ').collect();
        let within = if *place == Names { &names } else { &all };
        for window in within.windows(wanted.len()) {
            let first = &window[0];
            let is_there = window.iter().zip(&wanted).all(|(part, word)| part.is(word));
            let is_name =
                first.of <= MAX_PARTS && window.iter().all(|part| part.start == first.start);
            let stays = MAY_STAY
                .iter()
                .any(|(name, place, _)| *name == first.name && file.starts_with(place));
            if is_there && !stays && (is_name || *place == Everywhere) {
                let what = format!("{word} in {}: say {instead}", first.name);
                found.push((first.line, what));
            }
        }
    }
    found.sort();
    let lines = found.into_iter();
    lines
        .map(|(line, what)| format!("{file}:{line}: {what}"))
        .collect()
}

/// A part of a name, or a word.
struct Part<'a> {
    text: &'a str,
    name: &'a str,
    /// Where the name begins, and of how many parts it is.
    start: usize,
    of: usize,
    line: usize,
}

impl Part<'_> {
    fn is(&self, word: &str) -> bool {
        let is_of_constants = word.bytes().all(|byte| byte.is_ascii_uppercase());
        self.text == word || !is_of_constants && self.text.eq_ignore_ascii_case(word)
    }
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut all = Vec::new();
    let (mut at, mut line) = (0, 1);
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    for name in text.split(|letter| !is_of_name(letter)) {
        let words = name.split('_').flat_map(words_of);
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let of = words.len();
        all.extend(words.into_iter().map(|text| Part {
            text,
            name,
            start: at,
            of,
            line,
        }));
        at += name.len();
        let between = text[at..].chars().next();
        at += between.map_or(0, char::len_utf8);
        line += usize::from(between == Some('\n'));
    }
    all
}

/// `CamelCase` is `Camel` and `Case`.
fn words_of(name: &str) -> Vec<&str> {
    let bytes = name.as_bytes();
    let begins = |at: &usize| {
        let after_small = !bytes[at - 1].is_ascii_uppercase();
        let before_small = bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
        bytes[*at].is_ascii_uppercase() && (after_small || before_small)
    };
    let mut words = Vec::new();
    let mut from = 0;
    for at in (1..bytes.len()).filter(begins) {
        words.push(&name[from..at]);
        from = at;
    }
    words.push(&name[from..]);
    words
}

/// Decisions have the names of their time.
fn without_decisions(text: &str) -> String {
    let mut left = String::new();
    for (index, piece) in text.split("decisions/").enumerate() {
        let end = piece.find(".md").filter(|_| index > 0).unwrap_or(0);
        left.push_str(&piece[end..]);
    }
    left
}

/// Rust without its comments and texts, line by line as it was.
fn names_alone(code: &str) -> String {
    let mut left = String::new();
    let mut rest = code;
    while let Some(letter) = rest.chars().next() {
        let skipped = comment_or_text(rest);
        let taken = skipped.unwrap_or(letter.len_utf8());
        if skipped.is_none() {
            left.push(letter);
        } else {
            let lines = rest[..taken].matches('\n').count();
            left.push(' ');
            left.push_str(&"\n".repeat(lines));
        }
        rest = &rest[taken..];
    }
    left
}

/// How long the comment, text or letter is that begins here.
fn comment_or_text(rust: &str) -> Option<usize> {
    let until = |from: usize, end: &str| {
        let found = rust[from..].find(end);
        Some(found.map_or(rust.len(), |at| from + at + end.len()))
    };
    let raw = rust
        .strip_prefix('r')
        .map(|text| text.trim_start_matches('#'));
    if let Some(text) = raw.filter(|text| text.starts_with('"')) {
        let hashes = rust.len() - text.len() - 1;
        return until(hashes + 2, &format!("\"{}", "#".repeat(hashes)));
    }
    match rust.as_bytes() {
        [b'/', b'/', ..] => Some(rust.find('\n').unwrap_or(rust.len())),
        [b'/', b'*', ..] => until(2, "*/"),
        [b'"', ..] => {
            let mut letters = rust.char_indices().skip(1);
            while let Some((at, letter)) = letters.next() {
                match letter {
                    '"' => return Some(at + 1),
                    '\\' => drop(letters.next()),
                    _ => {}
                }
            }
            Some(rust.len())
        }
        [b'\'', b'\\', ..] => until(3, "'"),
        // No lifetime.
        [b'\'', ..] => {
            let mut letters = rust[1..].chars();
            let letter = letters.next()?;
            letters
                .as_str()
                .starts_with('\'')
                .then(|| letter.len_utf8() + 2)
        }
        _ => None,
    }
}
