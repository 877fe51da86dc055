//! What is logged: `LOG_LEVEL`, or `RUST_LOG` in its place.

use std::fmt;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// A level, or several directives as in `info,sqlx=warn`. The filter's own reader takes a word that is no level for the name
/// of a module, and logs nothing of any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// The directives.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LogFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
        let directives = || text.split(',').map(str::trim);
        let wrong = directives().find(|directive| {
            let level = directive
                .rsplit_once('=')
                .map_or(*directive, |(_, level)| level);
            !is_level(level)
        });
        let levels = LEVELS.join(", ");
        if let Some(wrong) = wrong {
            return Err(format!(
                "{wrong:?} is none of {levels}, nor a module with one of them, as in info,sqlx=warn"
            ));
        }
        if !directives().any(is_level) {
            return Err(format!(
                "it says nothing of all other modules: begin with one of {levels}, as in info,sqlx=warn"
            ));
        }
        // The filter's own reader takes no spaces.
        let directives: RustLog = directives().collect::<Vec<_>>().join(",").parse()?;
        Ok(Self(directives.0))
    }
}

/// What the filter's own reader takes, as in `sqlx=debug`: developers have it in their shells for every program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RustLog(String);

impl FromStr for RustLog {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let filter = EnvFilter::try_new(text);
        filter.map_err(|error| error.to_string())?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for RustLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_modules_with_levels_are_taken() {
        for right in [
            "info",
            "WARN",
            "off",
            "info,sqlx=warn",
            "warn, messaging::relay=trace",
        ] {
            let taken = right.parse::<LogFilter>().unwrap();
            assert_eq!(taken.as_str(), right.replace(' ', ""));
        }
    }

    #[test]
    fn a_word_that_would_silence_every_log_is_refused_with_the_words_that_there_are() {
        for (wrong, named) in [
            ("loud", "\"loud\""),
            ("info,sqlx", "\"sqlx\""),
            ("info,sqlx=verbose", "verbose"),
            ("sqlx=warn", "all other modules"),
            ("info,", "\"\""),
        ] {
            let refused = wrong.parse::<LogFilter>().unwrap_err();
            assert!(refused.contains(named), "{wrong}: {refused}");
            assert!(
                refused.contains("error, warn, info, debug, trace, off"),
                "{refused}"
            );
        }
    }

    #[test]
    fn what_the_filters_own_reader_refuses_is_refused_under_either_name() {
        assert!("info,[=debug".parse::<LogFilter>().is_err());
        assert!("sqlx=verbose".parse::<RustLog>().is_err());
        for right in ["sqlx=debug", "sqlx", "warn,pipeline[batch{n=3}]=trace"] {
            assert_eq!(right.parse::<RustLog>().unwrap().to_string(), right);
        }
    }
}
