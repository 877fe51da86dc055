//! Whose a click was: what the campaign's brand says of it, once.

use schemas::{About, ClickBoundV1};
use types::ClickId;

use super::{Access, Candidate, Code, Event, Rejection, UserHash, Visitor};

/// A click as far as it matters whose it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Click {
    /// With what is known of its link.
    pub candidate: Candidate,
    /// Whose it was, where that is known.
    pub visitor: Option<UserHash>,
}

/// States whose click it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindClick {
    /// Which.
    pub click: ClickId,
    /// Whose.
    pub visitor: Visitor,
}

/// Decides whose a click was. A partner may not say so: it would make every visitor its own.
pub fn bind_click(
    command: &BindClick,
    click: Option<&Click>,
    access: &Access,
) -> Result<Event, Rejection> {
    let own = click.filter(|click| access.is_brand(&click.candidate.brand));
    let unknown = || Rejection::new(Code::ClickUnknown, "there is no such click");
    let Click { candidate, visitor } = own.ok_or_else(unknown)?;
    let visitor = match visitor {
        Some(kept) if command.visitor.is(*kept) => *kept,
        Some(_) => {
            let detail = "the click is another visitor's";
            return Err(Rejection::new(Code::ClickBound, detail));
        }
        None => command.visitor.hash,
    };
    let bound = ClickBoundV1 {
        campaign_id: candidate.campaign.clone(),
        brand_id: candidate.brand.clone(),
        partner_id: candidate.partner.clone(),
        link_code: candidate.link.clone(),
        clicked_at: candidate.clicked_at,
        user_hash: visitor.to_string(),
    };
    Ok(About::of(command.click.clone(), bound).into())
}
