//! One Postgres server in a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use sqlx::{Connection, PgConnection};
use tokio::time::{sleep, timeout};

use super::account::{Account, data_folder, data_folder_at, remove_data};
use super::certificates::ServerCertificate;
use super::command::{last_lines, run};
use super::ports::{check_free, free_port};
use super::postgres_data::{
    empty, init, put_certificate, quick_verifier, superuser_password, wal_compression,
};
use super::process::{Process, Signal};
use crate::layout::Layout;
use crate::tools::{self, PostgresPrograms};
use types::hex;

/// Settings of every server that we start. `fsync` and `synchronous_commit` stay on: a relay would otherwise
/// publish rows that a crash takes back.
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=", // a socket's path ends at 107 bytes; a clone's may be longer
    "max_connections=300",
    "password_encryption=scram-sha-256",
    "fsync=on",
    "synchronous_commit=on",
    "track_commit_timestamp=on", // latency is measured by it
    "max_wal_size=4GB",
    "shared_buffers=1GB",
    "checkpoint_timeout=15min",
    "jit=off",
    "log_min_messages=warning",
    "log_line_prefix=%m [%p] %u@%d ",
];

/// A file of a server whose passwords are all random, made for a test: they are verified with one iteration.
const QUICK: &str = "logs-in-quickly";

const READY_WITHIN: Duration = Duration::from_mins(1);
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// A running server. `dir` holds its data, log, pid file and the superuser's password.
#[derive(Debug)]
pub struct Postgres {
    dir: PathBuf,
    port: u16,
    password: String,
    certificate: Option<ServerCertificate>,
    process: Process,
}

impl Postgres {
    /// Starts the server of `dir`, after `initdb` if it is new, and waits until it answers. One that runs there
    /// already on this port is taken over and left running when the value is dropped.
    pub async fn start(dir: &Path, port: u16) -> Result<Self> {
        Self::start_with(dir, port, None).await
    }

    /// The same; with a certificate it speaks TLS to whoever asks for it.
    pub async fn start_with(
        dir: &Path,
        port: u16,
        certificate: Option<ServerCertificate>,
    ) -> Result<Self> {
        let tls = certificate.as_ref();
        fs::create_dir_all(dir)?;
        let password = superuser_password(&dir.join("password"))?;
        let process = match Process::attach(&dir.join("pid")) {
            Some(mut process)
                if fs::read_to_string(dir.join("port"))
                    .is_ok_and(|old| old == listens(port, tls)) =>
            {
                wait_ready(&mut process, dir, &url(port, &password)).await?;
                process
            }
            Some(mut elsewhere) => {
                elsewhere.stop(Signal::INT, STOP_WITHIN);
                launch_and_wait(dir, port, &password, tls).await?
            }
            None => launch_and_wait(dir, port, &password, tls).await?,
        };
        Ok(Self {
            dir: dir.to_owned(),
            port,
            password,
            certificate,
            process,
        })
    }

    /// The folder of a server that ran and is empty, in the clone: made at the first call, to be copied.
    pub async fn template(layout: &Layout) -> Result<PathBuf> {
        let bin = tools::postgres(None)?.bin;
        let of_bin = hex(&Sha256::digest(bin.as_os_str().as_encoded_bytes())[..4]);
        let template = layout.state.join("postgres-template").join(of_bin);
        let complete = template.join(QUICK);
        if !complete.exists() {
            Self::wipe(&template)?;
            let mut server = Self::start(&template, free_port()).await?;
            server.log_in_quickly().await?;
            server.stop();
            fs::write(&complete, "")?;
        }
        Ok(template)
    }

    /// Starts a copy of a server that is stopped, for a test: about a second less than a new one. With a `place`, its data is there, and
    /// that of `dir` is a link to it.
    pub async fn start_copy(
        template: &Path,
        place: Option<&Path>,
        dir: &Path,
        port: u16,
    ) -> Result<Self> {
        let account = Account::for_server()?;
        let data = match place {
            Some(place) => data_folder_at(place, dir, account)?,
            None => data_folder(dir, account)?,
        };
        let source = template.join("data").canonicalize()?.join(".");
        run(Command::new("cp").arg("-a").arg(source).arg(data))?;
        for file in ["password", "initialised", QUICK] {
            fs::copy(template.join(file), dir.join(file))?;
        }
        Self::start(dir, port).await
    }

    async fn log_in_quickly(&self) -> Result<()> {
        let mut connection = PgConnection::connect(&self.admin_url()).await?;
        let verifier = quick_verifier(&self.password)?;
        let alter = format!("ALTER ROLE postgres PASSWORD '{verifier}'");
        sqlx::raw_sql(sqlx::AssertSqlSafe(alter))
            .execute(&mut connection)
            .await?;
        Ok(connection.close().await?)
    }

    /// What this server is to be given for a role's password: that itself, or what makes logins quick where a test made it.
    pub fn password_or_verifier(&self, password: &str) -> Result<String> {
        if self.dir.join(QUICK).exists() {
            quick_verifier(password)
        } else {
            Ok(password.to_owned())
        }
    }

    /// The superuser's connection URL for the database `postgres`.
    pub fn admin_url(&self) -> String {
        url(self.port, &self.password)
    }

