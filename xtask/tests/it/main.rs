//! The stack's parts against real servers. Run with `./test.sh xtask`.

mod archived;
mod asyncapi;
mod canaries;
mod check;
mod collector;
mod dependencies;
mod deploying;
mod drill;
mod environment;
mod modes;
mod observing;
mod operators;
mod planted;
mod processes;
mod provisioning;
mod readers;
mod replicas;
mod restored;
mod rights;
mod rotation;
mod servers;
mod stack;
mod tls;
mod traces;
mod traffic;
mod walk;
