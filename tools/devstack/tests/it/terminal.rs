//! What a person meets at a terminal, and a program in a pipe.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot be set up has failed; programs are found by its own path"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use devstack::layout::Layout;
use devstack::stack::free_port;
use devstack::stack::testing::{PYTHON, from_test_run, scratch};
use schemas::Service;

/// Runs a program at a terminal of its own, shows what it prints until that contains the first word, and ends it.
const AT_A_TERMINAL: &str = "
import os, pty, sys
mark, words = sys.argv[1].encode(), sys.argv[2:]
process, terminal = pty.fork()
if process == 0:
    os.execvp(words[0], words)
said = b''
while not mark or mark not in said:
    try:
        more = os.read(terminal, 4096)
    except OSError:
        break
    if not more:
        break
    said += more
os.kill(process, 9)
os.waitpid(process, 0)
sys.stdout.buffer.write(said)
";

fn tributary() -> Command {
    Command::new(crate::built("tributary"))
}

fn printed(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8(both).unwrap()
}

/// The program of `command` at a terminal, until it has said `mark`, or to its end.
fn at_a_terminal(command: &Command, mark: &str) -> String {
    let mut python = Command::new(from_test_run(PYTHON));
    python.args(["-c", AT_A_TERMINAL, mark]);
    python.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        python.env(name, value.unwrap());
    }
    if let Some(folder) = command.get_current_dir() {
        python.current_dir(folder);
    }
    printed(&python.output().unwrap())
}

/// A clone's folder without a clone, with one log.
fn folder_with_a_log() -> PathBuf {
    let root = scratch("logs");
    fs::create_dir_all(root.join(".tributary/logs")).unwrap();
    let line = r#"{"timestamp":"2026-11-21T00:41:12Z","level":"INFO","service":"bff","target":"runtime","message":"started","mode":"hybrid"}"#;
    fs::write(root.join(".tributary/logs/bff.log"), format!("{line}\n")).unwrap();
    root
}

