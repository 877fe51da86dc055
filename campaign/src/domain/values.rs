//! Texts that are checked once and trusted from then on.

use thiserror::Error;

/// What is wrong with a value, for the person who gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Invalid(pub &'static str);

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident($check:path))+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text, checked.
            pub fn parse(text: &str) -> Result<Self, Invalid> {
                $check(text)?;
                Ok(Self(text.to_owned()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    )+};
}

texts! {
    /// What people call a campaign: 1 to 200 characters, no control characters.
    CampaignName(name)
    /// The terms as partners read them: 1 to 16,000 characters; of control characters only line ends and tabs.
    TermsText(terms_text)
    /// A host that links may lead to, as the URL standard writes it: lower case, ASCII, without a port.
    HostName(host_name)
    /// What a piece of evidence is, such as `photo`: 1 to 64 characters from `A-Z a-z 0-9 _ -`.
    EvidenceType(evidence_type)
    /// SHA-256 of an address, as 64 hexadecimal digits.
    UrlHash(url_hash)
}

const LONGEST_NAME: usize = 200;
const LONGEST_TERMS: usize = 16_000;

fn name(text: &str) -> Result<(), Invalid> {
    if !(1..=LONGEST_NAME).contains(&text.chars().count()) {
        return Err(Invalid("must be 1 to 200 characters"));
    }
    if text.chars().any(char::is_control) {
        return Err(Invalid("must not hold control characters"));
    }
    Ok(())
}

fn terms_text(text: &str) -> Result<(), Invalid> {
    if !(1..=LONGEST_TERMS).contains(&text.chars().count()) {
        return Err(Invalid("must be 1 to 16000 characters"));
    }
    let layout = |c: char| matches!(c, '\n' | '\r' | '\t');
    if text.chars().any(|c| c.is_control() && !layout(c)) {
        return Err(Invalid(
            "must not hold control characters other than line ends and tabs",
        ));
    }
    Ok(())
}

fn host_name(text: &str) -> Result<(), Invalid> {
    if money::is_host_name(text) {
        return Ok(());
    }
    Err(Invalid(
        "must be a host name in lower case, such as shop.example.com, without scheme, port or path",
    ))
}

fn evidence_type(text: &str) -> Result<(), Invalid> {
    if money::ids::is_valid(text) {
        return Ok(());
    }
    Err(Invalid("must be 1 to 64 characters from A-Z a-z 0-9 _ -"))
}

fn url_hash(text: &str) -> Result<(), Invalid> {
    let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() == 64 && text.bytes().all(hexadecimal) {
        return Ok(());
    }
    Err(Invalid("must be 64 hexadecimal digits"))
}

/// 1 to 50 hosts, none twice, in the order in which they were given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts(Vec<HostName>);

impl Hosts {
    /// The most there can be.
    pub const MOST: usize = 50;

    /// The list, checked.
    pub fn new(hosts: Vec<HostName>) -> Result<Self, Invalid> {
        if !(1..=Self::MOST).contains(&hosts.len()) {
            return Err(Invalid("must name 1 to 50 hosts"));
        }
        let mut seen = std::collections::HashSet::new();
        if !hosts.iter().all(|host| seen.insert(host)) {
            return Err(Invalid("must not name a host twice"));
        }
        Ok(Self(hosts))
    }

    /// The list of these texts; an error says which of them is wrong, or none when the list itself is.
    pub fn parse(texts: &[String]) -> Result<Self, (Option<usize>, Invalid)> {
        let mut hosts = Vec::with_capacity(texts.len().min(Self::MOST));
        for (index, text) in texts.iter().enumerate() {
            hosts.push(HostName::parse(text).map_err(|invalid| (Some(index), invalid))?);
        }
        Self::new(hosts).map_err(|invalid| (None, invalid))
    }

    /// The list of a new campaign: what was taken before may be less.
    pub fn parse_new(texts: &[String]) -> Result<Self, (Option<usize>, Invalid)> {
        let hosts = Self::parse(texts)?;
        let inside = hosts
            .0
            .iter()
            .position(|host| !money::is_public_host(host.as_str()));
        let invalid = Invalid(
            "must be a host of the public internet: no address, no top-level domain, no local name",
        );
        inside.map_or(Ok(hosts), |index| Err((Some(index), invalid)))
    }

    /// The texts.
    pub fn to_strings(&self) -> Vec<String> {
        self.0.iter().map(|host| host.as_str().to_owned()).collect()
    }
}

/// Which of a campaign's terms: counts from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TermsVersion(i32);

impl TermsVersion {
    /// The first one of every campaign.
    pub const FIRST: Self = Self(1);

    /// The version of that number.
    pub fn parse(number: i32) -> Result<Self, Invalid> {
        if number >= 1 {
            Ok(Self(number))
        } else {
            Err(Invalid("must be 1 or more"))
        }
    }

    /// The number.
    pub const fn get(self) -> i32 {
        self.0
    }

    /// The one after it; `None` after two thousand million.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl std::fmt::Display for TermsVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
