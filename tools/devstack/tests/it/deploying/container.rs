//! A container as the kernel sees it, without an engine: a root of its own that cannot be written, the user, no way to more
//! privileges, exactly the variables, and only the folders that are mounted for it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use devstack::stack::run;
use schemas::Service;
use serde_json::Value;

use super::dockerfile::Dockerfile;
use super::strings;

/// Mounts of the container's own, which end with it; then its program, as its user. `$1` is the root, `$2` the file of
/// names, `$3` the user, `$4` the number of volumes, which follow as pairs of a folder here and one there.
const INSIDE: &str = r#"
set -eu
root=$1 names=$2 user=$3 volumes=$4; shift 4
mount --bind "$root" "$root"
mount --bind "$names" "$root/etc/hosts"
mount -t proc proc "$root/proc"
while [ "$volumes" -gt 0 ]; do
  mount --bind "$1" "$root$2"; shift 2; volumes=$((volumes - 1))
done
mount -o remount,bind,ro "$root"
chroot=$(command -v chroot)
exec env -u PWD setpriv --no-new-privs "$chroot" --userspec="$user" --groups= "$root" "$@"
"#;

/// One service of a compose file with the image that it names.
pub struct Container {
    root: PathBuf,
    names: PathBuf,
    user: String,
    volumes: Vec<(PathBuf, String)>,
    environment: BTreeMap<String, String>,
    command: Vec<String>,
    check: Vec<String>,
}

impl Container {
    /// Puts an image together from what [`super::images::ROOTFS`] made in `images`, as the Dockerfile says.
    pub fn new(name: &str, service: &Value, images: &Path, folder: &Path) -> Self {
        let file = Dockerfile::of(service["build"]["target"].as_str().unwrap());
        let root = folder.join(name);
        for (source, place, owner) in file.copies() {
            let source = images.join(source.strip_prefix("/images/").unwrap());
            let place = root.join(place.trim_start_matches('/'));
            fs::create_dir_all(&place).unwrap();
            run(Command::new("cp")
                .arg("-a")
                .arg(source.join("."))
                .arg(&place))
            .unwrap();
            if let Some(owner) = owner {
                run(Command::new("chown").arg("-R").arg(owner).arg(&place)).unwrap();
            }
        }
        // An engine makes these too.
        fs::create_dir_all(root.join("proc")).unwrap();
        fs::write(root.join("etc/hosts"), "").unwrap();
        let names = folder.join("hosts");
        let others = ["postgres", "pulsar", "simulator"].into_iter();
        let hosts: Vec<&str> = others.chain(Service::ALL.map(Service::name)).collect();
        fs::write(&names, format!("127.0.0.1 localhost {}\n", hosts.join(" "))).unwrap();

        let mut environment = file.environment();
        let given = service["environment"].as_object().into_iter().flatten();
        environment
            .extend(given.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())));
        let mut command = file.words("ENTRYPOINT");
        let given = strings(&service["command"]);
        command.extend(if given.is_empty() {
            file.words("CMD")
        } else {
            given.into_iter().map(str::to_owned).collect()
        });
        let check = strings(&service["healthcheck"]["test"]).into_iter().skip(1);
        Self {
            names,
            user: service["user"].as_str().unwrap().to_owned(),
            volumes: volumes(service, &root, folder),
            environment,
            command,
            check: check.map(str::to_owned).collect(),
            root,
        }
    }

    /// What the program's environment must be.
    pub fn environment(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// Where its files are, seen from outside.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Starts its program, what it says going to `log`.
    pub fn start(&self, log: &Path) -> Child {
        let log = fs::File::create(log).unwrap();
        let mut command = self.inside(&self.command);
        command
            .stdin(Stdio::null())
            .stderr(log.try_clone().unwrap())
            .stdout(log);
        command.spawn().unwrap()
    }

    /// Runs its health check beside the program, as an engine does: `Err` with what it says.
    pub fn check(&self) -> Result<(), String> {
        self.run(&self.check).map(drop)
    }

    /// Runs another program of its image.
    pub fn run(&self, words: &[String]) -> Result<String, String> {
        run(&mut self.inside(words)).map_err(|problem| format!("{problem:#}"))
    }

    fn inside(&self, words: &[String]) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--", "sh", "-c", INSIDE, "container"]);
        command.arg(&self.root).arg(&self.names).arg(&self.user);
        command.arg(self.volumes.len().to_string());
        for (here, there) in &self.volumes {
            command.arg(here).arg(there);
        }
        command.args(words);
        command.env_clear().envs(&self.environment);
        command
    }
}

/// Named volumes as folders, which begin as what the image has there.
fn volumes(service: &Value, root: &Path, folder: &Path) -> Vec<(PathBuf, String)> {
    let mut volumes = Vec::new();
    for volume in strings(&service["volumes"]) {
        let mut parts = volume.split(':');
        let (name, place) = (parts.next().unwrap(), parts.next().unwrap());
        let here = folder.join("volumes").join(name);
        let there = root.join(place.trim_start_matches('/'));
        // Whichever image an engine mounts it over first, its program must be able to write there.
        let owner = fs::metadata(&there).unwrap().uid();
        assert!(
            service["user"] == format!("{owner}:{owner}"),
            "{name} would belong to {owner}"
        );
        if !here.exists() {
            fs::create_dir_all(here.parent().unwrap()).unwrap();
            run(Command::new("cp").arg("-a").arg(there).arg(&here)).unwrap();
        }
        volumes.push((here, place.to_owned()));
    }
    volumes
}
