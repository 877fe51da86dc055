//! Payment details on their way to payment: sealed before anything is stored, opened only there, masked for people.
//!
//! Sealed to a public key by HPKE (RFC 9180, base mode, X25519, HKDF-SHA256, AES-128-GCM), bound to the key's id and the
//! partner. At rest in payment by AES-256-GCM under its own data key. Nothing here shows what it holds.
//!
//! And texts of people that events carry for another of our services alone ([`texts`]), some of which can be erased ([`personal`]).

mod at_rest;
mod destination;
mod details;
mod holder;
pub mod personal;
mod seal;
pub mod texts;

pub use at_rest::{DataKey, DataKeys};
pub use destination::Fault;
pub use details::{Details, DetailsError};
pub use seal::{KeyPair, PrivateKey, PublicKey, open, seal};

use thiserror::Error;

/// What was sealed or encrypted cannot be opened, or could not be sealed. It says no more on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("it cannot be sealed or opened")]
pub struct SealError;
