//! Bearer tokens for the local stack, made by the bff's `generate-jwt`.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};

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

/// How long a token of a [`Signer`] is good for, in seconds: longer than any run of a tool.
const LIFETIME: u64 = 6 * 3_600;

/// Signs tokens with a stack's own key, for who needs many: a process for each would take longer than the rest.
#[derive(Clone, Debug)]
pub struct Signer {
    secret: String,
    issuer: String,
    audience: String,
}

impl Signer {
    /// With the key that these settings name.
    ///
    /// # Errors
    /// There is none, or no issuer or audience.
    pub fn new(settings: &Settings) -> Result<Self> {
        let needed = |name| settings.need(name).map(str::to_owned);
        Ok(Self {
            secret: needed("JWT_SECRET_KEY")?,
            issuer: needed("JWT_ISSUER")?,
            audience: needed("JWT_AUDIENCE")?,
        })
    }

    /// The token of a brand.
    ///
    /// # Errors
    /// As of [`Self::sign`].
    pub fn brand(&self, id: &str) -> Result<String> {
        self.sign(json!({"sub": id, "roles": ["brand"], "brand_id": id}))
    }

    /// The token of a partner.
    ///
    /// # Errors
    /// As of [`Self::sign`].
    pub fn partner(&self, id: &str) -> Result<String> {
        self.sign(json!({"sub": id, "roles": ["partner"], "partner_id": id}))
    }

    /// The token of who has these claims.
    ///
    /// # Errors
    /// They cannot be signed.
    pub fn sign(&self, mut who: Value) -> Result<String> {
        who["iss"] = json!(self.issuer);
        who["aud"] = json!(self.audience);
        who["exp"] = json!(jsonwebtoken::get_current_timestamp() + LIFETIME);
        let key = EncodingKey::from_secret(self.secret.as_bytes());
        Ok(jsonwebtoken::encode(&Header::default(), &who, &key)?)
    }
}
