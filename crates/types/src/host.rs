//! Names of hosts that links may lead to.

const MAX_LENGTH: usize = 253;
const MAX_LABEL_LENGTH: usize = 63;
/// RFC 6761, 6762, 7686, 8375 and 9476, and what clouds and home routers use: names of this machine or this network.
const NOT_PUBLIC: [&str; 11] = [
    "alt",
    "arpa",
    "corp",
    "home",
    "internal",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "onion",
];

/// Whether it is a host's name as the URL standard writes it: lower case, ASCII, without a port.
pub fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        let ascii = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=MAX_LABEL_LENGTH).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(ascii)
    };
    text.len() <= MAX_LENGTH && text.split('.').all(label)
}

/// Whether such a name can be a shop's in the public internet: no address in whichever spelling, no top-level domain by
/// itself, no name that means this machine or this network.
pub fn is_public_host(text: &str) -> bool {
    let Some((_, top)) = text.rsplit_once('.') else {
        return false;
    };
    // The URL standard takes a host for an IPv4 address when its last label is a number, decimal or `0x…`. Top-level domains
    // are letters, or begin with `xn--`.
    let is_top = top.len() >= 2
        && (top.starts_with("xn--") || top.bytes().all(|byte| byte.is_ascii_lowercase()));
    is_top && !NOT_PUBLIC.contains(&top)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_has_a_public_name() {
        for host in [
            "shop.example.com",
            "a.example",
            "xn--bcher-kva.example",
            "shop.xn--p1ai",
        ] {
            assert!(is_host_name(host) && is_public_host(host), "{host}");
        }
        for host in [
            "localhost",
            "a.localhost",
            "com",
            "2130706433",
            "127.0.0.1",
            "127.1",
            "0x7f.1",
            "169.254.169.254",
            "0xa9.0xfe.0xa9.0xfe",
            "0x7f000001",
            "metadata.google.internal",
            "printer.local",
            "router.lan",
            "1.0.0.127.in-addr.arpa",
            "a.b.c.0x10",
        ] {
            assert!(!is_public_host(host), "{host}");
        }
        for host in [
            "",
            "[::1]",
            "::1",
            "a..b",
            "-a.example",
            "Shop.example",
            "a.example:80",
            "a.example.",
        ] {
            assert!(!is_host_name(host), "{host}");
        }
    }
}
