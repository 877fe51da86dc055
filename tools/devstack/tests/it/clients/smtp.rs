//! A real mail server, in Python, that answers as it is told. Notify's own tests use this file too.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinSet;

use super::until;

pub(crate) const USER: &str = "notify";
pub(crate) const PASSWORD: &str = "a-password-of-the-test";

/// It ends with the test.
pub(crate) struct MailServer {
    pub(crate) port: u16,
    /// The certificate that it shows, as a file.
    pub(crate) certificate: PathBuf,
    stdin: ChildStdin,
    reported: Arc<Mutex<Vec<Value>>>,
    child: Child,
    _reader: JoinSet<()>,
}

impl MailServer {
    /// One that is protected so: `none`, which asks for no password either, `starttls` or `implicit`.
    pub(crate) async fn start(protection: &str) -> Self {
        Self::start_at(0, protection).await
    }

    /// The same at a port that one had before.
    pub(crate) async fn start_at(port: u16, protection: &str) -> Self {
        let folder = scratch();
        let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        #[allow(
            clippy::disallowed_methods,
            reason = "two crates' tests use this file, and one has no devstack"
        )]
        let python = std::env::var("TEST_PYTHON").unwrap();
        let program = "tools/devstack/tests/it/clients/smtp.py";
        let program = repository().join(program);
        let mut command = Command::new(python);
        command.arg(program).arg(port.to_string()).arg(protection);
        if protection != "none" {
            command.args([&certificate, &key]).args([USER, PASSWORD]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next_line().await.unwrap().unwrap();
        let first: Value = serde_json::from_str(&first).unwrap();
        let reported = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&reported);
        let mut reader = JoinSet::new();
        reader.spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let line = serde_json::from_str(&line).unwrap();
                all.lock().unwrap().push(line);
            }
        });
        Self {
            port: u16::try_from(first["port"].as_u64().unwrap()).unwrap(),
            certificate,
            stdin: child.stdin.take().unwrap(),
            reported,
            child,
            _reader: reader,
        }
    }

    /// Has it answer so from now on.
    pub(crate) async fn says(&mut self, what: &str) {
        let before = self.reported.lock().unwrap().len();
        self.stdin
            .write_all(format!("{what}\n").as_bytes())
            .await
            .unwrap();
        let words: Vec<&str> = what.split(' ').collect();
        until("the mail server knows what to say", || async {
            let reported = self.reported.lock().unwrap();
            reported[before..].contains(&json!({ "says": words }))
        })
        .await;
    }

    /// It is there no more.
    pub(crate) async fn stop(mut self) {
        self.child.kill().await.unwrap();
    }

    /// All that it was given, taken or not.
    pub(crate) fn given(&self) -> Vec<Value> {
        let reported = self.reported.lock().unwrap();
        let given = reported.iter().filter(|it| it.get("mail").is_some());
        given.cloned().collect()
    }

    /// What it has taken, once it is so many.
    pub(crate) async fn taken(&self, count: usize) -> Vec<Value> {
        let taken = || {
            let taken = self.given().into_iter().filter(|it| it["taken"] == true);
            taken.collect::<Vec<_>>()
        };
        until(&format!("{count} mails are taken"), || async {
            taken().len() >= count
        })
        .await;
        taken()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        if let Some(folder) = self.certificate.parent() {
            let _left = std::fs::remove_dir_all(folder);
        }
    }
}

/// Its root, whichever crate's tests these are.
fn repository() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = own.ancestors().find(|it| it.join("Cargo.lock").exists());
    root.unwrap().to_owned()
}

fn scratch() -> PathBuf {
    let name = format!("smtp-{}", uuid::Uuid::new_v4());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A header of a mail, unfolded.
pub(crate) fn header(given: &Value, name: &str) -> String {
    let mail = given["mail"].as_str().unwrap().replace("\r\n", "\n");
    let head = mail.split("\n\n").next().unwrap().replace("\n ", " ");
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let found = lines.find(|(of, _)| of.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.to_owned()).unwrap_or_default()
}
