//! What leads to this machine itself.

use std::net::IpAddr;

/// Does a connection to this host, as a URL names it, stay on this machine?
pub fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
