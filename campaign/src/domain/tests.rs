//! Deciders as values.
