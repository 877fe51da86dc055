//! Faults against a real stack. Run with `./test.sh chaos`.

// The longest first: tests are begun in the order of their names.
mod broken;
mod faults;
