//! The ledger on disk, so that a restarted provider has not forgotten what it paid: one JSON line each.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::ledger::{Ledger, Outcome, Payout, Submission};

#[derive(Serialize, Deserialize)]
struct Line {
    number: u64,
    id: String,
    submission: Submission,
    outcome: Outcome,
}

/// An append-only file of payouts.
#[derive(Debug)]
pub struct Journal {
    file: File,
}

impl Journal {
    /// Opens or makes the file and puts its payouts into `ledger`, settled. A last line cut short by a crash is dropped:
    /// nobody got an answer for it.
    pub fn open(path: &Path, ledger: &mut Ledger) -> anyhow::Result<Self> {
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(path)
            .with_context(|| format!("cannot open the ledger {}", path.display()))?;
        let now = Instant::now();
        let mut whole = 0;
        let mut reader = BufReader::new(&file);
        let mut text = String::new();
        while reader.read_line(&mut text)? > 0 {
            if !text.ends_with('\n') {
                break;
            }
            let line: Line = serde_json::from_str(&text)
                .with_context(|| format!("the ledger {} is damaged", path.display()))?;
            whole += u64::try_from(text.len())?;
            ledger.restore(
                Payout {
                    number: line.number,
                    id: line.id,
                    submission: line.submission,
                    outcome: line.outcome,
                    settles_at: now,
                },
                now,
            );
            text.clear();
        }
        drop(reader);
        file.set_len(whole)?;
        file.flush()?;
        Ok(Self { file })
    }

    pub(crate) fn write(&mut self, payout: &Payout) -> std::io::Result<()> {
        let line = Line {
            number: payout.number,
            id: payout.id.clone(),
            submission: payout.submission.clone(),
            outcome: payout.outcome.clone(),
        };
        let mut text = serde_json::to_string(&line)?;
        text.push('\n');
        self.file.write_all(text.as_bytes())
    }
}
