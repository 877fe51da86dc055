//! Erasure: of a visitor nothing is kept but keyed hashes in the log.

use schemas::{About, VisitorErasedV1};
use types::{BrandId, ErasureId};

use super::{Access, Code, Event, Rejection, Visitor};

/// Asks that nothing is kept of a visitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EraseVisitor {
    /// Names the request.
    pub erasure: ErasureId,
    /// Whose visitor.
    pub brand: BrandId,
    /// Who.
    pub visitor: Visitor,
}

/// Decides upon an erasure. Who is nobody here is erased too: that there was nothing is no business of whoever asks.
pub fn erase_visitor(command: &EraseVisitor, access: &Access) -> Result<Event, Rejection> {
    if *access != Access::All {
        let detail = "what is kept of somebody is for operators to erase";
        return Err(Rejection::new(Code::ErasureNotPermitted, detail));
    }
    let erased = VisitorErasedV1 {
        brand_id: command.brand.clone(),
        user_hash: command.visitor.hash.to_string(),
    };
    Ok(About::of(command.erasure.clone(), erased).into())
}
