//! What the project holds itself to.

mod dependencies;
mod documented;
mod examples;
mod links;
mod tracked;
mod words;
