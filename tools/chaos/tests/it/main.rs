//! Faults against a real stack. Run with `./test.sh chaos`.

mod faults;
mod run;
