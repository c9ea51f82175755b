//! Checks the host that a request names: a page of another site must not reach the API by a name of its own (DNS rebinding).

use std::net::IpAddr;

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{StatusCode, Version, header::HOST},
    middleware::Next,
    web,
};

use super::{Api, connection::Peer, problem::Problem};
use crate::texts::Text;

/// Answers 421 (RFC 9110, section 15.5.20) to requests for another host.
pub(super) async fn check(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if let Err(problem) = host(&request) {
        return Ok(request.error_response(problem).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}

fn host(request: &ServiceRequest) -> Result<(), Problem> {
    let local = Peer::of(request).and_then(Peer::local);
    let api = request.app_data::<web::Data<Api>>();
    let config = api.map(|api| api.context.config());
    let names = config.as_ref().map(|config| &config.settings.web.names);
    let names = names.map_or(&[][..], Vec::as_slice);
    let fields = request.headers().get_all(HOST);
    // RFC 9112, section 3.2.2: the host of an absolute URI counts, too.
    let target = request.uri().authority().map(|host| host.as_str());
    let mut hosts = fields.map(|host| host.to_str().unwrap_or_default());
    let hosts = [hosts.next(), hosts.next(), target];
    // Only HTTP/1.0 has requests without Host, which no browser sends.
    if hosts == [None; 3] && request.version() < Version::HTTP_11 {
        return Ok(());
    }
    if hosts[0].is_none() || hosts[1].is_some() {
        let detail = Text::new("one-host");
        return Err(Problem::blank(StatusCode::BAD_REQUEST, detail));
    }
    let mut hosts = hosts.into_iter().flatten();
    match hosts.find(|host| !is_ours(without_port(host), local, names)) {
        Some(foreign) => {
            let detail = Text::new("foreign-host").with("host", format!("{foreign:?}"));
            Err(Problem::blank(StatusCode::MISDIRECTED_REQUEST, detail))
        }
        None => Ok(()),
    }
}

/// Whether a host is the address that the peer connected to, a loopback name on loopback, or one of `names`.
fn is_ours(host: &str, local: Option<IpAddr>, names: &[String]) -> bool {
    let on_loopback = local.is_some_and(|local| local.is_loopback());
    if let Ok(address) = host.parse::<IpAddr>() {
        let address = address.to_canonical();
        let is_named = |name: &String| name.parse() == Ok(address);
        return Some(address) == local
            || (on_loopback && address.is_loopback())
            || names.iter().any(is_named);
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_named = |name: &String| name.trim_end_matches('.').eq_ignore_ascii_case(host);
    (on_loopback && host.eq_ignore_ascii_case("localhost")) || names.iter().any(is_named)
}

/// The host of `host:port`, an IPv6 address without brackets.
fn without_port(host: &str) -> &str {
    if let Some((address, _)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address;
    }
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn host_is_an_address_of_ours_or_a_configured_name() {
        let names = ["cti.example".to_owned(), "192.0.2.7".to_owned()];
        let (loopback, lan) = ("127.0.0.1", "10.0.0.1");
        for (host, local, expected) in [
            ("127.0.0.1:8080", loopback, true),
            ("127.0.0.1", loopback, true),
            ("[::1]:8080", loopback, true),
            ("[::ffff:127.0.0.1]:8080", loopback, true),
            ("LocalHost:8080", loopback, true),
            ("localhost.", loopback, true),
            ("10.0.0.1:8080", lan, true),
            ("10.0.0.2:8080", lan, false),
            ("localhost", lan, false),
            ("127.0.0.1", lan, false),
            ("CTI.example", lan, true),
            ("cti.example.:443", loopback, true),
            ("192.0.2.7", lan, true),
            ("cti.example.evil.example", lan, false),
            ("evil.example:8080", loopback, false),
            ("localhost.evil.example", loopback, false),
            ("evil.example:x", loopback, false),
            ("[::1", loopback, false),
            ("", loopback, false),
        ] {
            let ours = is_ours(without_port(host), Some(local.parse().unwrap()), &names);
            assert_eq!(ours, expected, "{host} at {local}");
        }
        assert!(!is_ours("127.0.0.1", None, &names));
    }
}
