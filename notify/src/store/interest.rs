//! Whether anybody could want to know what happens elsewhere.

use sqlx::{FromRow, PgExecutor};

/// Who could.
#[derive(Debug, Clone, Copy, FromRow)]
pub(crate) struct Interest {
    /// Somebody is sent everything, or has a postback that may be enabled again: that needs to know what happened meanwhile.
    pub(crate) endpoints: bool,
    /// Somebody has an address or a number.
    pub(crate) contacts: bool,
    /// An onboarding is under way.
    pub(crate) workflows: bool,
}

impl Interest {
    /// Reads it by one statement, as for each batch of facts.
    pub(crate) async fn load(executor: impl PgExecutor<'_>) -> Result<Self, sqlx::Error> {
        sqlx::query_as(
            "SELECT EXISTS (SELECT FROM webhook_endpoints WHERE status = 'enabled')
                    OR EXISTS (SELECT FROM webhook_endpoints WHERE status = 'disabled' AND format = 'postback') AS endpoints,
                    EXISTS (SELECT FROM contacts WHERE addresses <> '[]' OR numbers <> '[]') AS contacts,
                    EXISTS (SELECT FROM workflows WHERE status = 'running') AS workflows",
        )
        .fetch_one(executor)
        .await
    }

    /// Anybody at all.
    pub(crate) const fn any(self) -> bool {
        self.endpoints || self.contacts || self.workflows
    }
}
