//! What the broker is started with: its configuration, its logging and Java's options.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use super::pulsar::PulsarPorts;
use crate::tools::Java;

/// Small, durable and on loopback only. `journalSyncData` and the deletion of inactive topics differ from what
/// Pulsar ships; `listeningInterface` and `allowEphemeralPorts` make the bookie keep to its address and port.
pub const SETTINGS: &[(&str, &str)] = &[
    ("clusterName", "standalone"),
    ("bindAddress", "127.0.0.1"),
    ("advertisedAddress", "127.0.0.1"),
    (
        "loadManagerClassName",
        "org.apache.pulsar.broker.loadbalance.NoopLoadManager",
    ),
    ("loadBalancerEnabled", "false"),
    ("managedLedgerDefaultEnsembleSize", "1"),
    ("managedLedgerDefaultWriteQuorum", "1"),
    ("managedLedgerDefaultAckQuorum", "1"),
    ("managedLedgerCacheSizeMB", "32"),
    // Who waits for a next entry is sent it by who wrote it, and not by a timer some milliseconds later.
    ("managedLedgerNewEntriesCheckDelayInMillis", "0"),
    // How far a subscription is acknowledged is kept every five seconds: what comes again after a death is known.
    ("managedLedgerDefaultMarkDeleteRateLimit", "0.2"),
    ("managedLedgerCacheEvictionIntervalMs", "200"),
    // A consumer that asks for six hundred messages is sent up to a hundred entries, whatever is in each, or so many bytes of them; as shipped 5 MB
    // of each topic. (With `preciseDispatcherFlowControl`, which would count what is in them, hand-overs came to a stop.)
    ("dispatcherMaxReadSizeBytes", "524288"),
    // A consumer that becomes active begins at once behind what is acknowledged, and not with what a read of the one before
    // it brings within a second.
    ("activeConsumerFailoverDelayTimeMillis", "0"),
    ("brokerShutdownTimeoutMs", "4000"),
    ("brokerDeleteInactiveTopicsEnabled", "false"),
    ("numIOThreads", "2"),
    ("numHttpServerThreads", "8"),
    ("numExecutorThreadPoolSize", "2"),
    ("numOrderedExecutorThreads", "2"),
    ("numCacheExecutorThreadPoolSize", "2"),
    ("topicOrderedExecutorThreadNum", "2"),
    ("managedLedgerNumSchedulerThreads", "2"),
    ("bookkeeperClientNumWorkerThreads", "2"),
    ("allowEphemeralPorts", "true"),
    ("listeningInterface", LOOPBACK),
    ("allowLoopback", "true"),
    (
        "ledgerStorageClass",
        "org.apache.bookkeeper.bookie.storage.ldb.DbLedgerStorage",
    ),
    ("journalSyncData", "true"),
    // What comes while nothing else is written waits for no company: that gathers while it is written.
    ("journalFlushWhenQueueEmpty", "true"),
    ("serverNumIOThreads", "1"),
    ("numAddWorkerThreads", "0"),
    ("journalPreAllocSizeMB", "4"),
    ("journalMaxSizeMB", "256"),
    ("journalMaxBackups", "0"),
    ("logSizeLimit", "134217728"),
    ("gcWaitTime", "60000"),
    ("dbStorage_writeCacheMaxSizeMb", "32"),
    ("dbStorage_readAheadCacheMaxSizeMb", "16"),
    ("dbStorage_rocksDB_blockCacheSize", "8388608"),
    ("diskUsageThreshold", "0.998"),
    ("diskUsageWarnThreshold", "0.99"),
];

/// Whether a broker would write to a disk with so many bytes: by `diskUsageThreshold` it writes nothing when a five
/// hundredth or less is free, and everything that is sent to it times out.
///
/// # Errors
/// Saying how much is free and how much must be.
pub fn has_room(dir: &Path, free: u64, total: u64) -> Result<()> {
    let (free, needed) = (free >> 20, (total / 500) >> 20);
    ensure!(
        free > needed,
        "the disk of {} is full: {free} MiB are free, and with {needed} MiB or less the broker writes nothing; free some first",
        dir.display()
    );
    Ok(())
}

const BOOKIE_PORT: &str = "bookie.port";

/// The port that the bookie of a broker's folder was made with. It keeps that, as part of its identity in the metadata, whatever the
/// broker's own are meanwhile.
pub fn kept_bookie_port(dir: &Path) -> Option<u16> {
    let kept = fs::read_to_string(dir.join(BOOKIE_PORT)).ok()?;
    kept.trim().parse().ok()
}

/// What is left where somebody else has that port.
pub const FORGET_BOOKIE: &str = "./stop.sh --wipe, which removes this stack's data: its bookie keeps the port that it was made with";

const LOOPBACK: &str = if cfg!(target_os = "macos") {
    "lo0"
} else {
    "lo"
};

const LOGGING: &str = r#"<Configuration status="WARN">
  <Appenders><Console name="C"><PatternLayout pattern="%d{ISO8601} %-5p [%t] %c{1} - %m%n%ex"/></Console></Appenders>
  <Loggers>
    <Logger name="org.eclipse.jetty.server.RequestLog" level="warn"/>
    <Root level="info"><AppenderRef ref="C"/></Root>
  </Loggers>
</Configuration>
"#;

/// The files of a broker's folder.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) dir: PathBuf,
    pub(super) jars: PathBuf,
}

impl Files {
    pub(super) fn conf(&self) -> PathBuf {
        self.dir.join("standalone.conf")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.dir.join("pulsar.log")
    }

    pub(super) fn pid(&self) -> PathBuf {
        self.dir.join("pulsar.pid")
    }

    pub(super) fn metadata(&self) -> PathBuf {
        self.dir.join("metadata")
    }

