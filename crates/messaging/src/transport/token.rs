//! The token that opens the broker.

use std::path::PathBuf;

use async_trait::async_trait;
use pulsar::authentication::Authentication;
use pulsar::error::AuthenticationError;
use secrecy::{ExposeSecret, SecretString};

/// A token longer than this is none.
const MAX_BYTES: u64 = 64 * 1024;

/// The token that opens the broker.
#[derive(Debug, Clone)]
pub enum BrokerToken {
    /// The same as long as the process lives.
    Given(SecretString),
    /// What stands in the file whenever the client authenticates: at each connection, and when the broker asks again
    /// because a token runs out.
    InFile(PathBuf),
}

impl From<SecretString> for BrokerToken {
    fn from(token: SecretString) -> Self {
        Self::Given(token)
    }
}

impl From<String> for BrokerToken {
    fn from(token: String) -> Self {
        SecretString::from(token).into()
    }
}

#[async_trait]
impl Authentication for BrokerToken {
    fn auth_method_name(&self) -> String {
        "token".to_owned()
    }

    async fn initialize(&mut self) -> Result<(), AuthenticationError> {
        Ok(())
    }

    async fn auth_data(&mut self) -> Result<Vec<u8>, AuthenticationError> {
        let path = match self {
            Self::Given(token) => return Ok(token.expose_secret().as_bytes().to_vec()),
            Self::InFile(path) => path,
        };
        let failed = |why: String| {
            AuthenticationError::Custom(format!("PULSAR_TOKEN_FILE {}: {why}", path.display()))
        };
        let length = tokio::fs::metadata(&path).await.map(|file| file.len());
        if length.map_err(|error| failed(error.to_string()))? > MAX_BYTES {
            return Err(failed("it has more than 64 KiB".to_owned()));
        }
        let text = tokio::fs::read(&path).await;
        let text = text.map_err(|error| failed(error.to_string()))?;
        Ok(text.trim_ascii_end().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_token_in_a_file_is_read_again_each_time() {
        let path = std::env::temp_dir().join(format!("broker-token-{}", uuid::Uuid::now_v7()));
        let mut token = BrokerToken::InFile(path.clone());
        assert!(
            token
                .auth_data()
                .await
                .unwrap_err()
                .to_string()
                .contains("PULSAR_TOKEN_FILE")
        );
        for text in ["first", "second"] {
            std::fs::write(&path, format!("{text}\n")).unwrap();
            assert_eq!(token.auth_data().await.unwrap(), text.as_bytes());
        }
        std::fs::remove_file(path).unwrap();
    }
}
