//! Joins messaging and chassis, which do not know each other, and what operators do with both: how a service starts, takes
//! commands by HTTP, answers them, and says that it is ready.
//!
//! A service's `lib.rs` is a [`Definition`]; its `main.rs` is one call of [`main`].

mod api_keys;
pub mod brands;
pub mod campaigns;
mod commands;
mod database;
mod definition;
mod documents;
mod host;
pub mod lists;
mod opened;
pub mod partners;
mod password;
mod personal_keys;
mod program;
mod ready;
mod rows;
mod settings;
mod start;
mod states;
mod submit;
mod surface;
#[cfg(feature = "testing")]
pub mod testing;
mod traces;
mod transports;

pub use api_keys::{api_key, api_key_uses, api_keys_changed};
pub use definition::{Definition, LeaderJobs, Routes};
pub use documents::{
    ApiKeyStatus, BAD_GATEWAY, CampaignRefusals, CampaignStatus, ClaimStatus, ConversionStatus,
    ConversionType, DisabledBy, EnrollmentStatus, EvidenceStatus, HandsOn, NotifyRefusals,
    PauseReason, PaymentRefusals, SERVICE_UNAVAILABLE, TrackingRefusals, UnattributedReason,
    Verification,
};
pub use host::Host;
pub use operations::{
    CommandState, Operator, OrUnread, Reason, RejectionName, unread, unread_schema,
};
pub use personal_keys::{FoundKeys, erase_personal_keys};
pub use program::main;
pub use rows::{column, each, load, load_rows};
pub use settings::Settings;
pub use start::{Running, start};
pub use states::States;
pub use submit::{Answered, CommandResult, Created, Done, Submit, Submitted, actor, refusal};
pub use variables::version;
