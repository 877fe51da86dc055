//! The database's password, which may change in its file while the service runs.

use std::path::PathBuf;
use std::time::Duration;

use chassis::config::{Env, read_file};
use schemas::Service;
use sqlx::PgPool;
use tokio::task;
use tokio_util::sync::CancellationToken;

/// The file is looked at so often.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// The file that `<SERVICE>_DB_PASSWORD_FILE` names.
#[derive(Debug, Clone)]
pub struct PasswordFile {
    variable: String,
    path: PathBuf,
}

impl PasswordFile {
    /// `None` when the password is no file's, or is part of a whole URL.
    pub(crate) fn of(env: &Env, service: Service) -> Option<Self> {
        let prefix = service.name().to_uppercase();
        if env.is_given(&format!("{prefix}_DATABASE_URL")) {
            return None;
        }
        let variable = format!("{prefix}_DB_PASSWORD");
        let path = env.file_of(&variable)?;
        Some(Self { variable, path })
    }

    /// Has these pools open further connections with what stands in the file, until stopped. Connections that
    /// are open stay so.
    pub(crate) async fn follow(self, pools: [PgPool; 2], stop: CancellationToken) {
        let mut known = None;
        loop {
            match self.read().await {
                Ok(password) if known.as_ref() != Some(&password) => {
                    for pool in &pools {
                        let options = (*pool.connect_options()).clone();
                        pool.set_connect_options(options.password(&password));
                    }
                    if known.replace(password).is_some() {
                        tracing::info!(
                            variable = self.variable,
                            "a new password is used for the database"
                        );
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(
                        variable = self.variable,
                        error,
                        "its file cannot be used: what it held before is"
                    );
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
    }

    /// Elsewhere than on the thread that everything else runs on: the file may lie on a slow disk.
    async fn read(&self) -> Result<String, String> {
        let path = self.path.display().to_string();
        let read = task::spawn_blocking(move || read_file(&path)).await;
        read.unwrap_or_else(|error| Err(error.to_string()))
    }
}
