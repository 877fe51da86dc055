//! The service as messaging sees it.

use messaging::{FoldError, Projection, WriteTx};
use schemas::{Message, Service};

/// A follower that states nothing.
#[derive(Debug, Clone, Copy)]
pub struct Notify;

impl Projection for Notify {
    type BatchState = ();

    const SERVICE: Service = Service::Notify;

    async fn load(&self, _: &mut WriteTx, _: &[&Message]) -> Result<(), sqlx::Error> {
        Ok(())
    }

    fn fold(&self, (): &mut (), _: &Message) -> Result<(), FoldError> {
        Ok(())
    }

    async fn save(&self, _: &mut WriteTx, (): ()) -> Result<(), sqlx::Error> {
        Ok(())
    }
}
