//! What the project holds itself to.

mod dependencies;
mod documented;
mod examples;
mod tracked;
mod words;
