//! What the administrator has to do, as commands to copy.

use std::fs;
use std::path::{Path, PathBuf};

use super::work::{Need, Outcome, State, Step, Task};

const HEADINGS: [(Need, State, &str); 4] = [
    (Need::Must, State::Missing, "Needed and not there:"),
    (
        Need::Must,
        State::Unread,
        "Needed, and this token may not see whether it is so; doing it again harms nothing:",
    ),
    (Need::Advised, State::Missing, "Advised:"),
    (
        Need::Advised,
        State::Unread,
        "Advised, and this token may not see whether it is so:",
    ),
];

impl Outcome {
    /// The tasks, those that are needed first, each with its `pulsar-admin` lines and the same as requests. Long bodies are
    /// written into files of this folder.
    pub fn requests(&self, admin_url: &str, folder: &Path) -> Vec<String> {
        let mut lines = Vec::new();
        for (need, state, heading) in HEADINGS {
            let tasks = self.tasks_that_are(need, state);
            if tasks.is_empty() {
                continue;
            }
            lines.push(heading.to_owned());
            for task in tasks {
                lines.push(format!("- {} ({})", task.what, task.why));
                lines.extend(task.commands(admin_url, folder));
            }
        }
        lines
    }
}

impl Task {
    fn commands(&self, admin_url: &str, folder: &Path) -> Vec<String> {
        let mut lines = Vec::new();
        for step in &self.steps {
            let file = step.write(folder).map(|file| file.display().to_string());
            lines.push(format!("    {}", step.pulsar_admin(file.as_deref())));
            lines.push(format!("    {}", step.curl(admin_url, file.as_deref())));
        }
        lines
    }
}

impl Step {
    /// Writes a long body to its file; none where there is no such body, or nothing can be written, as in an image.
    fn write(&self, folder: &Path) -> Option<PathBuf> {
        let (name, body) = (self.file.as_ref()?, self.body.as_ref()?);
        let file = folder.join(name);
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&file, body.to_string()));
        written.is_ok().then_some(file)
    }

    /// As a `pulsar-admin` line.
    pub fn pulsar_admin(&self, file: Option<&str>) -> String {
        let file = file.or(self.file.as_deref()).unwrap_or_default();
        format!("pulsar-admin {}", self.arguments.replace(Self::FILE, file))
    }

    /// As a request, by an administrator whose token is in `ADMIN_TOKEN`.
    pub fn curl(&self, admin_url: &str, file: Option<&str>) -> String {
        let url = format!("{}/admin/v2/{}", admin_url.trim_end_matches('/'), self.path);
        let body = match (file, &self.body) {
            (Some(file), _) => format!("@{file}"),
            (None, Some(body)) => body.to_string(),
            (None, None) => String::new(),
        };
        let body = if body.is_empty() {
            body
        } else {
            let quoted = body.replace('\'', r"'\''");
            format!(" -H 'Content-Type: application/json' -d '{quoted}'")
        };
        let method = &self.method;
        // Brokers send to each other, and curl would leave the token behind.
        format!(
            "curl -fsS -L --location-trusted -X {method} -H \"Authorization: Bearer $ADMIN_TOKEN\" '{url}'{body}"
        )
    }
}
