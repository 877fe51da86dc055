//! Lists that are closed in the documents.

use std::collections::BTreeSet;

use messaging::inbox;
use schemas::{Service, Topic, rejection_codes};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// Where a command stands, for who sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommandState {
    /// It is not decided yet.
    Pending,
    /// It had its effect.
    Completed,
    /// It was refused.
    Rejected,
    /// An operator ended it.
    Dropped,
    /// It is in the retry queue until an operator decides.
    NeedsAttention,
}

impl CommandState {
    /// Every one of them.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Completed,
        Self::Rejected,
        Self::Dropped,
        Self::NeedsAttention,
    ];

    /// As it is stored and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Completed => "completed",
            Self::Rejected => "rejected",
            Self::Dropped => "dropped",
            Self::NeedsAttention => "needs_attention",
        }
    }
}

chassis::closed_lists! {
    /// Why a command was refused.
    pub RejectionName: rejection_names();
    /// What became of a command, as its service's log has it; at the bff as its clients see it.
    pub(crate) LoggedState: logged_states();
    /// A service.
    pub(crate) ServiceName of Service;
    /// A topic.
    pub(crate) TopicName of Topic;
}

fn rejection_names() -> BTreeSet<&'static str> {
    let codes = Service::ALL.into_iter().flat_map(rejection_codes);
    codes.map(|code| code.name).collect()
}

fn logged_states() -> BTreeSet<&'static str> {
    let of_services = inbox::State::ALL.map(inbox::State::name);
    let of_bff = CommandState::ALL.map(CommandState::name);
    of_services.into_iter().chain(of_bff).collect()
}

/// Reads a [`RejectionName`], if one is given.
pub(crate) fn rejection_name<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    one_of(&rejection_names(), deserializer)
}

/// Reads a [`LoggedState`], if one is given.
pub(crate) fn logged_state<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    one_of(&logged_states(), deserializer)
}

fn one_of<'de, D: Deserializer<'de>>(
    names: &BTreeSet<&'static str>,
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let name = Option::<String>::deserialize(deserializer)?;
    match name {
        Some(name) if !names.contains(&*name) => {
            let names: Vec<_> = names.iter().copied().collect();
            Err(D::Error::custom(format!(
                "must be one of {}",
                names.join(", ")
            )))
        }
        name => Ok(name),
    }
}
