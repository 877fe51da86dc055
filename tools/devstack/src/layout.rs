//! Where things lie: the clone, the folder that git ignores, and the cache that clones share.

use std::env;
use std::path::{Path, PathBuf};

/// What a URI cannot hold as it is. The broker's libraries take the path of its metadata as part of one, and decode nothing of it.
const NOT_IN_URIS: &str = " \"#%<>?[\\]^`{|}";

/// The folders of one clone.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The clone: where `Cargo.toml` of the workspace is.
    pub root: PathBuf,
    /// `.tributary/`: data, logs, binaries and secrets of the local stack; ignored by git.
    pub state: PathBuf,
}

impl Layout {
    /// The clone that this program was built from, or the one that `TRIBUTARY_ROOT` names.
    pub fn find() -> Self {
        let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let root = env::var_os("TRIBUTARY_ROOT").map_or(built_in, PathBuf::from);
        let root = root.canonicalize().unwrap_or(root);
        let state = root.join(".tributary");
        Self { root, state }
    }

    /// Is this a clone? An image holds the program alone.
    pub fn is_clone(&self) -> bool {
        self.root.join("Cargo.toml").is_file()
    }

    /// Why a broker that is ours to run could not run in this clone.
    pub fn unfit_for_broker(&self) -> Option<String> {
        let path = self.state.to_string_lossy();
        let letter = path.chars().find(|letter| NOT_IN_URIS.contains(*letter))?;
        Some(format!(
            "the local broker cannot run in {path}, whose name has a {letter:?}: move the clone"
        ))
    }

    /// `.tributary/logs/<name>.log`.
    pub fn log(&self, name: &str) -> PathBuf {
        self.state.join("logs").join(format!("{name}.log"))
    }

    /// Says which process is the stack's Postgres.
    pub fn postgres_pid(&self) -> PathBuf {
        self.state.join("postgres/pid")
    }

    /// Says which process is the stack's broker.
    pub fn pulsar_pid(&self) -> PathBuf {
        self.state.join("pulsar/pulsar.pid")
    }

    /// Where cargo puts the binaries of a profile's folder, `release` or `debug`.
    pub fn built(&self, folder: &str) -> PathBuf {
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
        self.root.join(target).join(folder)
    }

    /// `.tributary/test`, where test runs keep their servers' data while they last.
    pub fn tests(&self) -> PathBuf {
        self.state.join("test")
    }

    /// Where downloads are kept, so that a second clone need not repeat them: `TRIBUTARY_CACHE`, else
    /// `$XDG_CACHE_HOME/tributary`, else `~/.cache/tributary`, else the clone's own folder.
    pub fn cache(&self) -> PathBuf {
        let set = |name| {
            env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        set("TRIBUTARY_CACHE")
            .or_else(|| set("XDG_CACHE_HOME").map(|home| home.join("tributary")))
            .or_else(|| set("HOME").map(|home| home.join(".cache/tributary")))
            .unwrap_or_else(|| self.state.join("cache"))
    }
}
