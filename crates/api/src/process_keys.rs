//! Keys of a process for one purpose, of secrets that other processes have too.

use std::sync::OnceLock;

use chassis::lasting::{DerivedKeys, LastingKeys};
use secrecy::SecretString;
use types::Uuid;

/// The keys of one purpose, which keeps this use of the secrets apart from every other.
pub(crate) struct ProcessKeys {
    purpose: &'static [u8],
    given: OnceLock<DerivedKeys>,
    /// Until keys are set: some that end with the process, so that nothing is ever made that others could make.
    random: OnceLock<DerivedKeys>,
}

impl ProcessKeys {
    pub(crate) const fn of(purpose: &'static [u8]) -> Self {
        Self {
            purpose,
            given: OnceLock::new(),
            random: OnceLock::new(),
        }
    }

    /// Derives them; the first call counts.
    pub(crate) fn set(&self, keys: &LastingKeys) {
        let _ = self.given.set(keys.derive(self.purpose));
    }

    pub(crate) fn get(&self) -> &DerivedKeys {
        let random = || {
            let random = format!("{}{}", Uuid::new_v4(), Uuid::new_v4());
            LastingKeys::from(SecretString::from(random)).derive(self.purpose)
        };
        self.given
            .get()
            .unwrap_or_else(|| self.random.get_or_init(random))
    }
}
