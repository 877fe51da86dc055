//! One Pulsar standalone (broker, bookie and metadata in one JVM) in a folder of its own.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::fs::statvfs;
use tokio::time::sleep;

use super::certificates::{CertificateFiles, ServerCertificate};
use super::command::last_cause;
use super::ports::{check_free, free_port};
use super::process::{Process, Signal};
use super::pulsar_files::{FORGET_BOOKIE, Files, has_room, kept_bookie_port};
use crate::tools::{self, Java};

/// A start takes 3 to 8 s, three times that beside a compiler.
const READY_WITHIN: Duration = Duration::from_secs(90);
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// The three ports of a broker on 127.0.0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PulsarPorts {
    /// Clients' port (`pulsar://`).
    pub broker: u16,
    /// The admin interface's port (`http://`).
    pub http: u16,
    /// The inner bookie's port.
    pub bookie: u16,
}

impl PulsarPorts {
    /// Three free ports in a row, for tests: with the variables of a stack the bookie's is the broker's plus two.
    pub fn free() -> Self {
        loop {
            let (broker, http, bookie) = (free_port(), free_port(), free_port());
            // Another test of this process may have taken one of them in between.
            if (http, bookie) == (broker + 1, broker + 2) {
                return Self {
                    broker,
                    http,
                    bookie,
                };
            }
        }
    }
}

/// What a broker is started with beside its folder and ports.
#[derive(Clone, Debug)]
pub struct BrokerSetup {
    /// More lines of configuration, which win over ours.
    pub lines: Vec<(String, String)>,
    /// The token to ask for readiness with.
    pub admin_token: Option<String>,
    /// With a certificate both ports speak TLS, and nothing else.
    pub certificate: Option<ServerCertificate>,
    /// More options for Java, parted by spaces.
    pub java_options: String,
}

/// For Java of a broker that lives as long as a test: what Java's second compiler saves in hours it costs in the first minute.
pub const SHORT_LIVED: &str = "-XX:TieredStopAtLevel=1";

impl Default for BrokerSetup {
    /// For a test.
    fn default() -> Self {
        Self {
            lines: Vec::new(),
            admin_token: None,
            certificate: None,
            java_options: SHORT_LIVED.to_owned(),
        }
    }
}

impl BrokerSetup {
    /// As Pulsar ships it: a consumer that becomes active may be fed for a second before the broker rewinds for it.
    #[must_use]
    pub fn rewinding_late(mut self) -> Self {
        let line = ("activeConsumerFailoverDelayTimeMillis", "1000");
        self.lines.push((line.0.to_owned(), line.1.to_owned()));
        self
    }

    /// All lines; writes the files that they name into the broker's folder.
    fn lines(&self, dir: &Path, ports: PulsarPorts) -> Result<Vec<(String, String)>> {
        let mut lines = self.lines.clone();
        if let Some(certificate) = &self.certificate {
            let files = certificate.write(&dir.join("tls"))?;
            lines.extend(tls_lines(&files, ports));
        }
        Ok(lines)
    }

    fn scheme<'a>(&self, plain: &'a str, tls: &'a str) -> &'a str {
        if self.certificate.is_some() {
            tls
        } else {
            plain
        }
    }

    /// A client that trusts who signed the broker's certificate, and nobody else.
    fn client(&self) -> Result<reqwest::Client> {
        let mut builder = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .no_proxy();
        if let Some(certificate) = &self.certificate {
            let authority = reqwest::Certificate::from_pem(certificate.authority.as_bytes())?;
            builder = builder.tls_certs_only([authority]);
        }
        Ok(builder.build()?)
    }
}

