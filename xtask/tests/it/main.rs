//! What the project holds itself to.

mod dependencies;
mod documented;
mod examples;
mod words;
