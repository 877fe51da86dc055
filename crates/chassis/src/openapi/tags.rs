//! What the operations are grouped by.

use std::collections::BTreeSet;

use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{OpenApi, Tag};

const TAGS: [(&str, &str); 22] = [
    (
        "campaigns",
        "Campaigns, their terms and plans, and who takes part in them.",
    ),
    (
        "partners",
        "Partners as a whole: who is banned from a brand's campaigns, or from all.",
    ),
    ("keys", "API keys of brands: what their systems ask with."),
    ("brands", "Brands themselves."),
    ("groups", "Partners that a brand treats alike."),
    ("evidence", "What partners show of their work."),
    ("tracking", "Links, and what visitors did."),
    ("links", "Partners' links."),
    ("events", "What visitors did."),
    ("conversions", "Purchases and leads, and whose they are."),
    (
        "claims",
        "What partners say that they earned, and what becomes of it.",
    ),
    ("commissions", "What conversions earn."),
    ("payments", "Balances and payouts."),
    ("payouts", "Money on its way to partners."),
    ("balances", "What partners and brands have."),
    (
        "funds",
        "Brands' money: accounts with what moved in them, deposits, withdrawals, and when a brand pays.",
    ),
    ("commands", "Where commands stand."),
    (
        "timelines",
        "What became of a request over all services, and why somebody earned what they earned.",
    ),
    (
        "reports",
        "Sums by day, campaign, partner, link or group, and what a text names.",
    ),
    ("feed", "What happens in all services, as it happens."),
    (
        "operator",
        "For operators: the log, the retry queue and dead letters, replays, archives, epochs, indeterminate payouts.",
    ),
    ("public", "For visitors: open to everybody."),
];

/// The tags that the document uses, with what they mean.
pub(super) fn describe(document: &mut OpenApi, used: &BTreeSet<String>) {
    let tags = TAGS.iter().filter(|(name, _)| used.contains(*name));
    let tag = |(name, about): &(&str, &str)| -> Tag {
        TagBuilder::new()
            .name(*name)
            .description(Some(*about))
            .build()
    };
    document.tags = Some(tags.map(tag).collect());
}
