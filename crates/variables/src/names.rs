//! Which variables there are.

/// `.env.example` as it was when the program was built: it names every variable, which a test holds.
pub const EXAMPLE: &str = include_str!("../../../.env.example");

/// What a file may set beside: libraries read it.
const OF_OTHERS: &str = "RUST_LOG";
/// Names that begin so can only be ours.
const PREFIXES: [&str; 7] = [
    "TRIBUTARY_",
    "BFF_",
    "CAMPAIGN_",
    "TRACKING_",
    "COMMISSION_",
    "PAYMENT_",
    "NOTIFY_",
];

const TOPICS: &str = "is no setting here: each service takes commands from <service>-commands and states events in <service>-events, in PULSAR_TENANT and PULSAR_NAMESPACE";
const DATABASE: &str = "is no setting here: each service has a database of its own, set TRACKING_DATABASE_URL and so on";
const DATABASE_PARTS: &str = "is no setting here: the role and the database are named after the service (tracking, tracking_db) at POSTGRES_HOST and POSTGRES_PORT; for others set the service's whole …_DATABASE_URL";
/// Names of the system that this one follows, whole, and what to do now.
const FORMER: [(&str, &str); 5] = [
    ("PULSAR_TOPIC", TOPICS),
    ("PULSAR_COMMAND_TOPIC", TOPICS),
    ("PULSAR_EVENT_TOPIC", TOPICS),
    (
        "PULSAR_SUBSCRIPTION",
        "is no setting here: each service reads by subscriptions of its own, which provisioning makes",
    ),
    ("DATABASE_URL", DATABASE),
];
/// How names of that system end, behind a service's.
const FORMER_ENDS: [&str; 4] = ["_DB_NAME", "_DB_USER", "_DB_HOST", "_DB_PORT"];

/// A name that looks like one of ours and is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// As it was given.
    pub name: String,
    /// What it may have been meant to be.
    pub nearest: Option<&'static str>,
    /// What to do now, of a name that the system before this one had.
    pub instead: Option<&'static str>,
}

impl Unknown {
    /// What is wrong with it, for after its name.
    pub fn what(&self) -> String {
        match (self.instead, self.nearest) {
            (Some(instead), _) => instead.to_owned(),
            (None, Some(nearest)) => format!("is no setting: is {nearest} meant?"),
            (None, None) => "is no setting: .env.example has all that there are".to_owned(),
        }
    }
}

/// Those of a process's names that the system before this one had: what was set by them would be passed over. A whole
/// `DATABASE_URL` is other programs', too, and none of ours misses it once its own is set.
pub fn former<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Unknown> {
    let names: Vec<&str> = names.into_iter().collect();
    let own = |name: &&str| name.ends_with("_DATABASE_URL") || name.ends_with("_DB_PASSWORD");
    let has_own = names.iter().any(own);
    let read = |name: &&&str| !(has_own && **name == "DATABASE_URL");
    let names = names.iter().filter(read);
    let mut found: Vec<Unknown> = names
        .filter_map(|name| {
            Some(Unknown {
                instead: Some(instead(name)?),
                name: (*name).to_owned(),
                nearest: None,
            })
        })
        .collect();
    found.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    found
}

fn instead(name: &str) -> Option<&'static str> {
    let whole = FORMER.iter().find(|(former, _)| *former == name);
    let part = || {
        let service = FORMER_ENDS.iter().find_map(|end| name.strip_suffix(end))?;
        let ours = PREFIXES
            .iter()
            .any(|prefix| prefix.strip_suffix('_') == Some(service));
        ours.then_some(DATABASE_PARTS)
    };
    whole.map(|(_, instead)| *instead).or_else(part)
}

/// Those of a file's names that nobody will read although they look like ours. What else stands there belongs to others.
pub fn unknown<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Unknown> {
    let known: Vec<&str> = EXAMPLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| Some(line.split_once('=')?.0))
        .collect();
    let mut found: Vec<Unknown> = names
        .into_iter()
        .filter(|name| {
            let plain = name.strip_suffix("_FILE").unwrap_or(name);
            !known.contains(name) && !known.contains(&plain) && *name != OF_OTHERS
        })
        .filter_map(|name| misspelt(name, &known))
        .collect();
    found.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    found
}

/// Near is what differs in one letter of four.
fn misspelt(name: &str, known: &[&'static str]) -> Option<Unknown> {
    let upper = name.to_uppercase();
    let distance = |other: &&str| strsim::damerau_levenshtein(&upper, other);
    let nearest = known.iter().copied().min_by_key(distance);
    let nearest = nearest.filter(|near| distance(near) * 4 <= name.len());
    let ours = PREFIXES.iter().any(|prefix| upper.starts_with(prefix));
    let instead = instead(name);
    (nearest.is_some() || ours || instead.is_some()).then(|| Unknown {
        name: name.to_owned(),
        nearest,
        instead,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_reported_with_the_one_that_is_meant() {
        for (name, nearest) in [
            ("BFF_SERVCE_URL", "BFF_SERVICE_URL"),
            ("LOG_LEVL", "LOG_LEVEL"),
            ("LOGLEVEL", "LOG_LEVEL"),
            ("jwt_secret_key", "JWT_SECRET_KEY"),
            ("PULSAR_TOKENS", "PULSAR_TOKEN"),
        ] {
            let found = unknown([name]);
            assert_eq!(found.len(), 1, "{name}");
            assert_eq!(found[0].nearest, Some(nearest), "{name}");
            assert_eq!(
                found[0].what(),
                format!("is no setting: is {nearest} meant?")
            );
        }
        let own = unknown(["TRACKING_COLOUR"]);
        assert_eq!(own[0].nearest, None);
    }

    #[test]
    fn names_of_the_system_before_are_refused_with_what_to_do_now() {
        for (name, instead) in [
            ("PULSAR_TOPIC", "<service>-commands"),
            ("DATABASE_URL", "TRACKING_DATABASE_URL"),
            ("TRACKING_DB_NAME", "tracking_db"),
            ("CAMPAIGN_DB_USER", "_DATABASE_URL"),
            ("NOTIFY_DB_HOST", "POSTGRES_HOST"),
        ] {
            for found in [unknown([name]), former([name])] {
                assert_eq!(found.len(), 1, "{name}");
                assert!(found[0].what().contains(instead), "{}", found[0].what());
            }
        }
        let own = [
            "DATABASE_URL",
            "BFF_DATABASE_URL",
            "DB_NAME",
            "SHOP_DB_NAME",
            "TRACKING_DB_PASSWORD",
        ];
        assert_eq!(former(own), []);
    }

    #[test]
    fn what_is_known_or_belongs_to_others_is_left_alone() {
        let fine = [
            "LOG_LEVEL",
            "JWT_SECRET_KEY_FILE",
            "RUST_LOG",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "NO_PROXY",
            "COMPOSE_PROJECT_NAME",
            "DOCKER_HOST",
            "AWS_REGION",
            "PGHOST",
            "PATH",
            "EDITOR",
            "A",
        ];
        assert_eq!(unknown(fine), []);
    }
}
