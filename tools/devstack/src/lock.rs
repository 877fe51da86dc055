//! One command at a time on one clone's stack.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::layout::Layout;

/// Longer than a start that fetches and builds everything.
const WAIT: Duration = Duration::from_mins(30);

/// Held until dropped; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct StackLock(#[expect(dead_code, reason = "held, not read")] File);

impl StackLock {
    /// Waits for a command that is under way, and says so.
    pub fn take(layout: &Layout) -> Result<Self> {
        fs::create_dir_all(&layout.state)?;
        let path = layout.state.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)?;
        let end = Instant::now() + WAIT;
        let mut reported = false;
        while let Err(busy) = file.try_lock() {
            if let TryLockError::Error(problem) = busy {
                return Err(problem.into());
            }
            let holder = fs::read_to_string(&path).unwrap_or_default();
            if !reported {
                println!(
                    "    another command is under way here (process {}): waiting for it",
                    holder.trim()
                );
                reported = true;
            }
            if Instant::now() >= end {
                bail!(
                    "process {} still holds {} after {WAIT:?}",
                    holder.trim(),
                    path.display()
                );
            }
            sleep(Duration::from_millis(100));
        }
        file.set_len(0)?;
        write!(file, "{}", std::process::id())?;
        Ok(Self(file))
    }
}
