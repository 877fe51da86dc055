//! `./start.sh --docker` where something is missing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

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
