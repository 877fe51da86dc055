//! What a consumer that hears nothing makes of what the broker says.

/// A ledger and an entry in it.
pub(super) type Place = (u64, u64);

/// What the broker says of a subscription while we hear nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    /// Entries that nobody acknowledged.
    pub backlog: u64,
    /// The topic's last entry.
    pub newest: Option<Place>,
}

impl Look {
    /// Whether opening anew is worth it: something is there to be heard, and since the look before either nothing moved
    /// at all, or the broker went past what we heard last without sending it.
    ///
    /// A broker that hands a failover subscription on while an entry is on its way to the consumer before may wait for
    /// the next publication until it sends that entry again: on a quiet topic, for ever. A passive consumer cannot be
    /// told from one that stands still so; opening it anew harms nobody, and where others work, something moves.
    pub fn is_stalled(self, before: Self, heard: Option<Place>) -> bool {
        let passed = heard.is_some_and(|heard| before.newest.is_some_and(|newest| heard < newest));
        self.backlog > 0 && (self == before || passed)
    }
}

#[cfg(test)]
mod tests {
    use super::Look;

    #[test]
    fn a_subscription_is_stalled_when_something_is_there_and_nothing_moves() {
        let look = |backlog, entry| Look {
            backlog,
            newest: Some((7, entry)),
        };
        let heard = Some((7, 6));
        for (what, now, before, heard, stalled) in [
            (
                "never heard, nothing moves",
                look(1, 7),
                look(1, 7),
                None,
                true,
            ),
            (
                "all is heard and nobody acknowledged",
                look(1, 6),
                look(1, 6),
                heard,
                true,
            ),
            ("others acknowledge", look(1, 9), look(2, 9), None, false),
            ("others publish", look(1, 9), look(1, 8), None, false),
            ("nothing is left", look(0, 7), look(0, 7), heard, false),
            ("past us, twice", look(3, 9), look(2, 8), heard, true),
            ("past us, just now", look(1, 7), look(1, 6), heard, false),
        ] {
            assert_eq!(now.is_stalled(before, heard), stalled, "{what}");
        }
    }
}
