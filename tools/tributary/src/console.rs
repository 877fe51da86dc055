//! `tributary console`: where the console is, opened where there is a browser.

use std::env;
use std::process::{Command, Stdio};

use anyhow::Result;
use clap::ValueEnum;
use devstack::settings::Settings;
use schemas::Service;

/// Whose pages, and of which stack.
#[derive(Clone, Debug, clap::Args)]
pub struct Console {
    /// Signs in as one of the demo's people, which the local profile alone lets anybody do
    #[arg(long = "as")]
    person: Option<Person>,
    /// The bff, such as <http://127.0.0.1:8002>; without it the local stack's
    #[arg(long)]
    url: Option<String>,
}

/// One of the demo's people.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Person {
    Partner,
    Brand,
    Operator,
}

impl Console {
    /// Prints the console's address, and opens it.
    pub fn run(&self, settings: impl FnOnce() -> Result<Settings>) -> Result<()> {
        let bff = match &self.url {
            Some(url) => url.clone(),
            None => settings()?.service_url(Service::Bff)?.to_owned(),
        };
        let address = self.address(&bff);
        println!("{address}");
        open(&address);
        Ok(())
    }

    fn address(&self, bff: &str) -> String {
        let bff = bff.trim_end_matches('/');
        let person = self.person.and_then(|person| person.to_possible_value());
        let query = person.map_or_else(String::new, |it| format!("?as={}", it.get_name()));
        format!("{bff}/console/{query}")
    }
}

/// Nothing is lost where this fails: the address was printed.
fn open(address: &str) {
    let has_display = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| env::var_os(name).is_some_and(|value| !value.is_empty()));
    let program = match env::consts::OS {
        "macos" => "open",
        _ if has_display => "xdg-open",
        _ => return,
    };
    let mut browser = Command::new(program);
    browser.arg(address);
    let quiet = browser.stdin(Stdio::null()).stdout(Stdio::null());
    if quiet.stderr(Stdio::null()).spawn().is_err() {
        eprintln!("{program} cannot be run: open the address in a browser");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_names_whom_to_sign_in_as_and_no_token() {
        let at = |person, bff| Console { person, url: None }.address(bff);
        let bff = "http://127.0.0.1:8002";
        assert_eq!(at(None, bff), "http://127.0.0.1:8002/console/");
        assert_eq!(
            at(Some(Person::Operator), "https://bff.example/"),
            "https://bff.example/console/?as=operator"
        );
    }
}
