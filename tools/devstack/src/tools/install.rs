//! Installing: with the system's package manager where this user may, otherwise by saying exactly what to run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::has;
use crate::layout::Layout;
use crate::stack::{run, run_visibly};

/// The newest 4.0 that Maven Central has.
const PULSAR: &str = "4.0.8";
/// Postgres binaries that need no root; of their own archive in Maven Central.
const EMBEDDED: &str = "17.6.0";

/// Installs a Debian package (or says how to, there and with Homebrew).
pub fn install(what: &str, debian: &str, brew: &str) -> Result<()> {
    if !has("apt-get") {
        bail!("{what} is missing. Run: brew install {brew}");
    }
    println!("    installing {debian}: {what}");
    let packages: Vec<&str> = ["install", "-y", "--no-install-recommends"]
        .into_iter()
        .chain(debian.split(' '))
        .collect();
    as_root(&["update"])
        .with_context(|| format!("{what} is missing. Run: sudo apt-get install -y {debian}"))?;
    as_root(&packages)
        .with_context(|| format!("{what} could not be installed; try: apt-get install {debian}"))
}

/// `apt-get` with these arguments, where this user may.
fn as_root(arguments: &[&str]) -> Result<()> {
    let prefix: &[&str] = if rustix::process::geteuid().is_root() {
        &["env"]
    } else if has("sudo") && run(Command::new("sudo").args(["-n", "true"])).is_ok() {
        &["sudo", "-n", "env"]
    } else {
        bail!("this user may not install packages");
    };
    let quiet = [
        "DEBIAN_FRONTEND=noninteractive",
        "timeout",
        "600",
        "apt-get",
        "-qq",
    ];
    let mut apt = Command::new(prefix[0]);
    run(apt.args(&prefix[1..]).args(quiet).args(arguments)).map(drop)
}

/// Unpacks a Debian package into a folder without installing it: nothing of it is started, and no root is needed.
pub(super) fn unpack(what: &str, debian: &str, brew: &str, into: &Path) -> Result<()> {
    if !has("apt-get") {
        bail!("{what} is missing. Run: brew install {brew}");
    }
    println!("    fetching {debian}: {what}");
    let work = into.with_extension(format!("{}.partial", std::process::id()));
    fs::create_dir_all(&work)?;
    let download = || {
        let mut apt = Command::new("apt-get");
        run(apt.args(["-qq", "download", debian]).current_dir(&work))
    };
    download()
        .or_else(|_| {
            as_root(&["update"])?;
            download()
        })
        .with_context(|| format!("{what} could not be fetched; try: apt-get download {debian}"))?;
    let package = fs::read_dir(&work)?
        .flatten()
        .map(|entry| entry.path())
        .next();
    let package = package.context("apt-get download left no file")?;
    run(Command::new("dpkg-deb")
        .arg("-x")
        .arg(package)
        .arg(work.join("unpacked")))?;
    fs::rename(work.join("unpacked"), into)?;
    Ok(fs::remove_dir_all(&work)?)
}

/// Debian's server package where we may install it, else binaries from Maven Central, which need no root.
pub(super) fn postgres() -> Result<()> {
    match install(
        "PostgreSQL's server programs",
        "postgresql",
        "postgresql@17",
    ) {
        Ok(()) => Ok(()),
        Err(_) if cfg!(target_os = "linux") => fetch_embedded_postgres(),
        Err(refused) => Err(refused),
    }
}

/// Where [`fetch_embedded_postgres`] puts its programs. Root's server runs under another account, which may not
/// enter root's home.
pub(super) fn embedded_postgres() -> PathBuf {
    let name = format!("postgresql-{EMBEDDED}");
    if rustix::process::geteuid().is_root() {
        return Path::new("/var/lib/tributary").join(name).join("bin");
    }
    Layout::find().cache().join(name).join("bin")
}

fn fetch_embedded_postgres() -> Result<()> {
    let machine = if cfg!(target_arch = "aarch64") {
        "arm64v8"
    } else {
        "amd64"
    };
    let artifact = format!("embedded-postgres-binaries-linux-{machine}");
    println!("    fetching PostgreSQL {EMBEDDED} from Maven Central (15 MB)");
    let bin = embedded_postgres();
    let home = bin.parent().context("a folder")?;
    let work = home.with_file_name(format!(
        "postgresql-{EMBEDDED}.{}.partial",
        std::process::id()
    ));
    fs::create_dir_all(&work)?;
    let jar = work.join("binaries.jar");
    maven_copy(
        &format!("io.zonky.test.postgres:{artifact}:{EMBEDDED}:jar"),
        &work,
    )?;
    fs::rename(work.join(format!("{artifact}-{EMBEDDED}.jar")), &jar)?;
    run(Command::new("python3")
        .args(["-m", "zipfile", "-e"])
        .arg(&jar)
        .arg(&work))
    .or_else(|_| {
        run(Command::new("unzip")
            .args(["-q"])
            .arg(&jar)
            .arg("-d")
            .arg(&work))
    })
    .context("unpacking needs python3 or unzip: sudo apt-get install -y unzip xz-utils")?;
    let archive = fs::read_dir(&work)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "txz"));
    let archive = archive.context("no .txz in the archive of Postgres' programs")?;
    let unpacked = work.join("unpacked");
    fs::create_dir_all(&unpacked)?;
    run(Command::new("tar")
        .arg("xJf")
        .arg(archive)
        .arg("-C")
        .arg(&unpacked))
    .context("unpacking needs xz: sudo apt-get install -y xz-utils")?;
    fs::rename(&unpacked, home)?;
    Ok(fs::remove_dir_all(&work)?)
}

