//! Where the process runs, which decides what may be switched off.

use std::fmt;
use std::str::FromStr;

use super::Env;

types::names! {
    /// `TRIBUTARY_PROFILE`: what may be switched off depends on it.
    pub enum Profile {
        /// A developer's machine: token checks may be switched off.
        Local = "local",
        /// Anywhere else; also what an absent variable means.
        Production = "production",
    }
}

impl Profile {
    /// Reads `TRIBUTARY_PROFILE`; absent means production, so that forgetting it is safe.
    pub fn read(env: &mut Env) -> Self {
        env.or("TRIBUTARY_PROFILE", Self::Production)
    }

    /// Whether this is a developer's machine.
    pub fn is_local(self) -> bool {
        self == Self::Local
    }
}

impl FromStr for Profile {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or("expected local or production")
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
