//! Being an older build, for tests: on one thread, kinds can be forgotten.

/// Whether this build knows a kind of that name no more.
#[cfg(not(feature = "testing"))]
pub(crate) const fn forgot(_: &str) -> bool {
    false
}

#[cfg(feature = "testing")]
pub use forgetting::forget;
#[cfg(feature = "testing")]
pub(crate) use forgetting::forgot;

#[cfg(feature = "testing")]
mod forgetting {
    use std::cell::RefCell;

    thread_local! {
        static FORGOTTEN: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
    }

    /// From now on this thread is a build that has never heard of this kind.
    pub fn forget(kind: &'static str) {
        FORGOTTEN.with_borrow_mut(|forgotten| forgotten.push(kind));
    }

    pub(crate) fn forgot(kind: &str) -> bool {
        FORGOTTEN.with_borrow(|forgotten| forgotten.contains(&kind))
    }
}
