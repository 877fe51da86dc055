//! Every command that the documents tell somebody to type is one that there is.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use clap::error::ErrorKind;
use xtask::layout::Layout;

use crate::Arguments;

/// What stands for something of the reader's, and something that could stand there.
const PLACEHOLDERS: [(&str, &str); 3] = [
    ("SERVICE", "payment"),
    ("ID", "019a0b6e-6a3e-7cc0-9a51-6f6b1f0c2d3e"),
    ("REDRIVE", "019a0b6e-6a3e-7cc0-9a51-6f6b1f0c2d3e"),
];

/// A command in a document.
#[derive(Debug, PartialEq, Eq)]
struct Told {
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
        for told in told(&fs::read_to_string(&file).unwrap()) {
            seen += 1;
            if let Some(refused) = refusal(&told) {
                let (file, command) = (file.display(), told.words.join(" "));
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
    let told = told(text);
    let commands: Vec<String> = told.iter().map(|one| one.words.join(" ")).collect();
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
    let refused: Vec<&str> = told
        .iter()
        .zip(wanted)
        .filter(|(one, _)| refusal(one).is_some())
        .map(|(_, command)| command)
        .collect();
    assert_eq!(refused, [wrong, "relay wind"]);
}

/// Why the command line is not understood, if it is not.
fn refusal(told: &Told) -> Option<String> {
    let name = "./tributary".to_owned();
    let error = Arguments::try_parse_from([name].iter().chain(&told.words)).err()?;
    let is_named_alone = !told.is_whole && !told.words.iter().any(|word| word.starts_with('-'));
    let is_fine = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => true,
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => is_named_alone,
        _ => false,
    };
    (!is_fine).then(|| error.to_string())
}

/// The commands in blocks, then those in sentences.
fn told(markdown: &str) -> Vec<Told> {
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

fn commands(code: &str, is_whole: bool) -> Vec<Told> {
    let calls = ["./tributary", "cargo xtask"];
    let starts = calls.iter().flat_map(|call| {
        let starts = code.match_indices(call);
        starts.map(|(start, _)| (start, start + call.len()))
    });
    starts
        .map(|(start, end)| {
            let rest = &code[end..];
            let is_substituted = code[..start].ends_with("$(");
            let rest = rest
                .split_once(')')
                .filter(|_| is_substituted)
                .map_or(rest, |(it, _)| it);
            let words = shlex::split(rest).unwrap_or_else(|| panic!("quotes are open: {code}"));
            let is_one = |word: &String| !matches!(word.as_str(), "|" | ">" | "&&" | ";");
            let words = words.into_iter().take_while(is_one).map(filled).collect();
            Told { is_whole, words }
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
