//! For tests: the servers that `./test.sh` started, and folders for servers of a test's own.

use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs};

use super::process::Identity;
use crate::layout::Layout;
#[cfg(test)]
use crate::settings::Settings;

/// Superuser's URL of the test run's Postgres.
pub const DATABASE_ADMIN_URL: &str = "TEST_DATABASE_ADMIN_URL";
/// `pulsar://` address of the test run's broker.
pub const PULSAR_SERVICE_URL: &str = "TEST_PULSAR_SERVICE_URL";
/// `http://` address of the test run's broker's admin interface.
pub const PULSAR_ADMIN_URL: &str = "TEST_PULSAR_ADMIN_URL";
/// A Python with the stock Pulsar client; set where there is a broker.
pub const PYTHON: &str = "TEST_PYTHON";
/// The folder of the test run: swept when it ends, and what still runs in it is stopped.
pub const FOLDER: &str = "TEST_STACK_DIR";

/// The same in memory, where there is room.
pub const MEMORY_FOLDER: &str = "TEST_MEMORY_DIR";

/// One of the variables above.
///
/// # Panics
/// When it is not set, saying how to run the test instead.
pub fn from_test_run(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run ./test.sh [crate] [test name], or ./tributary with-stack --broker -- cargo test ...")
    })
}

/// Outside of a test run: a folder that no other run sweeps while this process lives.
fn own_folder() -> PathBuf {
    let folder = Layout::find().tests().join(process::id().to_string());
    let owned = fs::create_dir_all(&folder).and_then(|()| match Identity::of(process::id()) {
        Some(identity) => identity.write(&folder.join("owner")),
        None => Ok(()),
    });
    if let Err(problem) = owned {
        eprintln!("{}: {problem}", folder.display());
    }
    folder
}

/// A new folder for a server that a test starts itself.
pub fn scratch(name: &str) -> PathBuf {
    let run = env::var_os(FOLDER).map_or_else(own_folder, PathBuf::from);
    run.join(new_name(name))
}

/// A new folder in memory for a server's data, in a test run that has room for it.
pub fn in_memory(name: &str) -> Option<PathBuf> {
    let run = env::var_os(MEMORY_FOLDER).map(PathBuf::from)?;
    Some(run.join(new_name(name)))
}

fn new_name(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{name}-{}-{number}", process::id())
}

/// What the programs are built with that whole-stack tests start, as arguments of cargo.
pub const PROGRAMS_BUILD: [&str; 3] = ["build", "--locked", "--bins"];

/// The defaults, with what is given in their place.
#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]
pub(crate) fn settings(given: &[(&str, &str)]) -> Settings {
    let mut settings = Settings::example().unwrap();
    for (name, value) in given {
        settings.set(*name, *value);
    }
    settings
}
