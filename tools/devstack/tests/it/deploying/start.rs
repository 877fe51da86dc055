//! `./start.sh --docker` where something is missing, and what it gives to compose.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use devstack::settings::compose_secrets;
use devstack::stack::testing::scratch;

/// A folder with a program `docker` that does what this script says.
fn docker(script: &str) -> PathBuf {
    let folder = scratch("docker");
    fs::create_dir_all(&folder).unwrap();
    let program = folder.join("docker");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// A clone with no more than these files.
fn clone(files: &[(&str, &str)]) -> PathBuf {
    let root = scratch("clone");
    fs::create_dir_all(&root).unwrap();
    for (name, text) in [("Cargo.toml", "")].iter().chain(files) {
        fs::write(root.join(name), text).unwrap();
    }
    root
}

/// How `tributary` calls compose in this clone, and the variables that compose finds. Compose then fails, so that nothing is waited for.
fn called(root: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> (String, String) {
    let record = scratch("record");
    fs::create_dir_all(&record).unwrap();
    let docker = docker(&format!(
        "[ \"$1\" = compose ] && [ \"$2\" != version ] || exit 0
         echo \"$@\" > '{0}/arguments'; /usr/bin/env > '{0}/variables'; exit 1",
        record.display()
    ));
    let mut command = Command::new(crate::built("tributary"));
    command.args(arguments).env("PATH", docker);
    command.env("TRIBUTARY_ROOT", root);
    command.envs(variables.iter().copied());
    let output = command.output().unwrap();
    let read = |name: &str| fs::read_to_string(record.join(name)).unwrap_or_default();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{errors}");
    (format!("{}{errors}", read("arguments")), read("variables"))
}

#[test]
fn what_somebody_puts_over_the_composition_is_taken() {
    const OVER: &str = "docker-compose.override.yml";
    let plain = clone(&[]);
    let over = clone(&[(OVER, ""), ("docker-compose.override.yaml", "")]);
    let named = [("COMPOSE_FILE", "docker-compose.yml:mine.yml")];
    let both = "compose --file docker-compose.yml --file docker-compose.override.yml";
    for (root, arguments, variables, wanted) in [
        (
            &plain,
            "up",
            &[][..],
            "compose --file docker-compose.yml up ",
        ),
        (&over, "up", &[], &format!("{both} up ")),
        (&over, "down", &[], &format!("{both} down ")),
        (
            &over,
            "up --mode event",
            &[],
            "compose --file docker-compose.event-driven.yml --file docker-compose.override.yml up ",
        ),
        (&over, "up", &named, "compose up "),
        (&over, "down", &named, "compose down "),
        (
            &over,
            "up --mode event",
            &named,
            "error: COMPOSE_FILE names the files",
        ),
    ] {
        let arguments: Vec<&str> = arguments.split(' ').chain(["--docker"]).collect();
        let (found, _) = called(root, &arguments, variables);
        assert!(
            found.trim_start().starts_with(wanted),
            "{arguments:?} {variables:?}: {found}"
        );
    }
    let in_env = clone(&[(".env", "COMPOSE_FILE=docker-compose.yml:mine.yml\n")]);
    let (found, _) = called(&in_env, &["up", "--docker"], &[]);
    assert!(found.starts_with("compose up "), "{found}");
}

#[test]
fn compose_finds_what_files_of_env_hold_and_values_as_they_stand_there() {
    let env =
        "LASTING_SECRET_KEY_FILE=lasting.key\nSMTP_PASSWORD=pa$$word$HOME\nJWT_ISSUER=of .env\n";
    let root = clone(&[(".env", env), ("lasting.key", "of its file\n")]);
    let given = [("JWT_ISSUER", "of the environment")];
    let (_, found) = called(&root, &["up", "--docker"], &given);
    let has = |line: &str| found.lines().any(|it| it == line);
    for line in [
        "LASTING_SECRET_KEY=of its file",
        "SMTP_PASSWORD=pa$$word$HOME",
        "JWT_ISSUER=of the environment",
    ] {
        assert!(has(line), "{line}: {found}");
    }
    let named = |name: &str| found.lines().any(|it| it.starts_with(name));
    assert!(!named("POSTGRES_PORT="), "a default is the file's: {found}");
}

#[test]
fn the_containers_keep_their_own_secrets_and_are_handed_only_those_that_somebody_gives() {
    let root = clone(&[(".env", "POSTGRES_PASSWORD=of .env\n")]);
    let kept = root.join(".tributary/secrets.env");
    fs::create_dir_all(root.join(".tributary")).unwrap();
    let lines = compose_secrets().join("=local\n") + "=local\n";
    fs::write(&kept, lines).unwrap();
    for arguments in [["up", "--docker"], ["down", "--docker"]] {
        let (_, found) = called(&root, &arguments, &[]);
        for name in compose_secrets() {
            let handed = found.lines().find(|it| it.starts_with(&format!("{name}=")));
            let given = (name == "POSTGRES_PASSWORD").then_some("POSTGRES_PASSWORD=of .env");
            assert_eq!(handed, given, "{arguments:?}");
        }
    }
}

#[test]
fn the_large_demo_is_loaded_into_containers_only_where_their_logs_begin_in_the_past() {
    let root = clone(&[]);
    let large = ["up", "--docker", "--demo", "large"];
    let (found, _) = called(&root, &large, &[]);
    let wanted = "CLOCK_STARTS=-90d ./start.sh --docker --demo large";
    assert!(
        found.contains("error: ") && found.contains(wanted),
        "{found}"
    );
    let (found, variables) = called(&root, &large, &[("CLOCK_STARTS", "-90d")]);
    assert!(found.contains(" up "), "{found}");
    let mut variables = variables.lines();
    assert!(variables.any(|it| it == "CLOCK_STARTS=-90d"));
}

#[test]
fn containers_run_on_databases_of_another_machine_only_where_that_is_allowed() {
    const UP: &str = "compose --file docker-compose.yml up ";
    let url = "PAYMENT_DATABASE_URL=postgres://payment:secret@db.example/payment_db\n";
    let root = clone(&[(".env", url)]);
    let (refused, _) = called(&root, &["up", "--docker"], &[]);
    for wanted in ["db.example", "--databases-elsewhere"] {
        assert!(refused.contains(wanted), "{wanted}: {refused}");
    }
    for unwanted in [UP, "secret"] {
        assert!(!refused.contains(unwanted), "{refused}");
    }
    let allowed = ["up", "--docker", "--databases-elsewhere"];
    for arguments in [&allowed[..], &allowed[..2]] {
        let (found, _) = called(&root, arguments, &[]);
        assert!(found.starts_with(UP), "{arguments:?}: {found}");
    }
    // That one is of a stack without containers.
    let root = clone(&[(".env", "POSTGRES_HOST=10.0.0.7\n")]);
    let (found, _) = called(&root, &["up", "--docker"], &[]);
    assert!(found.starts_with(UP), "{found}");
}

/// What `tributary` says when it finds programs only in this folder; it must fail.
fn refused(arguments: &[&str], path: &Path) -> String {
    let program = crate::built("tributary");
    let mut command = Command::new(program);
    command.args(arguments).env("PATH", path);
    let output = command.output().unwrap();
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn what_is_missing_for_containers_is_reported_before_anything_is_made() {
    let nothing = scratch("nothing");
    let no_engine = docker("echo 'Cannot connect to the Docker daemon' >&2; exit 1");
    let no_compose = docker("[ \"$1\" = version ]");
    for (path, expected) in [
        (&nothing, "no docker on the path"),
        (&no_engine, "no engine answers"),
        (&no_engine, "Cannot connect to the Docker daemon"),
        (&no_compose, "compose is missing"),
    ] {
        for arguments in [&["up", "--docker"], &["down", "--docker"]] {
            let reported = refused(arguments, path);
            assert!(reported.contains(expected), "{arguments:?}: {reported}");
        }
    }
    let reported = refused(&["up", "--docker", "--mode", "http"], &nothing);
    assert!(
        reported.contains("no compose file for http mode"),
        "{reported}"
    );
}
