//! What the mutated copy asks: which fault it is to have. In no build but that one.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

#[cfg(not(debug_assertions))]
compile_error!("faults are injected in debug builds only");

/// Whether the process is to have this fault: `TRIBUTARY_FAULT` names the one that it has.
pub fn is(fault: &str) -> bool {
    static NAMED: OnceLock<Option<String>> = OnceLock::new();
    let named = NAMED.get_or_init(|| std::env::var("TRIBUTARY_FAULT").ok());
    named.as_deref() == Some(fault)
}

/// Whether the process is to have this fault and it strikes this time, as it does every so many times.
pub fn now_and_then(fault: &str, every: u32) -> bool {
    static TIMES: AtomicU32 = AtomicU32::new(0);
    is(fault) && TIMES.fetch_add(1, Ordering::Relaxed) % every == every - 1
}

/// Whether this is one of the first times that it is looked, of some that a process has.
pub fn is_young() -> bool {
    const TIMES: u32 = 10;
    static LOOKED: AtomicU32 = AtomicU32::new(0);
    LOOKED.fetch_add(1, Ordering::Relaxed) < TIMES
}

/// So many basis points of an amount, as it must not be: in floating point, and cut.
pub fn through_float(minor: i64, basis_points: i64) -> i64 {
    (minor as f64 * (basis_points as f64 / 10_000.0)) as i64
}
