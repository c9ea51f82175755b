//! Who may do what: the first argument of each handler names the right that it needs.

use std::{
    future::{Ready, ready},
    net::{IpAddr, Ipv4Addr},
    rc::Rc,
};

use actix_web::{
    Error, FromRequest, HttpRequest, HttpResponse, dev::Payload, http::header::AUTHORIZATION, web,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    authentication::Keys,
    connection::Peer,
    document::Document,
    forwarded,
    problem::{Kind, Problem},
};

/// What somebody may do; each right includes those before it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum Right {
    /// See everything but secrets.
    Read,
    /// Change phones, and end connections.
    Operate,
    /// Change settings, licences and operators.
    Admin,
}

/// Somebody who has logged on.
#[derive(Clone, Debug)]
pub(super) struct LogOn {
    /// The name, for the log.
    pub(super) name: String,
    pub(super) right: Right,
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
    /// Somebody who may read.
    Reader needs Right::Read;
    /// Somebody who may operate.
    Operator needs Right::Operate;
    /// Somebody who may administer.
    Administrator needs Right::Admin;
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

/// Checks log-on, right and parameters, and lifts the limits of the connection.
fn granted(request: &HttpRequest, needed: Right) -> Result<LogOn, Problem> {
    let authorization = request.headers().get(AUTHORIZATION);
    let authorization = authorization
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let keys = request.app_data::<web::Data<Keys>>();
    let keys = keys.ok_or_else(Problem::not_logged_on)?;
    let log_on = keys.check(authorization, address(request, keys))?;
    if let Some(peer) = request.conn_data::<Rc<Peer>>() {
        peer.authenticated();
    }
    if log_on.right < needed {
        let detail = format!(
            "{} may {}, but this needs the right to {}",
            log_on.name,
            log_on.right.verb(),
            needed.verb()
        );
        return Err(Problem::new(Kind::NO_RIGHT, detail));
    }
    check_parameters(request)?;
    Ok(log_on)
}

impl Right {
    fn verb(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Admin => "administer",
        }
    }
}

/// The address of who asks, behind proxies that the settings trust.
fn address(request: &HttpRequest, keys: &Keys) -> IpAddr {
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
    _: Reader,
    request: HttpRequest,
    document: web::Data<Document>,
) -> Result<HttpResponse, Problem> {
    Err(match document.allow(request.path()) {
        Some(allow) => Problem::method(request.method(), &allow),
        None => Problem::new(Kind::NOT_FOUND, "there is no such page"),
    })
}
