//! Who may do what: the first argument of each handler names the right that it needs.

use std::{
    future::{Ready, ready},
    net::{IpAddr, Ipv4Addr},
    rc::Rc,
};

use actix_web::{
    Error, FromRequest, HttpMessage as _, HttpRequest, HttpResponse,
    dev::Payload,
    http::header::{AUTHORIZATION, COOKIE, HeaderMap},
    web,
};
use uacsta_actors::{account::Account, counters::Counter};

use super::{
    audit,
    authentication::{Keys, tickets::Proof},
    connection::Peer,
    cross_origin::{is_own_page, is_own_web_socket, is_web_socket},
    document::Document,
    forwarded,
    problem::{Kind, Problem},
    rates::Rates,
};
use crate::{
    texts::Text,
    {accounts::AcceptedToken, operators::Right},
};

/// Somebody who has logged on.
#[derive(Clone, Debug)]
pub(super) struct LogOn {
    /// The name, for the log; of a program its account and token.
    pub(super) name: String,
    pub(super) role: Role,
}

/// What somebody who has logged on may do.
#[derive(Clone, Debug)]
pub(super) enum Role {
    /// Serve the server, with this right.
    Operator(Right),
    /// See and control lines, as the account of its token allows.
    Program(Box<AcceptedToken>),
}

impl LogOn {
    /// The right of an operator; `None` for a program.
    pub(super) fn right(&self) -> Option<Right> {
        match self.role {
            Role::Operator(right) => Some(right),
            Role::Program(_) => None,
        }
    }

    /// The account of a program; `None` for an operator.
    pub(super) fn account(&self) -> Option<&Account> {
        match &self.role {
            Role::Operator(_) => None,
            Role::Program(token) => Some(&token.account.account),
        }
    }

    /// Whose requests are counted, and answered again, together: an operator's, or those by all tokens of an account.
    pub(super) fn party(&self) -> String {
        match &self.role {
            Role::Operator(_) => format!("operator {}", self.name),
            Role::Program(token) => format!("account {}", token.account.id),
        }
    }
}

/// A handler's argument for each right.
macro_rules! rights {
    ($($(#[$meta:meta])* $name:ident needs $right:expr;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub(super) struct $name(#[allow(dead_code, reason = "not every handler says who asked")] pub(super) LogOn);

        impl FromRequest for $name {
            type Error = Error;
            type Future = Ready<Result<Self, Error>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                ready(granted(request, $right).map(Self).map_err(Error::from))
            }
        }
    )*};
}

rights! {
    /// Anybody who has logged on: an operator, or a program with the token of an account.
    LoggedOn needs None;
    /// An operator who may read.
    Reader needs Some(Right::Read);
    /// An operator who may operate.
    Operator needs Some(Right::Operate);
    /// An operator who may administer.
    Administrator needs Some(Right::Admin);
}

/// Anybody, also without log-on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anybody;

impl FromRequest for Anybody {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            check_parameters(request)
                .map(|()| Self)
                .map_err(Error::from),
        )
    }
}

/// The right that a request needs; `None` where every log-on suffices.
#[derive(Clone, Copy)]
pub(super) struct Needed(Option<Right>);

impl Needed {
    /// Whether somebody has it.
    pub(super) fn is_held_by(self, log_on: &LogOn) -> bool {
        self.0.is_none_or(|needed| may(log_on, needed))
    }
}

/// Checks log-on, right and parameters, and lifts the limits of the connection.
pub(super) fn granted(request: &HttpRequest, needed: Option<Right>) -> Result<LogOn, Problem> {
    let keys = request.app_data::<web::Data<Keys>>();
    let keys = keys.ok_or_else(Problem::not_logged_on)?;
    let log_on = log_on(request, keys)?;
    if let Some(peer) = request.conn_data::<Rc<Peer>>() {
        peer.authenticated();
    }
    audit::note_log_on(request, &log_on);
    admit(request, &log_on)?;
    request.extensions_mut().insert(Needed(needed));
    check_right(&log_on, needed)?;
    check_parameters(request)?;
    Ok(log_on)
}

/// Checks log-on and right again once the body has come: they may have ended since the head came.
pub(super) fn check_again(request: &HttpRequest) -> Result<(), Problem> {
    let Some(Needed(needed)) = needed(request) else {
        return Ok(());
    };
    let log_on = still_logged_on(request).ok_or_else(Problem::not_logged_on)?;
    check_right(&log_on, needed)
}

fn check_right(log_on: &LogOn, needed: Option<Right>) -> Result<(), Problem> {
    let Some(needed) = needed.filter(|needed| !may(log_on, *needed)) else {
        return Ok(());
    };
    let detail = Text::new("right-needed").with("name", log_on.name.as_str());
    let detail = detail.with("right", log_on.right().map_or("lines", verb));
    let detail = detail.with("needed", verb(needed));
    Err(Problem::new(Kind::NO_RIGHT, detail))
}