    /// The same for the server of `dir`, without starting it.
    pub fn admin_url_in(dir: &Path, port: &str) -> Result<String> {
        let file = dir.join("password");
        let password = fs::read_to_string(&file)
            .with_context(|| format!("no Postgres of ours: cannot read {}", file.display()))?;
        let port = port.parse().context("its port is not a number")?;
        Ok(url(port, password.trim()))
    }

    /// The port of 127.0.0.1 on which it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The postmaster's process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Leaves the server running when the value is dropped.
    pub fn detach(mut self) {
        self.process.detach();
    }

    /// Fast shutdown: open transactions are rolled back, data is written.
    pub fn stop(&mut self) {
        self.process.stop(Signal::INT, STOP_WITHIN);
    }

    /// `kill -9` of the postmaster, as a crash would: its children end by themselves.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts again on the same port and data, after [`Self::kill`], [`Self::stop`] or while it runs.
    pub async fn restart(&mut self) -> Result<()> {
        if self.process.is_alive() {
            self.stop();
        }
        let tls = self.certificate.as_ref();
        self.process = launch_and_wait(&self.dir, self.port, &self.password, tls).await?;
        Ok(())
    }

    /// The same with another certificate, or without one.
    pub async fn restart_with(&mut self, certificate: Option<ServerCertificate>) -> Result<()> {
        self.certificate = certificate;
        self.restart().await
    }

    /// Stops the server that runs in `dir`, if one does. True if there was one.
    pub fn stop_in(dir: &Path) -> bool {
        Process::attach(&dir.join("pid"))
            .map(|mut process| process.stop(Signal::INT, STOP_WITHIN))
            .is_some()
    }

    /// Removes all data of `dir`, also where it lies outside.
    pub fn wipe(dir: &Path) -> Result<()> {
        Self::stop_in(dir);
        remove_data(dir)
    }
}

fn url(port: u16, password: &str) -> String {
    format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres")
}

/// After a kill the old server's processes hold its memory until they notice; a new one refuses to start meanwhile.
async fn launch_and_wait(
    dir: &Path,
    port: u16,
    password: &str,
    tls: Option<&ServerCertificate>,
) -> Result<Process> {
    let end = Instant::now() + STOP_WITHIN;
    loop {
        let mut process = launch(dir, port, password, tls)?;
        let Err(problem) = wait_ready(&mut process, dir, &url(port, password)).await else {
            return Ok(process);
        };
        let text = problem.to_string();
        let predecessor = text.contains("shared memory") || text.contains("lock file");
        if !predecessor || Instant::now() >= end {
            return Err(problem);
        }
        sleep(Duration::from_millis(50)).await;
    }
}

async fn wait_ready(process: &mut Process, dir: &Path, url: &str) -> Result<()> {
    let (log, end) = (dir.join("postgres.log"), Instant::now() + READY_WITHIN);
    loop {
        let answer = timeout(Duration::from_secs(5), PgConnection::connect(url)).await;
        let problem = match answer {
            Ok(Ok(connection)) => return Ok(connection.close().await?),
            Ok(Err(problem)) => problem.to_string(),
            Err(_) => "no answer within 5 s".to_owned(),
        };
        if !process.is_alive() {
            bail!(
                "Postgres ended while starting: {}\n  The whole log: {}",
                last_lines(&log, 3),
                log.display()
            );
        }
        if Instant::now() >= end {
            bail!(
                "Postgres is not ready after {READY_WITHIN:?}: {problem}\n  Its log: {}",
                log.display()
            );
        }
        sleep(Duration::from_millis(30)).await;
    }
}

/// What the file `port` says of a running server.
fn listens(port: u16, tls: Option<&ServerCertificate>) -> String {
    let tls = tls.map_or("", |_| " tls");
    format!("{port}{tls}")
}

fn launch(
    dir: &Path,
    port: u16,
    password: &str,
    tls: Option<&ServerCertificate>,
) -> Result<Process> {
    let done = dir.join("initialised"); // by which major version
    let made_by = fs::read_to_string(&done)
        .ok()
        .and_then(|major| major.trim().parse().ok());
    let (PostgresPrograms { major, bin }, account) =
        (tools::postgres(made_by)?, Account::for_server()?);
    check_free(port, "Postgres", "set POSTGRES_PORT in .env")?;
    let data = data_folder(dir, account)?;
    if !done.exists() {
        empty(&data)?; // what an interrupted initdb left
        init(&bin, &data, password, account).context("initdb")?;
        fs::write(done, major.to_string())?;
    }
    let mut server = Command::new(bin.join("postgres"));
    server
        .arg("-D")
        .arg(&data)
        .args(["-p", &port.to_string()])
        .current_dir("/")
        .env_clear();
    for setting in SETTINGS {
        server.args(["-c", setting]);
    }
    // For the benchmark, which says where time goes. It comes with the server or, with some packagers, in one of its own.
    if bin.join("../lib/pg_stat_statements.so").exists() {
        server.args(["-c", "shared_preload_libraries=pg_stat_statements"]);
    }
    server.args([
        "-c",
        &format!("wal_compression={}", wal_compression(&bin, &data, account)),
    ]);
    if let Some(certificate) = tls {
        put_certificate(&data, certificate, account)?;
        server.args(["-c", "ssl=on"]); // server.crt and server.key of its data
    }
    Account::apply(account, &mut server);
    fs::write(dir.join("port"), listens(port, tls))?;
    Process::spawn(
        &mut server,
        &dir.join("postgres.log"),
        &dir.join("pid"),
        Signal::QUIT,
    )
}
