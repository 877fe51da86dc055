//! A web address that may be stored and redirected to.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use url::Url;
use utoipa::ToSchema;

const MAX_LENGTH: usize = 2048;

/// An absolute `https` or `http` URL of at most 2,048 bytes, with a host and without credentials.
/// It is kept as the URL standard writes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = "uri", example = "https://example.com/photo.jpg")]
pub struct WebUrl(String);

impl WebUrl {
    /// The address, or what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > MAX_LENGTH {
            return Err("must be at most 2048 bytes");
        }
        let url = Url::parse(text).map_err(|_| "must be an absolute URL")?;
        if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none_or(str::is_empty) {
            return Err("must be an https or http URL with a host");
        }
        if url.port() == Some(0) {
            return Err("must not name port 0, where nothing listens");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a user name or password");
        }
        let text = String::from(url);
        if text.len() > MAX_LENGTH {
            Err("must be at most 2048 bytes")
        } else {
            Ok(Self(text))
        }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address, taken out.
    pub fn into_string(self) -> String {
        self.0
    }

    /// The host in lower case, without its port.
    pub fn host(&self) -> String {
        let url = Url::parse(&self.0).ok();
        url.as_ref()
            .and_then(Url::host_str)
            .unwrap_or_default()
            .to_owned()
    }
}

impl fmt::Display for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for WebUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::WebUrl;

    #[test]
    fn only_plain_web_addresses_are_taken() {
        assert_eq!(
            WebUrl::parse("https://Example.com:8443/a?b")
                .unwrap()
                .host(),
            "example.com"
        );
        for text in [
            "",
            "/a",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "https://",
            "https://a:b@c.example/",
            "https://c.example:0/",
        ] {
            assert!(WebUrl::parse(text).is_err(), "{text}");
        }
        assert!(WebUrl::parse(&format!("https://example.com/{}", "a".repeat(2048))).is_err());
    }
}
