//! Requests over open connections, with as little work as there can be at this end: the machine is the server's too.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures::future::try_join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// No answer is longer, headers included.
const MAX_ANSWER: usize = 1 << 20;
/// What precedes the length of an answer's body.
const LENGTH: &str = "content-length:";

/// One kind of request to one server.
pub struct Endpoint {
    /// `127.0.0.1:8001`.
    pub server: String,
    /// The bytes of the nth request.
    pub request: Box<dyn Fn(u64) -> String>,
    /// The status of an answer that is wanted.
    pub status: u16,
}

/// What it met with.
#[derive(Debug)]
pub struct Served {
    /// Answers a second.
    pub per_second: u64,
    /// Times to an answer, in microseconds, ascending.
    pub latencies_us: Vec<u64>,
}

/// Over so many connections: each asks again as soon as it is answered, or all together so often a second; then an answer's time
/// counts from when its request was due, and what was due before the end is asked however late it is.
pub async fn ask(
    endpoint: &Endpoint,
    connections: u64,
    rate: Option<u64>,
    lasting: Duration,
) -> Result<Served> {
    let began = Instant::now();
    let each = (0..connections).map(|number| one(endpoint, number, connections, rate, lasting));
    let mut latencies_us = try_join_all(each).await?.concat();
    latencies_us.sort_unstable();
    let millis = u64::try_from(began.elapsed().as_millis())?.max(1);
    Ok(Served {
        per_second: latencies_us.len() as u64 * 1_000 / millis,
        latencies_us,
    })
}

async fn one(
    endpoint: &Endpoint,
    number: u64,
    connections: u64,
    rate: Option<u64>,
    lasting: Duration,
) -> Result<Vec<u64>> {
    let mut stream = TcpStream::connect(&endpoint.server).await?;
    stream.set_nodelay(true)?;
    let began = Instant::now();
    let mut ticks = rate.map(|rate| {
        let every = Duration::from_micros(1_000_000 * connections / rate.max(1));
        let first = began
            + every * u32::try_from(number).unwrap_or(0) / u32::try_from(connections).unwrap_or(1);
        let mut ticks = interval_at(first, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        ticks
    });
    let (mut latencies, mut buffer, mut nth) = (Vec::new(), Vec::new(), number);
    loop {
        let due = match &mut ticks {
            Some(ticks) => ticks.tick().await,
            None => Instant::now(),
        };
        if due >= began + lasting {
            return Ok(latencies);
        }
        stream.write_all((endpoint.request)(nth).as_bytes()).await?;
        nth += connections;
        let status = answer(&mut stream, &mut buffer).await?;
        if status != endpoint.status {
            bail!(
                "{status} instead of {}: {}",
                endpoint.status,
                String::from_utf8_lossy(&buffer)
            );
        }
        latencies.push(u64::try_from(due.elapsed().as_micros())?);
    }
}

/// Reads one answer into the buffer; returns its status.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<u16> {
    buffer.clear();
    loop {
        if let Some((status, length)) = head(buffer)?
            && buffer.len() >= length
        {
            ensure!(buffer.len() == length, "more than the answer came");
            return Ok(status);
        }
        ensure!(buffer.len() < MAX_ANSWER, "the answer does not end");
        if stream.read_buf(buffer).await? == 0 {
            bail!("the server hung up");
        }
    }
}

/// The status, and how long head and body are together, once the head is there.
fn head(bytes: &[u8]) -> Result<Option<(u16, usize)>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&bytes[..end])?;
    let status = head.split(' ').nth(1).context("no status")?.parse()?;
    let length = head.lines().find_map(|line| {
        let name = line.get(..LENGTH.len())?;
        name.eq_ignore_ascii_case(LENGTH)
            .then(|| line[LENGTH.len()..].trim().parse().ok())?
    });
    let body: usize = match (status, length) {
        (_, Some(length)) => length,
        (204 | 304, None) => 0,
        (_, None) => bail!("an answer without a length"),
    };
    Ok(Some((status, end + 4 + body)))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio::time::sleep;

    use super::*;

    #[tokio::test]
    async fn what_was_due_before_the_end_is_asked_and_counted_however_late() {
        let lasting = Duration::from_millis(100);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint {
            server: listener.local_addr().unwrap().to_string(),
            request: Box::new(|_| "ask\n".to_owned()),
            status: 204,
        };
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4];
            stream.read_exact(&mut request).await.unwrap();
            // The first answer comes when all others were due.
            sleep(lasting).await;
            loop {
                let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
                stream.write_all(answer).await.unwrap();
                if stream.read_exact(&mut request).await.is_err() {
                    return;
                }
            }
        };
        let (served, ()) = tokio::join!(ask(&endpoint, 1, Some(100), lasting), serve);
        let latencies = served.unwrap().latencies_us;
        assert_eq!(latencies.len(), 10, "{latencies:?}");
        let longest = latencies.last().copied().unwrap_or(0);
        assert!(longest >= 100_000, "{longest} µs");
    }

    #[test]
    fn an_answer_is_as_long_as_its_head_says() {
        let whole = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(head(whole).unwrap(), Some((201, whole.len())));
        assert_eq!(head(&whole[..20]).unwrap(), None);
        head(b"HTTP/1.1 200 OK\r\n\r\n").unwrap_err();
    }
}
