//! The ten rules against a real stack. Run with `./test.sh invariants`.

mod check;
