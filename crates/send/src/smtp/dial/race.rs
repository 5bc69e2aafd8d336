//! Happy eyeballs (RFC 8305): the families take turns, IPv6 first; an address that is slow is not waited for, and the
//! first that answers wins.

use crate::smtp::Deadlines;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use tokio::time::{Instant, sleep_until, timeout};

/// As the resolver sorted them within each family (RFC 6724), the families in turn.
pub(super) fn order(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut seen = Vec::new();
    for address in addresses {
        if !seen.contains(&address) {
            seen.push(address);
        }
    }
    let (v6, v4): (Vec<_>, Vec<_>) = seen.into_iter().partition(SocketAddr::is_ipv6);
    let (mut v6, mut v4) = (v6.into_iter(), v4.into_iter());
    let mut ordered = Vec::new();
    loop {
        let pair = (v6.next(), v4.next());
        if pair == (None, None) {
            return ordered;
        }
        ordered.extend(pair.0);
        ordered.extend(pair.1);
    }
}

/// The first connection to stand, or why there is none, address by address.
pub(super) async fn first<T, F>(
    addresses: Vec<SocketAddr>,
    limits: &Deadlines,
    connect: impl Fn(SocketAddr) -> F,
) -> Result<T, String>
where
    F: Future<Output = io::Result<T>>,
{
    let mut failures = Vec::new();
    let raced = run(addresses, limits, connect, &mut failures);
    match timeout(limits.connect_all, raced).await {
        Ok(Some(stream)) => return Ok(stream),
        Ok(None) => {}
        Err(_) => failures.push(format!("given up after {} s", limits.connect_all.as_secs())),
    }
    Err(failures.join("; "))
}

async fn run<T, F>(
    addresses: Vec<SocketAddr>,
    limits: &Deadlines,
    connect: impl Fn(SocketAddr) -> F,
    failures: &mut Vec<String>,
) -> Option<T>
where
    F: Future<Output = io::Result<T>>,
{
    let attempt = |address: SocketAddr| {
        let connecting = timeout(limits.connect, connect(address));
        async move {
            let connected = connecting.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            connected.map_err(|error| format!("{}: {error}", address.ip()))
        }
    };
    let mut rest = addresses.into_iter();
    let mut under_way = FuturesUnordered::new();
    let mut next_at = Instant::now();
    loop {
        let more = rest.len() > 0;
        if !more && under_way.is_empty() {
            return None;
        }
        let next = async { if more { sleep_until(next_at).await } else { pending().await } };
        tokio::select! {
            biased;
            Some(ended) = under_way.next() => match ended {
                Ok(stream) => return Some(stream),
                Err(failure) => {
                    failures.push(failure);
                    // One that failed makes room at once (RFC 8305 5).
                    next_at = Instant::now();
                }
            },
            () = next => {
                under_way.extend(rest.next().map(attempt));
                next_at = Instant::now() + limits.stagger;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::time::Duration;

    fn addresses(text: &str) -> Vec<SocketAddr> {
        text.split_ascii_whitespace().map(|ip| SocketAddr::new(ip.parse().unwrap(), 25)).collect()
    }

    #[test]
    fn families_take_turns_and_ipv6_comes_first() {
        let check = |given: &str, want: &str| {
            assert_eq!(order(addresses(given).into_iter()), addresses(want), "{given}");
        };
        check("10.0.0.1 10.0.0.2 ::1 ::2 ::3", "::1 10.0.0.1 ::2 10.0.0.2 ::3");
        check("10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2");
        check("::1 ::1 10.0.0.1 10.0.0.1", "::1 10.0.0.1");
        check("", "");
    }

    /// Each address's last group says what it does: `:f` fails at once, `:d` never answers, else it connects after
    /// so many seconds. What wins and after how long, and the times of all attempts, in milliseconds.
    async fn raced(text: &str) -> (Result<SocketAddr, String>, u128, Vec<u128>) {
        let start = Instant::now();
        let begun = RefCell::new(Vec::new());
        let connect = |address: SocketAddr| {
            begun.borrow_mut().push(start.elapsed().as_millis());
            async move {
                let last = match address {
                    SocketAddr::V6(v6) => v6.ip().segments()[7],
                    SocketAddr::V4(v4) => u16::from(v4.ip().octets()[3]),
                };
                match last {
                    0xf => Err(io::ErrorKind::ConnectionRefused.into()),
                    0xd => pending().await,
                    seconds => {
                        tokio::time::sleep(Duration::from_secs(u64::from(seconds))).await;
                        Ok(address)
                    }
                }
            }
        };
        let won = first(addresses(text), &Deadlines::default(), connect).await;
        let took = start.elapsed().as_millis();
        (won, took, begun.into_inner())
    }

    #[tokio::test(start_paused = true)]
    async fn b3_70_a_dead_address_costs_a_quarter_of_a_second() {
        let check = async |text: &str, winner: &str, took: u128, begun: &[u128]| {
            let (won, after, attempts) = raced(text).await;
            assert_eq!((won.unwrap().ip().to_string().as_str(), after), (winner, took), "{text}");
            assert_eq!(attempts, begun, "{text}");
        };
        check("::1", "::1", 1_000, &[0]).await;
        // The timer's grain is a millisecond.
        check("::d 10.0.0.1", "10.0.0.1", 1_250, &[0, 250]).await;
        check("::f 10.0.0.1", "10.0.0.1", 1_000, &[0, 0]).await;
        check("::2 10.0.0.1", "10.0.0.1", 1_250, &[0, 250]).await;
        check("::1 10.0.0.1", "::1", 1_000, &[0, 250]).await;
        check("::d ::f 10.0.0.13 ::1", "::1", 1_500, &[0, 250, 250, 500]).await;
    }

    #[tokio::test(start_paused = true)]
    async fn every_address_that_failed_is_named() {
        let (won, took, begun) = raced("::f 10.0.0.15").await;
        assert_eq!(won.unwrap_err(), "::f: connection refused; 10.0.0.15: connection refused");
        assert_eq!((took, begun.len()), (0, 2));
        let (won, took, _) = raced("::d 10.0.0.13").await;
        assert_eq!(won.unwrap_err(), "::d: timed out; 10.0.0.13: timed out");
        assert_eq!(took, 30_250);
    }

    #[tokio::test(start_paused = true)]
    async fn the_whole_has_its_deadline() {
        let limits = Deadlines { connect_all: Duration::from_secs(10), ..Deadlines::default() };
        let start = Instant::now();
        let lost = first(addresses("::d 10.0.0.13"), &limits, |_| pending::<io::Result<()>>()).await;
        assert_eq!(lost.unwrap_err(), "given up after 10 s");
        assert_eq!(start.elapsed(), Duration::from_secs(10));
    }
}
