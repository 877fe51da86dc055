//! Which variables there are.

/// `.env.example` as it was when the program was built: it names every variable, which a test holds.
pub const EXAMPLE: &str = include_str!("../../../.env.example");

/// What a file may set beside: libraries read it.
const OF_OTHERS: &str = "RUST_LOG";
/// Names that begin so can only be ours.
const PREFIXES: [&str; 6] = [
    "TRIBUTARY_",
    "BFF_",
    "CAMPAIGN_",
    "TRACKING_",
    "COMMISSION_",
    "PAYMENT_",
];

/// A name that looks like one of ours and is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// As it was given.
    pub name: String,
    /// What it may have been meant to be.
    pub nearest: Option<&'static str>,
}

impl Unknown {
    /// What is wrong with it, for after its name.
    pub fn what(&self) -> String {
        match self.nearest {
            Some(nearest) => format!("is no setting: is {nearest} meant?"),
            None => "is no setting: .env.example has all that there are".to_owned(),
        }
    }
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
    (nearest.is_some() || ours).then(|| Unknown {
        name: name.to_owned(),
        nearest,
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