/// Who asks: by the token, else by the ticket, else by the cookie.
fn log_on(request: &HttpRequest, keys: &Keys) -> Result<LogOn, Problem> {
    let headers = request.headers();
    let authorization = headers.get(AUTHORIZATION);
    let authorization = authorization.and_then(|value| value.to_str().ok());
    if let Some(ticket) = ticket(request).filter(|_| authorization.is_none()) {
        let (log_on, proof) = keys.redeem_ticket(&ticket, address(request, keys))?;
        request.extensions_mut().insert(proof);
        return Ok(log_on);
    }
    let cookie = session_cookie(headers).filter(|_| authorization.is_none());
    let Some(cookie) = cookie else {
        return keys.check(authorization.unwrap_or_default(), address(request, keys));
    };
    let peer = request.conn_data::<Rc<Peer>>();
    let is_secure = peer.is_some_and(|peer| peer.is_secure());
    if !request.method().is_safe() && !is_own_page(headers, is_secure) {
        let detail = Text::new("foreign-page");
        return Err(Problem::new(Kind::NO_RIGHT, detail));
    }
    if is_web_socket(headers) && !is_own_web_socket(headers, is_secure) {
        return Err(Problem::new(
            Kind::NO_RIGHT,
            Text::new("foreign-web-socket"),
        ));
    }
    keys.check_cookie(cookie)
}

/// Counts a request of a log-on.
pub(super) fn admit(request: &HttpRequest, log_on: &LogOn) -> Result<(), Problem> {
    let rates = request.app_data::<web::Data<Rates>>();
    let (Some(rates), Some(keys)) = (rates, request.app_data::<web::Data<Keys>>()) else {
        return Ok(());
    };
    let context = keys.context();
    let rate = context.config().settings.limits.api_requests;
    let (standing, outcome) = rates.admit(log_on, rate, context.clock.now());
    request.extensions_mut().insert(standing);
    if outcome.is_err() {
        context.counters.count(Counter::TooManyApiRequests);
    }
    outcome?;
    let peer = request.conn_data::<Rc<Peer>>();
    let outcome = peer.map_or(Ok(()), |peer| peer.note_log_on(&log_on.name));
    if outcome.is_err() {
        context.counters.count(Counter::ApiConnectionsInUse);
    }
    outcome
}

/// Who asks; `None` without a valid log-on.
pub(super) fn asker(request: &HttpRequest) -> Option<LogOn> {
    log_on(request, request.app_data::<web::Data<Keys>>()?).ok()
}

/// Who asked, while a request or its answer goes on; `None` if the log-on holds no longer. It is no use of a session or token.
pub(super) fn still_logged_on(request: &HttpRequest) -> Option<LogOn> {
    let keys = request.app_data::<web::Data<Keys>>()?;
    // A ticket is spent; what it was made by may still hold.
    if let Some(proof) = request.extensions().get::<Proof>() {
        return keys.recheck_proof(proof).ok();
    }
    let headers = request.headers();
    match (headers.get(AUTHORIZATION), session_cookie(headers)) {
        (Some(authorization), _) => keys.recheck(authorization.to_str().ok()?).ok(),
        (None, cookie) => keys.recheck_cookie(cookie?).ok(),
    }
}

/// The ticket of a request for events; no other takes one.
fn ticket(request: &HttpRequest) -> Option<String> {
    if !request.method().is_safe() || request.path() != EVENTS {
        return None;
    }
    let query: Vec<(String, String)> = serde_urlencoded::from_str(request.query_string()).ok()?;
    let mut query = query.into_iter();
    query.find_map(|(name, value)| (name == "ticket").then_some(value))
}

/// The path of the events.
const EVENTS: &str = "/api/v1/events";

/// The right that a request needed; `None` for one that anybody may send.
pub(super) fn needed(request: &HttpRequest) -> Option<Needed> {
    request.extensions().get().copied()
}

/// Whether somebody has a right.
pub(super) fn may(log_on: &LogOn, needed: Right) -> bool {
    log_on.right().is_some_and(|right| right >= needed)
}

/// The value of the session's cookie.
pub(super) fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    let fields = headers.get_all(COOKIE);
    let mut cookies = fields
        .filter_map(|field| field.to_str().ok())
        .flat_map(|field| field.split(';'));
    cookies.find_map(|cookie| cookie.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))
}

/// The name of the session's cookie: only a secure page of this host can set it (RFC 6265bis, section 4.1.3.2).
pub(super) const COOKIE_NAME: &str = "__Host-uacsta";

fn verb(right: Right) -> &'static str {
    match right {
        Right::Read => "read",
        Right::Operate => "operate",
        Right::Admin => "administer",
    }
}

/// The address of who asks, behind proxies that the settings trust.
pub(super) fn address(request: &HttpRequest, keys: &Keys) -> IpAddr {
    let unknown = IpAddr::from(Ipv4Addr::UNSPECIFIED);
    let address = request.peer_addr().map_or(unknown, |peer| peer.ip());
    let config = keys.context().config();
    let proxies = &config.settings.web.trusted_proxies;
    forwarded::peer(address, request.headers(), proxies)
}

fn check_parameters(request: &HttpRequest) -> Result<(), Problem> {
    let document = request.app_data::<web::Data<Document>>();
    document.map_or(Ok(()), |document| document.check_parameters(request))
}

/// Answers requests for which there is no handler: 405 with Allow, or 404.
pub(super) async fn no_handler(
    _: LoggedOn,
    request: HttpRequest,
    document: web::Data<Document>,
) -> Result<HttpResponse, Problem> {
    Err(match document.allow(request.path()) {
        Some(allow) => Problem::method(request.method(), &allow),
        None => Problem::new(Kind::NOT_FOUND, Text::new("no-page")),
    })
}
