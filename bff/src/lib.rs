//! The bff service.
