//! Where events may be sent to.

use crate::{Invalid, is_host_name, is_public_host};

/// Endpoints of one owner that are not removed.
pub const MAX_WEBHOOK_ENDPOINTS: usize = 20;
/// The longest address, in bytes.
pub const MAX_WEBHOOK_URL_LENGTH: usize = 2_048;
/// This machine, for trying things out: whether anything is sent there is for the sender to say.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// An `https` address at a public host name, or any address of this machine. Which address the name has, and whether that is a public
/// one, is looked at each time that something is sent.
pub fn check_webhook_url(url: &str) -> Result<(), Invalid> {
    if url.len() > MAX_WEBHOOK_URL_LENGTH {
        return Err(Invalid("must be at most 2048 bytes"));
    }
    let Some((scheme, place)) = url.split_once("://") else {
        return Err(Invalid("must be an https URL"));
    };
    if url.contains('#') {
        return Err(Invalid("must not have a fragment: it is never sent"));
    }
    let authority = place.split(['/', '?']).next().unwrap_or_default();
    let is_port = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if is_port(port) => host,
        _ => authority,
    };
    if LOOPBACK.contains(&host) && ["http", "https"].contains(&scheme) {
        return Ok(());
    }
    if scheme != "https" {
        return Err(Invalid("must be an https URL"));
    }
    if !is_host_name(host) || !is_public_host(host) {
        return Err(Invalid("must be at a public host name"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_sent_to_public_names_by_https() {
        for url in [
            "https://hooks.example.com/tributary?token=1",
            "https://example.com:8443",
            "http://127.0.0.1:9000/hook",
            "http://localhost/",
            "https://[::1]:4433/",
        ] {
            assert_eq!(check_webhook_url(url), Ok(()), "{url}");
        }
        for url in [
            "http://hooks.example.com/",
            "https://10.0.0.1/",
            "https://[fd00::1]/",
            "https://0x7f000001/",
            "https://2130706433/",
            "https://metadata.google.internal/",
            "https://printer.local/",
            "https://localhost.localdomain/",
            "https://user@example.com/",
            "https://example.com:0/",
            "https://example.com/#part",
            "ftp://127.0.0.1/",
            "example.com",
            "",
        ] {
            assert!(check_webhook_url(url).is_err(), "{url}");
        }
    }
}
