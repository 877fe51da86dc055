//! The campaign service.
