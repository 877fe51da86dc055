//! Only processes that we started are ended.

use std::fs;
use std::path::Path;
use std::process::Command;

use devstack::stack::testing::scratch;
use devstack::stack::{Identity, Process, Signal, in_session};
use rustix::process::{Pid, getsid};

#[test]
fn a_pid_file_whose_process_id_belongs_to_another_process_now_is_not_believed() {
    let dir = scratch("reused");
    fs::create_dir_all(&dir).unwrap();
    let pid_file = dir.join("pid");
    fs::write(
        &pid_file,
        format!("{} 1@another-boot\n", std::process::id()),
    )
    .unwrap();
    assert!(Process::attach(&pid_file).is_none());
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_stopped_process_leaves_no_pid_file_and_a_killed_one_does() {
    let dir = scratch("processes");
    fs::create_dir_all(&dir).unwrap();
    let (log, pid_file) = (dir.join("log"), dir.join("pid"));
    let start = || {
        Process::spawn(
            Command::new("sleep").arg("60"),
            &log,
            &pid_file,
            Signal::KILL,
        )
        .unwrap()
    };

    let mut process = start();
    assert!(process.stop(Signal::TERM, std::time::Duration::from_secs(5)));
    assert!(!pid_file.exists());

    let mut process = start();
    process.kill();
    assert!(pid_file.exists());
    assert!(!Identity::read(&pid_file).unwrap().is_alive());
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_pid_file_in_a_copied_folder_names_no_process_and_one_in_a_moved_folder_does() {
    let (dir, copy, moved) = (scratch("clone"), scratch("copy"), scratch("moved"));
    for folder in [&dir, &copy] {
        fs::create_dir_all(folder).unwrap();
    }
    let pid_file = dir.join("pid");
    let _process = Process::spawn(
        Command::new("sleep").arg("60"),
        &dir.join("log"),
        &pid_file,
        Signal::KILL,
    )
    .unwrap();
    fs::copy(&pid_file, copy.join("pid")).unwrap();
    assert!(Process::attach(&copy.join("pid")).is_none());
    assert!(Process::attach(&pid_file).is_some());
    fs::rename(&dir, &moved).unwrap();
    assert!(Process::attach(&moved.join("pid")).is_some());
    for folder in [copy, moved] {
        fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn a_program_whose_file_is_open_for_writing_is_started_as_soon_as_it_is_not() {
    for command_of in [|program: &Path| Command::new(program), in_session] {
        let dir = scratch("busy");
        fs::create_dir_all(&dir).unwrap();
        let (program, log) = (dir.join("program"), dir.join("log"));
        fs::copy("/bin/echo", &program).unwrap();
        let writing = fs::OpenOptions::new().append(true).open(&program).unwrap();
        let begun = log.clone();
        let writer = std::thread::spawn(move || {
            while !begun.exists() {
                std::thread::yield_now();
            }
            drop(writing);
        });
        let mut command = command_of(&program);
        let pid_file = dir.join("pid");
        let started = Process::spawn(command.arg("it ran"), &log, &pid_file, Signal::KILL);
        writer.join().unwrap();
        assert!(started.is_ok(), "{started:?}");
        let mut started = started.unwrap();
        while started.is_alive() {
            std::thread::yield_now();
        }
        // Behind what tries before it were refused for.
        let printed = fs::read_to_string(&log).unwrap();
        assert!(printed.ends_with("it ran\n"), "{printed}");
        fs::remove_dir_all(dir).unwrap();
    }
}

#[test]
fn a_program_that_is_not_there_is_not_started_in_a_session_of_its_own_either() {
    let dir = scratch("missing");
    fs::create_dir_all(&dir).unwrap();
    let mut command = in_session(&dir.join("program"));
    let started = Process::spawn(
        &mut command,
        &dir.join("log"),
        &dir.join("pid"),
        Signal::KILL,
    );
    let refused = format!("{:#}", started.unwrap_err());
    assert!(
        refused.contains("missing-") && refused.contains("not found"),
        "{refused}"
    );
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_program_in_a_session_of_its_own_leads_it_by_the_process_id_that_it_was_started_with() {
    let dir = scratch("sessions");
    fs::create_dir_all(&dir).unwrap();
    let (log, pid_file) = (dir.join("log"), dir.join("pid"));
    let mut command = in_session(Path::new("/bin/sleep"));
    let mut process = Process::spawn(command.arg("60"), &log, &pid_file, Signal::KILL).unwrap();
    let pid = Pid::from_raw(process.pid().cast_signed()).unwrap();
    let sleep = fs::canonicalize("/bin/sleep").unwrap();
    let runs = fs::read_link(format!("/proc/{}/exe", process.pid()));
    assert_eq!(runs.unwrap(), sleep);
    assert_eq!(getsid(Some(pid)).unwrap(), pid);
    assert!(process.stop(Signal::TERM, std::time::Duration::from_secs(5)));
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_further_process_that_died_is_shown_with_its_log_until_the_stack_is_stopped() {
    let root = scratch("died");
    let state = root.join(".tributary");
    for folder in ["run", "logs"] {
        fs::create_dir_all(state.join(folder)).unwrap();
    }
    fs::write(root.join("Cargo.toml"), "").unwrap();
    fs::write(state.join("logs/payment-40123.log"), "its last words\n").unwrap();
    let pid = format!("{} 1@another-boot\n", std::process::id());
    fs::write(state.join("run/payment-40123.pid"), pid).unwrap();
    let tributary = |arguments: &[&str]| {
        let mut command = Command::new(crate::built("tributary"));
        command.args(arguments).env("TRIBUTARY_ROOT", &root);
        let ended = command.output().unwrap();
        assert!(ended.status.success(), "{ended:?}");
        String::from_utf8(ended.stdout).unwrap()
    };
    let shown = tributary(&["status"]);
    let line = shown.lines().find(|it| it.starts_with("payment-40123"));
    assert!(line.unwrap().ends_with("DIED: its last words"), "{shown}");
    assert_eq!(tributary(&["logs", "payment-40123"]), "its last words\n");
    tributary(&["down"]);
    let shown = tributary(&["status"]);
    assert!(!shown.contains("payment-40123"), "{shown}");
    fs::remove_dir_all(root).unwrap();
}