/// A folder with a program of this name that does what the script says.
fn program(name: &str, script: &str) -> PathBuf {
    let folder = scratch("programs");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join(name);
    fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn before_the_path(folder: &Path) -> String {
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}

#[test]
fn every_program_says_which_build_it_is() {
    let built = Layout::find().built("debug");
    let others = ["tributary", "simulator", "generate-jwt"];
    for program in Service::ALL.map(Service::name).into_iter().chain(others) {
        let output = Command::new(built.join(program))
            .arg("--version")
            .output()
            .unwrap();
        assert!(output.status.success(), "{program}");
        let version = concat!(env!("CARGO_PKG_VERSION"), " (commit ");
        let printed = printed(&output);
        assert!(
            printed.starts_with(&format!("{program} {version}")),
            "{program}: {printed}"
        );
    }
}

#[test]
fn a_shell_completes_the_words_of_the_control_command() {
    let file = scratch("completions");
    fs::write(
        &file,
        tributary()
            .args(["completions", "bash"])
            .output()
            .unwrap()
            .stdout,
    )
    .unwrap();
    let script = format!(
        "source {}; COMP_WORDS=(tributary sta); COMP_CWORD=1; _tributary tributary sta tributary; echo \"${{COMPREPLY[@]}}\"",
        file.display()
    );
    let completed = Command::new("bash")
        .args(["--norc", "-c", &script])
        .output()
        .unwrap();
    assert_eq!(printed(&completed).trim(), "status");
    for shell in ["zsh", "fish"] {
        let output = printed(&tributary().args(["completions", shell]).output().unwrap());
        assert!(
            output.contains("restart") && output.contains("--wipe"),
            "{shell}"
        );
    }
}

#[test]
fn logs_are_readable_at_a_terminal_and_json_in_a_pipe_unless_a_format_is_asked_for() {
    let root = folder_with_a_log();
    let logs = |format: &str| {
        let mut command = tributary();
        command.args(["logs", "bff"]);
        command
            .env("TRIBUTARY_ROOT", &root)
            .env("LOG_FORMAT", format);
        command
    };
    let readable = "2026-11-21T00:41:12Z  INFO bff: started mode=hybrid";
    let json = r#"{"timestamp":"2026-11-21T00:41:12Z","level""#;
    for (format, in_a_pipe, at_terminal) in [
        ("", json, readable),
        ("text", readable, readable),
        ("json", json, json),
    ] {
        let piped = printed(&logs(format).output().unwrap());
        assert!(piped.starts_with(in_a_pipe), "{format}: {piped}");
        let shown = at_a_terminal(&logs(format), "");
        assert!(shown.starts_with(at_terminal), "{format}: {shown}");
    }
}

/// It waits for a database that is not there, and says so.
fn service_by_hand(format: &str) -> Command {
    let folder = scratch("by-hand");
    fs::create_dir_all(&folder).unwrap();
    let mut tracking = Command::new(Layout::find().built("debug").join("tracking"));
    let nowhere = format!(
        "postgres://tracking:x@127.0.0.1:{}/tracking_db",
        free_port()
    );
    let secret = "5".repeat(64);
    tracking
        .current_dir(folder)
        .env("TRIBUTARY_PROFILE", "local")
        .env("TRACKING_LISTEN_ADDRESS", "127.0.0.1:0")
        .env("TRACKING_DATABASE_URL", nowhere)
        .env("INTERNAL_SECRET_KEY", &secret)
        .env("JWT_SECRET_KEY", &secret)
        .env("DIRECT_HTTP_AUTH", "none")
        .env("LOG_FORMAT", format);
    tracking
}

#[test]
fn a_service_run_by_hand_logs_readably_at_a_terminal_and_json_in_a_pipe() {
    for (format, at_terminal) in [("", "WARN"), ("json", "\"level\":\"WARN\"")] {
        let shown = at_a_terminal(&service_by_hand(format), "\n");
        assert!(shown.contains(at_terminal), "{format}: {shown}");
        assert_eq!(shown.starts_with('{'), format == "json", "{shown}");
    }
    // `head` ends, and the service with what it writes next, or here with the script.
    for (format, in_a_pipe) in [("", true), ("text", false)] {
        let tracking = service_by_hand(format);
        let script = "exec 3< <(exec \"$0\"); pid=$!; head -n 1 <&3; kill -9 $pid";
        let mut bash = Command::new("bash");
        bash.args(["-c", script]).arg(tracking.get_program());
        bash.current_dir(tracking.get_current_dir().unwrap());
        bash.envs(
            tracking
                .get_envs()
                .map(|(name, value)| (name, value.unwrap())),
        );
        let piped = printed(&bash.output().unwrap());
        assert!(piped.contains("WARN"), "{format}: {piped}");
        assert_eq!(piped.starts_with('{'), in_a_pipe, "{piped}");
        assert!(!piped.contains('\x1b'), "no colours in a file: {piped}");
    }
}

#[test]
fn a_restart_builds_first_and_a_build_that_fails_stops_nothing() {
    let arguments = scratch("arguments");
    let cargo = program(
        "cargo",
        &format!("echo \"$@\" > {}; exit 1", arguments.display()),
    );
    let root = scratch("restart");
    fs::create_dir_all(&root).unwrap();
    let mut restart = tributary();
    restart.args(["restart", "bff"]);
    restart
        .env("TRIBUTARY_ROOT", &root)
        .env("PATH", before_the_path(&cargo));
    let output = restart.output().unwrap();
    assert!(!output.status.success());
    assert!(
        printed(&output).contains("the build failed"),
        "{}",
        printed(&output)
    );
    let arguments = fs::read_to_string(arguments).unwrap();
    let words: Vec<&str> = arguments.split_whitespace().collect();
    assert_eq!(words[..3], ["build", "--release", "--locked"]);
    let built = |name| words.windows(2).any(|pair| pair == ["--bin", name]);
    assert!(built("bff") && built("tributary"), "{arguments}");
    assert!(!built("chaos"), "what only breaks it waits: {arguments}");
}

#[test]
fn a_command_that_waits_for_another_build_says_so_at_a_terminal() {
    let root = Layout::find().root;
    let target = scratch("target");
    fs::create_dir_all(target.join("release")).unwrap();
    fs::copy("/bin/true", target.join("release/tributary")).unwrap();
    // Waits as a cargo does that finds the folder locked: for ever, so the test ends when it is told of.
    let cargo = program("cargo", "[ \"$1\" != build ] || exec sleep 600");
    let mut status = Command::new(root.join("tributary"));
    status.arg("status").env("CARGO_TARGET_DIR", &target);
    status.env("PATH", before_the_path(&cargo));
    let shown = at_a_terminal(&status, "another cargo builds here");
    assert!(shown.contains("waiting for that"), "{shown}");
}

#[test]
fn what_was_built_before_runs_where_the_clone_does_not_build() {
    let root = Layout::find().root;
    let before = scratch("target");
    fs::create_dir_all(&before).unwrap();
    let folder = program("tributary", "echo reached by \"$@\"");
    fs::rename(folder, before.join("release")).unwrap();
    let cargo = program("cargo", "[ \"$1\" != build ] || exit 1");
    for (target, reached) in [(&before, true), (&scratch("nothing-built"), false)] {
        let mut stop = Command::new(root.join("stop.sh"));
        stop.env("CARGO_TARGET_DIR", target);
        stop.env("PATH", before_the_path(&cargo));
        let output = stop.output().unwrap();
        let shown = printed(&output);
        assert!(shown.contains("tributary does not build"), "{shown}");
        assert_eq!(shown.contains("reached by down"), reached, "{shown}");
        assert_eq!(output.status.success(), reached, "{shown}");
    }
}

#[test]
fn nothing_holds_the_pipe_of_a_command_but_its_program() {
    let root = Layout::find().root;
    let (target, record) = (scratch("target"), scratch("record"));
    fs::create_dir_all(target.join("release")).unwrap();
    fs::copy("/bin/true", target.join("release/tributary")).unwrap();
    let held = format!(
        "held='the pipe'; [ ! -t 1 ] || held='the terminal'; echo \"$held\" > '{0}.part'; mv '{0}.part' '{0}'",
        record.display()
    );
    let sleep = program("sleep", &held);
    let until = format!(
        "[ \"$1\" != build ] || until [ -e '{}' ]; do :; done",
        record.display()
    );
    let cargo = program("cargo", &until);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "token=$(\"$0\" token); echo read"]);
    shell.arg(root.join("tributary"));
    shell.env("CARGO_TARGET_DIR", &target);
    let path = before_the_path(&cargo);
    shell.env("PATH", format!("{}:{path}", sleep.display()));
    let shown = at_a_terminal(&shell, "");
    assert!(shown.contains("read"), "{shown}");
    assert_eq!(fs::read_to_string(&record).unwrap(), "the terminal\n");
}
