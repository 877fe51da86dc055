//! A payout provider that can be told to fail at every step.