/// Not needed without functions, stream storage, etcd, oxia or Kubernetes.
const UNNEEDED: &[&str] = &[
    "io.kubernetes-",
    "io.grpc-",
    "com.google.api.grpc-",
    "com.google.auth-",
    "com.google.http-client-",
    "io.vertx-",
    "net.bytebuddy-",
    "com.squareup.",
    "org.jetbrains",
    "org.apache.curator-",
    "io.github.oxia-db-",
    "org.apache.pulsar-jetcd-",
    "io.reactivex.",
    "org.apache.distributedlog-",
    "net.java.dev.jna-",
    "com.github.oshi-",
    "org.apache.pulsar-bouncy-castle-bc-",
    "org.apache.thrift-",
    "org.apache.httpcomponents-",
    "io.opencensus-",
    "org.apache.bookkeeper-statelib-",
    "org.apache.bookkeeper-stream-storage-server-",
    "org.apache.bookkeeper-stream-storage-proto-",
    "org.apache.bookkeeper-stream-storage-service-impl-",
    "io.opentelemetry-opentelemetry-exporter-otlp",
    "org.apache.pulsar-pulsar-proxy-",
    "org.apache.pulsar-testmocks-",
];

fn pulsar_places() -> [PathBuf; 2] {
    let (name, layout) = (format!("pulsar-{PULSAR}"), Layout::find());
    [layout.state.join(&name), layout.cache().join(name)]
}

/// The jars' folder, in the clone or in the cache that clones share.
pub(super) fn find_pulsar() -> Option<PathBuf> {
    pulsar_places()
        .into_iter()
        .find(|place| place.join("complete").exists())
}

pub(super) fn pulsar_is_here() -> bool {
    find_pulsar().is_some()
}

/// Fetches the broker with Maven, once: one file of 245 MB, of which 156 MB are kept.
pub(super) fn fetch_pulsar() -> Result<()> {
    let [in_clone, in_cache] = pulsar_places();
    let cache = in_cache
        .parent()
        .is_some_and(|cache| fs::create_dir_all(cache).is_ok());
    let place = if cache { in_cache } else { in_clone };
    println!(
        "    fetching Apache Pulsar {PULSAR} with Maven (245 MB, once; kept in {})",
        place.display()
    );
    let work = place.with_file_name(format!("pulsar-{PULSAR}.{}.partial", std::process::id()));
    let fetched = unpack_pulsar(&work).and_then(|()| {
        // Another clone may have been quicker.
        fs::rename(&work, &place).or_else(|problem| {
            if place.join("complete").exists() {
                Ok(())
            } else {
                Err(problem)
            }
        })?;
        Ok(())
    });
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    fetched.with_context(|| format!("cannot bring the broker to {}", place.display()))
}

/// Fetches one artifact with Maven into a folder, leaving nothing else there.
pub(super) fn maven_copy(artifact: &str, into: &Path) -> Result<()> {
    let mut mvn = Command::new("mvn");
    mvn.args([
        "-q",
        "-B",
        "dependency:copy",
        &format!("-Dartifact={artifact}"),
    ])
    .arg(format!("-Dmaven.repo.local={}", into.join("m2").display()))
    .arg(format!("-DoutputDirectory={}", into.display()))
    .current_dir(into);
    if !run_visibly(&mut mvn)? {
        bail!(
            "Maven could not fetch {artifact}: is it installed? See its messages above (a proxy or mirror goes into ~/.m2/settings.xml)"
        );
    }
    Ok(fs::remove_dir_all(into.join("m2"))?)
}

fn unpack_pulsar(work: &Path) -> Result<()> {
    let jars = work.join("jars");
    fs::create_dir_all(&jars)?;
    let artifact = format!("org.apache.pulsar:pulsar-server-distribution:{PULSAR}:tar.gz:bin");
    maven_copy(&artifact, work)?;
    let archive = work.join(format!("pulsar-server-distribution-{PULSAR}-bin.tar.gz"));
    let wildcards: &[&str] = if cfg!(target_os = "linux") {
        &["--wildcards"]
    } else {
        &[]
    };
    let mut tar = Command::new("tar");
    tar.arg("xzf")
        .arg(&archive)
        .arg("-C")
        .arg(&jars)
        .arg("--strip-components=2")
        .args(wildcards)
        .arg("*/lib/*.jar");
    run(&mut tar)?;
    for jar in fs::read_dir(&jars)?.flatten() {
        if is_unneeded(&jar.file_name().to_string_lossy()) {
            fs::remove_file(jar.path())?;
        }
    }
    fs::remove_file(archive)?;
    Ok(fs::write(work.join("complete"), "")?)
}

fn is_unneeded(jar: &str) -> bool {
    let other_system = if cfg!(target_os = "macos") {
        "-linux-"
    } else {
        "-osx-"
    };
    UNNEEDED.iter().any(|prefix| jar.starts_with(prefix))
        || jar.contains(other_system)
        || jar.contains("-windows-")
}
