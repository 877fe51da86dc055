//! The tracking service.
