//! Commands that are run to their end, and the last lines of logs.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// No command that shows nobody how far it is takes longer, a download of 245 MB on a slow line included.
const COMMAND_WITHIN: Duration = Duration::from_mins(30);

/// Runs a command and returns what it printed; a failure carries the last lines of its errors.
pub fn run(command: &mut Command) -> Result<String> {
    let name = command.get_program().display().to_string();
    let piped = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = piped
        .spawn()
        .with_context(|| format!("cannot run {name}"))?;
    let (out, err) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let status = ended(&mut child, &name, Some(COMMAND_WITHIN))?;
    let read = |reader: JoinHandle<Vec<u8>>| {
        String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned()
    };
    let (out, err) = (read(out), read(err));
    if !status.success() {
        let printed = format!("{out}\n{err}");
        let tail: Vec<_> = printed
            .lines()
            .rev()
            .filter(|line| !line.trim().is_empty())
            .take(5)
            .collect();
        bail!(
            "{name} failed: {}",
            tail.into_iter().rev().collect::<Vec<_>>().join("\n")
        );
    }
    Ok(out)
}

/// Runs a command that talks to the person itself, however long: who sees it decides. True when it succeeded.
pub fn run_visibly(command: &mut Command) -> Result<bool> {
    let name = command.get_program().display().to_string();
    let mut child = command
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot run {name}"))?;
    Ok(ended(&mut child, &name, None)?.success())
}

fn ended(child: &mut Child, name: &str, within: Option<Duration>) -> Result<ExitStatus> {
    let Some(within) = within else {
        return Ok(child.wait()?);
    };
    let end = Instant::now() + within;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() >= end {
            child.kill()?;
            child.wait()?;
            bail!("{name} did not end within {within:?} and was killed");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _what_there_was = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

/// The last `count` lines of a log that say something.
pub fn last_lines(log: &Path, count: usize) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let tail: Vec<_> = text
        .lines()
        .rev()
        .filter(|line| !line.trim().is_empty())
        .take(count)
        .collect();
    tail.into_iter().rev().collect::<Vec<_>>().join("\n")
}

/// The line of a Java program's log that tells why it ended: its last cause, else its last error, else its last line.
pub fn last_cause(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let last = |mark: &str| text.lines().rev().find(|line| line.contains(mark));
    let cause = last("Caused by: ")
        .or_else(|| last(" ERROR "))
        .or_else(|| last(""));
    cause.unwrap_or_default().chars().take(500).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ends when its input does.
    fn cat() -> Child {
        let mut cat = Command::new("cat");
        cat.stdin(Stdio::piped()).spawn().unwrap()
    }

    #[test]
    fn a_command_is_killed_at_its_limit_and_one_without_a_limit_is_waited_for() {
        let limited = ended(&mut cat(), "cat", Some(Duration::ZERO)).unwrap_err();
        let limited = limited.to_string();
        assert!(limited.contains("cat did not end within 0ns"), "{limited}");
        let mut watched = cat();
        drop(watched.stdin.take());
        assert!(ended(&mut watched, "cat", None).unwrap().success());
    }
}