/// The ports without TLS are off, and the broker's own client, by which it reports its health, speaks TLS too. A new
/// certificate in the files is noticed within a second.
fn tls_lines(files: &CertificateFiles, ports: PulsarPorts) -> Vec<(String, String)> {
    let path = |file: &Path| file.display().to_string();
    [
        ("brokerServicePort", String::new()),
        ("webServicePort", String::new()),
        ("brokerServicePortTls", ports.broker.to_string()),
        ("webServicePortTls", ports.http.to_string()),
        ("tlsCertificateFilePath", path(&files.chain)),
        ("tlsKeyFilePath", path(&files.key)),
        ("tlsTrustCertsFilePath", path(&files.authority)),
        ("tlsCertRefreshCheckDurationSec", "1".to_owned()),
        ("brokerClientTlsEnabled", "true".to_owned()),
        ("brokerClientTrustCertsFilePath", path(&files.authority)),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .to_vec()
}

/// A running broker.
#[derive(Debug)]
pub struct Pulsar {
    files: Files,
    ports: PulsarPorts,
    setup: BrokerSetup,
    java: Java,
    process: Process,
}

impl Pulsar {
    /// Starts the broker of `dir` and waits until it is ready. One that runs there already with these ports is taken
    /// over and left running when the value is dropped; with other ports it is started again.
    pub async fn start(dir: &Path, ports: PulsarPorts) -> Result<Self> {
        Self::start_with(dir, ports, BrokerSetup::default()).await
    }

    /// The same with tokens, TLS or other configuration.
    pub async fn start_with(dir: &Path, ports: PulsarPorts, setup: BrokerSetup) -> Result<Self> {
        fs::create_dir_all(dir)?;
        let files = Files {
            dir: dir.canonicalize()?,
            jars: tools::pulsar_home()?.join("jars"),
        };
        let java = tools::java()?;
        let extra = &setup.lines(&files.dir, ports)?;
        let process = match Process::attach(&files.pid()) {
            Some(process) if files.says(ports, extra) => process,
            Some(mut other) => {
                other.stop(Signal::TERM, STOP_WITHIN);
                launch(&files, &java, ports, extra, &setup.java_options)?
            }
            None => launch(&files, &java, ports, extra, &setup.java_options)?,
        };
        let mut broker = Self {
            files,
            ports,
            setup,
            java,
            process,
        };
        broker.wait_ready().await?;
        Ok(broker)
    }

    /// `pulsar://127.0.0.1:<port>`, or `pulsar+ssl://…`.
    pub fn service_url(&self) -> String {
        let scheme = self.setup.scheme("pulsar", "pulsar+ssl");
        format!("{scheme}://127.0.0.1:{}", self.ports.broker)
    }

    /// `http://127.0.0.1:<port>`, or `https://…`.
    pub fn admin_url(&self) -> String {
        let scheme = self.setup.scheme("http", "https");
        format!("{scheme}://127.0.0.1:{}", self.ports.http)
    }

    /// Shows another certificate from now on, within a second or two.
    pub fn change_certificate(&self, certificate: &ServerCertificate) -> Result<()> {
        certificate.write(&self.files.dir.join("tls")).map(drop)
    }

    /// The JVM's process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Leaves the broker running when the value is dropped.
    pub fn detach(mut self) {
        self.process.detach();
    }

    /// A clean stop.
    pub fn stop(&mut self) {
        if self.process.stop(Signal::TERM, STOP_WITHIN) {
            self.files.share_archive(&self.java);
        }
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Freezes the JVM (SIGSTOP): connections stay open and nothing answers.
    pub fn freeze(&self) {
        self.process.signal(Signal::STOP);
    }

    /// Ends [`Self::freeze`].
    pub fn thaw(&self) {
        self.process.signal(Signal::CONT);
    }

    /// Starts again on the same ports and data, after [`Self::kill`], [`Self::stop`] or while it runs.
    pub async fn restart(&mut self) -> Result<()> {
        if self.process.is_alive() {
            self.stop();
        }
        self.process = self.launch()?;
        self.wait_ready().await
    }

    fn launch(&self) -> Result<Process> {
        let lines = self.setup.lines(&self.files.dir, self.ports)?;
        let options = &self.setup.java_options;
        launch(&self.files, &self.java, self.ports, &lines, options)
    }

    /// Stops the broker that runs in `dir`, if one does. True if there was one.
    pub fn stop_in(dir: &Path) -> bool {
        let Some(mut process) = Process::attach(&dir.join("pulsar.pid")) else {
            return false;
        };
        let clean = process.stop(Signal::TERM, STOP_WITHIN);
        if let (true, Ok(home), Ok(java)) = (clean, tools::pulsar_home(), tools::java()) {
            Files {
                dir: dir.to_owned(),
                jars: home.join("jars"),
            }
            .share_archive(&java);
        }
        true
    }

    /// Waits; a broker that lives but does not become ready is killed and started once more, and so is one that found
    /// a port taken that was free a moment before: a probe of another test run may have held it just then.
    async fn wait_ready(&mut self) -> Result<()> {
        let Err(problem) = self.wait_once().await else {
            return Ok(());
        };
        let met_a_probe = problem.to_string().contains("java.net.BindException");
        if !self.process.is_alive() && !met_a_probe {
            return Err(problem);
        }
        eprintln!("    {problem:#}\n    Starting it again.");
        self.process.kill();
        self.process = self.launch()?;
        self.wait_once().await
    }

    async fn wait_once(&mut self) -> Result<()> {
        let client = self.setup.client()?;
        let end = Instant::now() + READY_WITHIN;
        let log = self.files.log();
        while let Err(answer) = self.answers(&client).await {
            if !self.process.is_alive() {
                bail!(
                    "the broker ended while starting: {}\n  The whole log: {}",
                    last_cause(&log),
                    log.display()
                );
            }
            if Instant::now() >= end {
                self.process.signal(Signal::QUIT); // a JVM writes what its threads do into its log
                sleep(Duration::from_secs(1)).await;
                bail!(
                    "the broker is not ready after {READY_WITHIN:?}: {answer:#}\n  Its log: {}",
                    log.display()
                );
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Healthy, and past the making of its first namespace, which comes after.
    async fn answers(&self, client: &reqwest::Client) -> Result<()> {
        let ask = async |path: &str| -> Result<String> {
            let mut request = client.get(format!("{}/admin/v2/{path}", self.admin_url()));
            if let Some(token) = &self.setup.admin_token {
                request = request.bearer_auth(token);
            }
            Ok(request.send().await?.error_for_status()?.text().await?)
        };
        ensure!(
            ask("brokers/health").await?.trim() == "ok",
            "brokers/health does not say ok"
        );
        let namespaces = ask("namespaces/public").await?;
        ensure!(
            namespaces.contains("\"public/default\""),
            "public/default is not made yet"
        );
        Ok(())
    }
}

/// Whether a broker whose folder this is would write now.
///
/// # Errors
/// Saying how much is free and how much must be.
pub fn disk_has_room(dir: &Path) -> Result<()> {
    let disk = statvfs(dir)?;
    has_room(
        dir,
        disk.f_bavail * disk.f_frsize,
        disk.f_blocks * disk.f_frsize,
    )
}

fn launch(
    files: &Files,
    java: &Java,
    ports: PulsarPorts,
    extra: &[(String, String)],
    java_options: &str,
) -> Result<Process> {
    disk_has_room(&files.dir)?;
    let kept = kept_bookie_port(&files.dir);
    let bookie = kept.unwrap_or(ports.bookie);
    let elsewhere = "set PULSAR_SERVICE_URL and PULSAR_ADMIN_URL in .env";
    for port in [ports.broker, ports.http] {
        check_free(port, "the broker", elsewhere)?;
    }
    let remedy = kept.map_or(elsewhere, |_| FORGET_BOOKIE);
    check_free(bookie, "the broker's bookie", remedy)?;
    files.keep_bookie_port(bookie)?;
    files.write(ports, extra)?;
    let options = files.java_options(java, java_options);
    if files.pid().exists() && files.metadata().exists() {
        forget_dead_bookie(files, java, &options)?;
    }
    let mut broker = Command::new(&java.program);
    broker
        .args(files.archive_options(java))
        .args(options)
        .args([
            "org.apache.pulsar.PulsarStandaloneStarter",
            "-nfw",
            "-nss",
            "-a",
            "127.0.0.1",
            "--num-bookies",
            "1",
        ])
        .arg("--metadata-dir")
        .arg(files.metadata())
        .arg("--bookkeeper-dir")
        .arg(files.dir.join("bookkeeper"))
        .args(["--bookkeeper-port", &bookie.to_string(), "--config"])
        .arg(files.conf())
        .current_dir(&files.dir);
    Process::spawn(&mut broker, &files.log(), &files.pid(), Signal::KILL)
}

/// After a `kill -9` the bookie's old ephemeral entry is still in the metadata; registering over it can end in an
/// endless "Lock on resource /ledgers/available/... was invalidated" loop. Listing the bookies removes the entry.
fn forget_dead_bookie(files: &Files, java: &Java, options: &[String]) -> Result<()> {
    let conf = files.dir.join("bookie-shell.conf");
    fs::write(
        &conf,
        format!(
            "metadataServiceUri=metadata-store:rocksdb://{}\n",
            files.metadata().display()
        ),
    )?;
    let log = fs::File::create(files.dir.join("bookie-shell.log"))?;
    let mut shell = Command::new(&java.program)
        .args(options)
        .args(["org.apache.bookkeeper.bookie.BookieShell", "-conf"])
        .arg(conf)
        .args(["listbookies", "-rw"])
        .stdin(Stdio::null())
        .stderr(log.try_clone()?)
        .stdout(log)
        .spawn()
        .context("cannot run BookieShell")?;
    let end = Instant::now() + Duration::from_mins(1);
    while shell.try_wait()?.is_none() {
        if Instant::now() >= end {
            shell.kill()?;
            shell.wait()?;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
