//! The stack's parts against real servers. Run with `./test.sh xtask`.

mod environment;
mod processes;
mod provisioning;
mod readers;
mod servers;
mod stack;
mod walk;
