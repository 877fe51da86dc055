//! Error texts of bounded length.

use std::fmt::{self, Write as _};

/// The longest error text, in bytes: the library's errors print whole schemas.
const MAX_ERROR_BYTES: usize = 240;

/// The beginning of a text, at most [`MAX_ERROR_BYTES`] long; what is longer is never built.
pub(crate) fn cut(text: &impl fmt::Display) -> String {
    struct Cut(String);

    impl fmt::Write for Cut {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let room = MAX_ERROR_BYTES - self.0.len();
            if text.len() <= room {
                self.0.push_str(text);
                return Ok(());
            }
            self.0.push_str(&text[..text.floor_char_boundary(room)]);
            Err(fmt::Error)
        }
    }

    let mut out = Cut(String::new());
    if write!(out, "{text}").is_err() {
        out.0.push('…');
    }
    out.0
}
