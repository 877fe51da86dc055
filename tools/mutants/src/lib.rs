//! Fault injection: the faults that a copy of the services can be given, to see that the check of the rule that each breaks
//! catches it. Nothing of them stands in the services' own sources.

mod build;
mod mutations;

pub use build::{FOLDER, build, build_faulty};
pub use mutations::{MUTATIONS, Mutation};

types::names! {
    /// One promise that is broken, by the name that `TRIBUTARY_FAULT` and the command line give it.
    pub enum Fault {
        /// A broker entry is acknowledged as soon as it is in the queue.
        AckBeforeCommit = "ack-before-commit",
        /// An entry is acknowledged when its first message is committed.
        AckInsideEntry = "ack-inside-entry",
        /// States are loaded before the writer lock is held.
        LockTakenLast = "lock-taken-last",
        /// A command that was handled before is handled again.
        InboxSkipped = "inbox-skipped",
        /// A message that was handled before is handled again, by whichever transport it comes.
        WatermarkIgnored = "watermark-ignored",
        /// After an error the relay goes on with the next entry.
        RelayGoesOnAfterError = "relay-goes-on-after-error",
        /// The relay's cursor moves before the broker acknowledged.
        CursorBeforeAcknowledgement = "cursor-before-acknowledgement",
        /// The provider is asked to pay before it is committed that it will be.
        EffectBeforeIntent = "effect-before-intent",
        /// After an indeterminate attempt a payout is submitted anew.
        SecondSubmitAfterIndeterminate = "second-submit-after-indeterminate",
        /// Each refund's part is rounded for itself.
        RefundRoundedPerPart = "refund-rounded-per-part",
        /// What goes to the retry queue is not written down.
        RetryRowForgotten = "retry-row-forgotten",
        /// A message is handled though one before it of its subject failed.
        SuccessorPassesFailed = "successor-passes-failed",
        /// Events do not say what caused them.
        EventWithoutCause = "event-without-cause",
        /// A commission is computed in floating point.
        FloatInAmount = "float-in-amount",
        /// A follower's subscription is made after the first messages; the scene does it, no source is changed.
        SubscriptionCreatedLate = "subscription-created-late",
        /// Of two copies in one batch both are handled.
        TwinInBatch = "twin-in-batch",
        /// The bff forgets to write some of what it projects.
        ProjectionLost = "projection-lost",
        /// A click is answered before it is committed.
        ClickBeforeCommit = "click-before-commit",
        /// Each event has an id of its own, whatever caused it.
        IdFromChance = "id-from-chance",
        /// An order is known by its number, whosesoever it is.
        OrderWithoutBrand = "order-without-brand",
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{Fault, MUTATIONS, mutations};

    #[test]
    fn the_text_that_each_mutation_changes_stands_once_in_its_file() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for mutation in MUTATIONS {
            let text = fs::read_to_string(root.join(mutation.file)).unwrap();
            assert_eq!(
                text.matches(mutation.from).count(),
                1,
                "{}: {}",
                mutation.file,
                mutation.from
            );
        }
        for (file, _) in mutations::USERS {
            assert!(root.join(file).is_file(), "{file}");
        }
    }

    #[test]
    fn every_fault_but_the_scenes_own_changes_a_source() {
        for fault in Fault::ALL {
            let named = format!("\"{}\"", fault.name());
            let changes = MUTATIONS.iter().any(|it| it.to.contains(&named));
            assert_eq!(changes, fault != Fault::SubscriptionCreatedLate, "{named}");
        }
    }
}
