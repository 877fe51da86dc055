//! What is wrong with the settings, all of it, before anything is built or started.

use std::fmt::Display;
use std::str::FromStr;

use anyhow::{Result, bail};
use schemas::Service;
use variables::{LogFilter, RustLog, ServiceUrl};

use super::{Settings, host_and_port, variable};
use crate::layout::Layout;

impl Settings {
    /// Fails with every problem, a line for each.
    pub fn check(&self, layout: &Layout) -> Result<()> {
        refuse(&self.problems(layout)?)
    }

    /// Names in `.env` that nobody reads, and values that somebody will refuse.
    pub fn problems(&self, layout: &Layout) -> Result<Vec<String>> {
        let own = layout.root.join(".env");
        let mut problems = Vec::new();
        if layout.is_clone() && own.exists() {
            let own = Self::read(&own)?;
            let names = own.0.keys().map(String::as_str);
            let unknown = variables::unknown(names).into_iter();
            problems
                .extend(unknown.map(|it| format!("{} stands in .env and {}", it.name, it.what())));
        }
        for service in Service::ALL {
            for name in ["SERVICE_URL", "ADMIN_URL"] {
                let name = variable(service, name);
                problems.extend(self.wrong_address(&name, "http://127.0.0.1:8002", is_http));
            }
        }
        problems.extend(self.wrong_address(
            "PAYOUT_PROVIDER_URL",
            "http://127.0.0.1:8010",
            is_http,
        ));
        problems.extend(self.wrong_address("PULSAR_ADMIN_URL", "http://127.0.0.1:8080", is_http));
        let broker = |url: &str| url.starts_with("pulsar://") || url.starts_with("pulsar+ssl://");
        problems.extend(self.wrong_address(
            "PULSAR_SERVICE_URL",
            "pulsar://127.0.0.1:6650",
            broker,
        ));
        problems.extend(self.unparsed::<u16>("POSTGRES_PORT"));
        problems.extend(self.unparsed::<LogFilter>("LOG_LEVEL"));
        problems.extend(self.unparsed::<RustLog>("RUST_LOG"));
        let modes = Service::with_topics().map(|service| self.mode(service));
        problems.extend(modes.filter_map(|mode| Some(mode.err()?.to_string())));
        let partitions = self.topic_partitions().err();
        problems.extend(partitions.map(|it| it.to_string()));
        // Where it is not given, it follows from the broker's address.
        let auth = self.get("BROKER_AUTH").and(self.broker_grants().err());
        problems.extend(auth.map(|it| it.to_string()));
        Ok(problems)
    }

    fn wrong_address(
        &self,
        name: &str,
        example: &str,
        is_right: impl Fn(&str) -> bool,
    ) -> Option<String> {
        let url = self.get(name)?;
        let right = is_right(url) && host_and_port(url).is_ok();
        (!right).then(|| {
            format!("{name}={url} is no address: expected one with a port, such as {example}")
        })
    }

    fn unparsed<T: FromStr<Err: Display>>(&self, name: &str) -> Option<String> {
        let value = self.get(name)?;
        let error = value.parse::<T>().err()?;
        Some(format!("{name}={value} is malformed: {error}"))
    }
}

fn is_http(url: &str) -> bool {
    url.parse::<ServiceUrl>().is_ok()
}

/// Fails with these lines, unless there are none.
pub(crate) fn refuse(problems: &[String]) -> Result<()> {
    match problems {
        [] => Ok(()),
        [one] => bail!("nothing was started: {one}"),
        several => bail!(
            "nothing was started, for {} reasons:\n  {}",
            several.len(),
            several.join("\n  ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::testing::scratch;

    #[test]
    fn all_that_is_wrong_is_reported_at_once_by_the_names_of_the_variables() {
        let root = scratch("settings");
        std::fs::create_dir_all(&root).unwrap();
        std::fs::write(root.join("Cargo.toml"), "").unwrap();
        std::fs::write(
            root.join(".env"),
            "BFF_SERVCE_URL=http://127.0.0.1:9\nHTTP_PROXY=x\n",
        )
        .unwrap();
        let layout = Layout {
            state: root.join(".tributary"),
            root,
        };
        let mut settings = Settings::example().unwrap();
        assert_eq!(
            settings
                .problems(&Layout {
                    root: "/nowhere".into(),
                    ..layout.clone()
                })
                .unwrap(),
            Vec::<String>::new()
        );
        for (name, value) in [
            ("BFF_SERVICE_URL", "9002"),
            ("TRACKING_SERVICE_URL", "localhost:8000"),
            ("PULSAR_SERVICE_URL", "http://127.0.0.1:6650"),
            ("POSTGRES_PORT", "postgres"),
            ("LOG_LEVEL", "loud"),
            ("RUST_LOG", "sqlx=verbose"),
            ("PAYMENT_SERVICE_MODE", "both"),
            ("PULSAR_TOPIC_PARTITIONS", "128"),
            ("BROKER_AUTH", "tokens"),
        ] {
            settings.set(name, value);
        }
        let error = settings.check(&layout).unwrap_err().to_string();
        for wanted in [
            "for 10 reasons",
            "BFF_SERVCE_URL stands in .env and is no setting: is BFF_SERVICE_URL meant?",
            "BFF_SERVICE_URL=9002 is no address: expected one with a port, such as http://127.0.0.1:8002",
            "TRACKING_SERVICE_URL=localhost:8000 is no address",
            "PULSAR_SERVICE_URL=http://127.0.0.1:6650 is no address",
            "POSTGRES_PORT=postgres is malformed",
            "LOG_LEVEL=loud is malformed: \"loud\" is none of error, warn, info, debug, trace, off",
            "RUST_LOG=sqlx=verbose is malformed: ",
            "PAYMENT_SERVICE_MODE=both: expected http, event or hybrid",
            "PULSAR_TOPIC_PARTITIONS=128: expected 1 to 64",
            "BROKER_AUTH=tokens: expected none or token",
        ] {
            assert!(error.contains(wanted), "{wanted}: {error}");
        }
        for (partitions, is_right) in [("1", true), ("64", true), ("0", false), ("many", false)] {
            settings.set("PULSAR_TOPIC_PARTITIONS", partitions);
            let is_taken = settings.topic_partitions().is_ok();
            assert_eq!(is_taken, is_right, "{partitions}");
        }
    }
}
