//! Token authentication at the local broker: one key, one token for each role.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Result;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

/// The role that provisions; it may do everything.
pub const ADMIN_ROLE: &str = "admin";

/// What the broker's tokens are signed with: HS256.
#[derive(Clone)]
pub struct BrokerTokens {
    secret: String,
}

impl BrokerTokens {
    /// A secret of 32 bytes or more.
    pub fn new(secret: impl Into<String>) -> Self {
        Self {
            secret: secret.into(),
        }
    }

    /// The token of a role; the same every time.
    pub fn token(&self, role: &str) -> Result<String> {
        let key = EncodingKey::from_secret(self.secret.as_bytes());
        let claims = json!({ "sub": role });
        Ok(jsonwebtoken::encode(
            &Header::new(Algorithm::HS256),
            &claims,
            &key,
        )?)
    }

    /// Lines of configuration for a broker in this folder that wants a token from everybody; writes the files that they
    /// name, for the owner's eyes only.
    pub fn configuration(&self, dir: &Path) -> Result<Vec<(String, String)>> {
        fs::create_dir_all(dir)?;
        let dir = dir.canonicalize()?;
        let (key, admin) = (dir.join("token.key"), dir.join("admin.token"));
        write_private(&key, &self.secret)?;
        write_private(&admin, &self.token(ADMIN_ROLE)?)?;
        let token = "org.apache.pulsar.client.impl.auth.AuthenticationToken";
        let provider =
            "org.apache.pulsar.broker.authentication.AuthenticationProviderToken".to_owned();
        let lines = [
            ("authenticationEnabled", "true".to_owned()),
            ("authorizationEnabled", "true".to_owned()),
            ("authenticationProviders", provider),
            ("tokenSecretKey", format!("file://{}", key.display())),
            ("superUserRoles", ADMIN_ROLE.to_owned()),
            ("brokerClientAuthenticationPlugin", token.to_owned()),
            (
                "brokerClientAuthenticationParameters",
                format!("file://{}", admin.display()),
            ),
        ];
        Ok(lines.map(|(key, value)| (key.to_owned(), value)).to_vec())
    }
}

fn write_private(file: &Path, text: &str) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    Ok(options.open(file)?.write_all(text.as_bytes())?)
}
