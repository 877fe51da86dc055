//! Bearer tokens for the local stack, made by the bff's `generate-jwt`.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::demo::Tokens;
use crate::layout::Layout;
use crate::services::Program;
use crate::settings::Settings;
use crate::stack::run;

/// Becomes the bff's `generate-jwt` with this stack's key.
pub fn token(layout: &Layout, arguments: &[String]) -> Result<()> {
    let settings = &Settings::load(layout)?;
    let built = &layout.built("release");
    let mut command = GenerateJwt::new(layout, settings, built).command()?;
    command.args(arguments);
    Err(command.exec()).context("cannot run the bff's generate-jwt: has ./start.sh built it?")
}

const PRIVATE_KEY: &str = "JWT_PRIVATE_KEY";

/// The bff's `generate-jwt` with the variables that it needs.
#[derive(Clone, Copy, Debug)]
pub struct GenerateJwt<'a> {
    layout: &'a Layout,
    settings: &'a Settings,
    built: &'a Path,
}

impl<'a> GenerateJwt<'a> {
    /// For a stack, with its key, by the binary of this folder.
    pub fn new(layout: &'a Layout, settings: &'a Settings, built: &'a Path) -> Self {
        Self {
            layout,
            settings,
            built,
        }
    }

    fn command(self) -> Result<Command> {
        let bff = Program::Service(schemas::Service::Bff);
        let mut command = Command::new(self.built.join("generate-jwt"));
        command
            .env_clear()
            .envs(bff.environment(self.layout, self.settings)?)
            // Signs, so no service has it.
            .envs(self.settings.get(PRIVATE_KEY).map(|key| (PRIVATE_KEY, key)));
        Ok(command)
    }
}

impl Tokens for GenerateJwt<'_> {
    fn token(&self, arguments: &[&str]) -> Result<String> {
        run(self.command()?.args(arguments)).map(|token| token.trim().to_owned())
    }
}
