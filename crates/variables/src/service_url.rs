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

impl ServiceUrl {
    /// The same as this machine's browsers reach it: a host without a dot is a container's name, whose port is published at `localhost`.
    #[must_use]
    pub fn published(&self) -> Self {
        let Ok(mut url) = Url::parse(&self.0) else {
            return self.clone();
        };
        let is_container = url.domain().is_some_and(|host| !host.contains('.'));
        if !is_container || url.set_host(Some("localhost")).is_err() {
            return self.clone();
        }
        Self(url.as_str().trim_end_matches('/').to_owned())
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
    fn a_containers_port_is_reached_at_localhost_and_others_where_they_are() {
        for (inside, outside) in [
            ("http://tracking:8000", "http://localhost:8000"),
            ("http://localhost:8000/a", "http://localhost:8000/a"),
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
            ("http://[::1]:8000", "http://[::1]:8000"),
            ("https://go.example.com", "https://go.example.com"),
        ] {
            let url: ServiceUrl = inside.parse().unwrap();
            assert_eq!(url.published().to_string(), outside);
        }
    }

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
