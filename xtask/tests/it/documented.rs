//! Every command that the documents tell somebody to type is one that there is.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use clap::error::ErrorKind;
use devstack::layout::Layout;

/// What stands for something of the reader's, and something that could stand there.
const PLACEHOLDERS: [(&str, &str); 3] = [
    ("SERVICE", "payment"),
    ("ID", "019a0b6e-6a3e-7cc0-9a51-6f6b1f0c2d3e"),
    ("REDRIVE", "019a0b6e-6a3e-7cc0-9a51-6f6b1f0c2d3e"),
];

/// A command in a document.
#[derive(Debug, PartialEq, Eq)]
struct Documented {
    call: &'static str,
    /// In a block, to be typed as it stands; in a sentence a command may be named alone.
    is_whole: bool,
    words: Vec<String>,
}

#[test]
fn every_command_in_the_documents_is_understood() {
    let root = Layout::find().root;
    let mut files = documents(&root.join("docs"));
    files.extend(documents_in(&root));
    let (mut seen, mut wrong) = (0, Vec::new());
    for file in files {
        for documented in documented(&fs::read_to_string(&file).unwrap()) {
            seen += 1;
            if let Some(refused) = refusal(&documented) {
                let (file, command) = (file.display(), documented.words.join(" "));
                wrong.push(format!("{file}: {command}\n  {refused}"));
            }
        }
    }
    assert!(seen > 90, "{seen} commands were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_command_is_found_wherever_it_stands_and_a_wrong_one_is_refused() {
    let text = "See `./tributary relay\nrewind`, `./tributary audit list SERVICE`.\n\n```sh\n\
        TOKEN=$(./tributary token --role operator)  # not ./tributary this\n\
        ./tributary parked show payment ID | jq .\n./tributary events --type x --service tracking\n```\n`./tributary relay wind`";
    let documented = documented(text);
    let commands: Vec<String> = documented.iter().map(|one| one.words.join(" ")).collect();
    let id = PLACEHOLDERS[1].1;
    let show = format!("parked show payment {id}");
    let wrong = "events --type x --service tracking";
    let wanted = [
        "token --role operator",
        &show,
        wrong,
        "relay rewind",
        "audit list payment",
        "relay wind",
    ];
    assert_eq!(commands, wanted);
    let refused: Vec<&str> = documented
        .iter()
        .zip(wanted)
        .filter(|(one, _)| refusal(one).is_some())
        .map(|(_, command)| command)
        .collect();
    assert_eq!(refused, [wrong, "relay wind"]);
}

/// Why the command line is not understood, if it is not.
fn refusal(documented: &Documented) -> Option<String> {
    let error = parsed(documented).err()?;
    let is_named_alone =
        !documented.is_whole && !documented.words.iter().any(|word| word.starts_with('-'));
    let is_fine = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => true,
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => is_named_alone,
        _ => false,
    };
    (!is_fine).then(|| error.to_string())
}

/// By the tool that the script hands the words to, as `./tributary` and the aliases do.
fn parsed(documented: &Documented) -> Result<(), clap::Error> {
    fn by<P: Parser>(words: &[String]) -> Result<(), clap::Error> {
        let name = "tool".to_owned();
        P::try_parse_from([name].iter().chain(words)).map(|_| ())
    }
    let words = &documented.words[..];
    match documented.call {
        "cargo chaos" => by::<chaos::Arguments>(words),
        "cargo benchmark" => by::<bench::Arguments>(words),
        "cargo xtask" => by::<xtask::Arguments>(words),
        _ => by::<tributary::Arguments>(words),
    }
}

/// The commands in blocks, then those in sentences.
fn documented(markdown: &str) -> Vec<Documented> {
    let mut prose = String::new();
    let mut found = Vec::new();
    let mut is_block = false;
    for line in markdown.replace("\\\n", " ").lines() {
        if line.trim_start().starts_with("```") {
            is_block = !is_block;
            prose.push('\n');
        } else if is_block {
            let code = line.split_once(" # ").map_or(line, |(code, _)| code);
            found.extend(commands(code, true));
        } else {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    for paragraph in prose.split("\n\n") {
        let spans = paragraph.split('`').skip(1).step_by(2);
        found.extend(spans.flat_map(|span| commands(span, false)));
    }
    found
}

fn commands(code: &str, is_whole: bool) -> Vec<Documented> {
    let calls = [
        "./tributary",
        "cargo xtask",
        "cargo chaos",
        "cargo benchmark",
    ];
    let starts = calls.iter().flat_map(|call| {
        let starts = code.match_indices(call);
        starts.map(|(start, _)| (*call, start, start + call.len()))
    });
    starts
        .map(|(call, start, end)| {
            let rest = &code[end..];
            let is_substituted = code[..start].ends_with("$(");
            let rest = rest
                .split_once(')')
                .filter(|_| is_substituted)
                .map_or(rest, |(it, _)| it);
            let words = shlex::split(rest).unwrap_or_else(|| panic!("quotes are open: {code}"));
            let is_one = |word: &String| !matches!(word.as_str(), "|" | ">" | "&&" | ";");
            let words = words.into_iter().take_while(is_one).map(filled).collect();
            Documented {
                call,
                is_whole,
                words,
            }
        })
        .collect()
}

fn filled(word: String) -> String {
    let placeholder = PLACEHOLDERS.iter().find(|(name, _)| *name == word);
    placeholder.map_or(word, |(_, example)| (*example).to_owned())
}

fn documents_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let paths = entries.map(|entry| entry.path());
    paths
        .filter(|path| path.extension().is_some_and(|it| it == "md"))
        .collect()
}

fn documents(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let folders = entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir());
    let below = folders.flat_map(|folder| documents(&folder));
    documents_in(folder).into_iter().chain(below).collect()
}
