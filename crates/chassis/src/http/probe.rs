//! One question to a server on this machine: what a container asks itself that holds no other program.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// For each read; readiness asks database and broker first.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);
/// Readiness reports every topic; more than this is not read.
const MAX_BYTES: u64 = 256 * 1024;

/// `GET path` of who listens at `address`, on loopback where that means every interface: `Ok` with the body of a 200,
/// `Err` with what was answered instead, or why nothing was.
pub fn probe(address: SocketAddr, path: &str) -> Result<String, String> {
    let address = here(address);
    let answer = exchange(address, path).map_err(|error| format!("{address}: {error}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if head.split_whitespace().nth(1) == Some("200") {
        return Ok(body.to_owned());
    }
    let status = head.lines().next().unwrap_or("no HTTP");
    Err(format!("{address}{path}: {status}\n{body}"))
}

fn here(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

fn exchange(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, CONNECT_WITHIN)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    stream.set_write_timeout(Some(ANSWER_WITHIN))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.take(MAX_BYTES).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
