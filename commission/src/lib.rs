//! The commission service.