    /// Native libraries are unpacked here; each `kill -9` leaves 13 MB, so it is emptied before a start.
    fn tmp(&self) -> PathBuf {
        self.dir.join("tmp")
    }

    /// The configuration with `extra` winning: one line per key, since of a repeated key the broker takes
    /// the last and the bookie the first.
    fn configuration(ports: PulsarPorts, extra: &[(String, String)]) -> String {
        let own = [
            ("brokerServicePort", ports.broker.to_string()),
            ("webServicePort", ports.http.to_string()),
        ];
        let mut settings: Vec<(String, String)> = SETTINGS
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()))
            .collect();
        settings.extend(own.map(|(key, value)| (key.to_owned(), value)));
        settings.retain(|(key, _)| !extra.iter().any(|(other, _)| other == key));
        settings.extend_from_slice(extra);
        let lines: Vec<String> = settings
            .iter()
            .map(|(key, value)| format!("{key}={value}\n"))
            .collect();
        lines.concat()
    }

    /// Was the running broker started with this?
    pub(super) fn says(&self, ports: PulsarPorts, extra: &[(String, String)]) -> bool {
        let written = fs::read_to_string(self.conf());
        written.is_ok_and(|written| written == Self::configuration(ports, extra))
    }

    pub(super) fn keep_bookie_port(&self, port: u16) -> Result<()> {
        Ok(fs::write(self.dir.join(BOOKIE_PORT), port.to_string())?)
    }

    /// Writes what the broker reads.
    pub(super) fn write(&self, ports: PulsarPorts, extra: &[(String, String)]) -> Result<()> {
        fs::write(self.conf(), Self::configuration(ports, extra))?;
        fs::write(self.dir.join("log4j2.xml"), LOGGING)?;
        if self.tmp().exists() {
            fs::remove_dir_all(self.tmp())?;
        }
        Ok(fs::create_dir_all(self.tmp())?)
    }

    /// Options for broker and shell alike; `more` are parted by spaces.
    pub(super) fn java_options(&self, java: &Java, more: &str) -> Vec<String> {
        let mut options: Vec<String> = [
            "-Xms64m",
            "-Xmx320m",
            "-XX:MaxDirectMemorySize=256m",
            "-XX:+UseSerialGC",
            "-XX:-UsePerfData",
        ]
        .map(str::to_owned)
        .to_vec();
        options.extend(more.split_whitespace().map(str::to_owned));
        let opened = [
            "java.base/java.io",
            "java.base/java.nio",
            "java.base/java.util.zip",
            "java.base/jdk.internal.misc",
            "java.base/jdk.internal.platform",
            "java.management/sun.management",
            "jdk.management/com.sun.management.internal",
        ];
        options.extend(opened.map(|package| format!("--add-opens={package}=ALL-UNNAMED")));
        if java.major >= 22 {
            options.push("--enable-native-access=ALL-UNNAMED".into());
        }
        if java.major >= 23 {
            options.push("--sun-misc-unsafe-memory-access=allow".into()); // 17 refuses it, 24 warns without it
        }
        let driver = "org.apache.pulsar.metadata.bookkeeper.PulsarMetadata";
        options.extend([
            format!("-Djava.io.tmpdir={}", self.tmp().display()),
            "-Djava.net.preferIPv4Stack=true".into(),
            "-Dio.netty.tryReflectionSetAccessible=true".into(),
            "-Dpulsar.allocator.exit_on_oom=true".into(),
            format!(
                "-Dlog4j2.configurationFile={}",
                self.dir.join("log4j2.xml").display()
            ),
            format!("-Dbookkeeper.metadata.bookie.drivers={driver}BookieDriver"),
            format!("-Dbookkeeper.metadata.client.drivers={driver}ClientDriver"),
            "-cp".into(),
            format!("{}/*", self.jars.display()),
        ]);
        options
    }

    /// The class data archive halves the start's CPU. Each broker writes its own at a clean stop, which becomes
    /// the shared one if there is none yet: so nobody ever reads a half-written one.
    pub(super) fn archive_options(&self, java: &Java) -> Vec<String> {
        let shared = self.shared_archive(java);
        let quiet = [
            "-Xlog:cds=off".to_owned(),
            "-Xlog:cds+dynamic=off".to_owned(),
        ];
        let archive = if shared.exists() {
            format!("-XX:SharedArchiveFile={}", shared.display())
        } else {
            format!("-XX:ArchiveClassesAtExit={}", self.own_archive().display())
        };
        quiet.into_iter().chain([archive]).collect()
    }

    /// After a clean stop.
    pub(super) fn share_archive(&self, java: &Java) {
        let shared = self.shared_archive(java);
        let own = self.own_archive();
        if own.exists() && !shared.exists() {
            let beside = shared.with_extension(format!("{}.partial", std::process::id()));
            // Without it the next start takes a second or two longer, no more.
            let _copied = fs::copy(&own, &beside).and_then(|_| fs::rename(&beside, &shared));
        }
        let _none = fs::remove_file(own);
    }

    fn own_archive(&self) -> PathBuf {
        self.dir.join("classes.jsa")
    }

    fn shared_archive(&self, java: &Java) -> PathBuf {
        self.jars
            .parent()
            .unwrap_or(Path::new("/tmp"))
            .join(format!("java{}.jsa", java.major))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_on_which_the_broker_would_write_nothing_is_named_before_it_starts() {
        const GIB: u64 = 1 << 30;
        let dir = Path::new("/data/pulsar");
        has_room(dir, GIB, 252 * GIB).unwrap();
        let full = has_room(dir, GIB / 2, 252 * GIB).unwrap_err().to_string();
        assert!(full.contains("/data/pulsar is full: 512 MiB"), "{full}");
    }
}
