//! Where a service is reached.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// A URL such as `http://127.0.0.1:8002`, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceUrl(String);

impl FromStr for ServiceUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "expected http:// or https://, a host and, unless it is the usual one, a port";
        let url = Url::parse(text).map_err(|_| wrong)?;
        let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !plain {
            return Err(wrong);
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

impl fmt::Display for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_or_without_a_scheme_is_no_address() {
        for right in ["http://127.0.0.1:8002", "https://bff.example.com"] {
            assert_eq!(right.parse::<ServiceUrl>().unwrap().to_string(), right);
        }
        for wrong in [
            "9002",
            ":9002",
            "localhost:9002",
            "127.0.0.1:9002",
            "pulsar://x:1",
            "http://",
            "http://x:99999",
            "http://x/?a=1",
        ] {
            assert!(wrong.parse::<ServiceUrl>().is_err(), "{wrong}");
        }
    }
}
