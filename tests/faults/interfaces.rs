//! An address of the host that appears after the start, disappears and returns, in a network namespace of the test.

use std::{
    net::SocketAddr,
    process::Command,
    time::{Duration, Instant},
};

use tokio::{net::TcpStream, time::timeout};

use crate::support::{programs, server::Server};

/// An address for examples (RFC 5737), which this network's loopback gets and loses.
const WAN: &str = "192.0.2.1";
/// How soon an address that has come must be listened on.
const BOUND: Duration = Duration::from_secs(5);
/// Says to the program that it is in a network of its own.
const INSIDE: &str = "UACSTA_TEST_NETWORK";

/// Whether the test runs in a network of its own, where it may change addresses. Where it does not, it is run there, by
/// this program once more, and its failure is this one's; or it is skipped.
pub(super) fn in_own_network(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let (Some(unshare), Some(_)) = (
        programs::find("unshare", "util-linux"),
        programs::find("ip", "iproute2"),
    ) else {
        return false;
    };
    let own = |program: &std::ffi::OsStr| {
        let mut command = Command::new(&unshare);
        command.args(["--net", "--map-root-user"]).arg(program);
        command
    };
    if !own("true".as_ref())
        .status()
        .is_ok_and(|status| status.success())
    {
        programs::skipped("unshare --net is not permitted: no test may have a network of its own");
        return false;
    }
    let this = std::env::current_exe().unwrap();
    let mut command = own(this.as_os_str());
    command
        .args([test, "--exact", "--nocapture"])
        .env(INSIDE, "1");
    let ran = command.output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(
        ran.status.success() && said.contains("1 passed"),
        "{said}\n{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    false
}

pub(super) fn ip(arguments: &[&str]) {
    let status = Command::new("ip").args(arguments).status().unwrap();
    assert!(status.success(), "ip {arguments:?}");
}

/// How long it takes until somebody listens there.
async fn until_heard(address: SocketAddr) -> Duration {
    let begun = Instant::now();
    while TcpStream::connect(address).await.is_err() {
        assert!(begun.elapsed() < 2 * BOUND, "nobody listens at {address}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    begun.elapsed()
}

#[tokio::test]
async fn late_or_returning_address_is_served_within_5_s() {
    const TEST: &str = "interfaces::late_or_returning_address_is_served_within_5_s";
    if !in_own_network(TEST) {
        return;
    }
    ip(&["link", "set", "lo", "up"]);
    let wan = SocketAddr::new(WAN.parse().unwrap(), 5060);
    let server = Server::with(|settings| {
        settings.phones.wan.tcp = wan.into();
        settings.phones.wan.public_host = WAN.to_owned();
    });
    let inside = server.phone("000413000001");
    inside.start().await;
    let outside = server.phone_as("000413000002", |setup| setup.server = wan);

    ip(&["address", "add", "192.0.2.1/32", "dev", "lo"]);
    let took = until_heard(wan).await;
    assert!(took < BOUND, "it took {took:?}");
    outside.start().await;

    ip(&["address", "del", "192.0.2.1/32", "dev", "lo"]);
    let tried = timeout(Duration::from_millis(500), TcpStream::connect(wan)).await;
    assert!(!matches!(tried, Ok(Ok(_))), "the address is gone");
    // The other interface goes on.
    inside.register().await.expect(200);
    server.phone("000413000003").start().await;

    ip(&["address", "add", "192.0.2.1/32", "dev", "lo"]);
    let took = until_heard(wan).await;
    assert!(took < BOUND, "it took {took:?}");
    outside.reboot();
    outside.start().await;
}
