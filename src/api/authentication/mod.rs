//! Authenticates API requests: by a token (RFC 6750), or by the cookie of a session that a password began.

mod log_on;
pub(super) mod tickets;

use std::{net::IpAddr, sync::Arc};

use arc_swap::ArcSwap;
use subtle::ConstantTimeEq;
use tickets::Tickets;
use uacsta_actors::{
    ServerContext,
    auth::{AuthAttempt, AuthUser, LogOnsUnderWay},
};
use uacsta_config::Secret;

use super::{
    access::{LogOn, Role},
    problem::Problem,
};
use crate::{
    accounts::{AcceptedToken, AccountStore, PREFIX, TokenError},
    operators::{Identity, Operators, Right},
    texts::Text,
};

/// The credentials that the API accepts.
pub(super) struct Keys {
    /// The token of the command line.
    token: ArcSwap<Secret>,
    operators: Arc<Operators>,
    accounts: Arc<AccountStore>,
    tickets: Tickets,
    under_way: LogOnsUnderWay,
    context: Arc<ServerContext>,
}

/// The name of the command line.
pub(super) const CLI_TOKEN: &str = "cli.token";

impl Keys {
    pub(super) fn new(
        token: &Secret,
        operators: Arc<Operators>,
        accounts: Arc<AccountStore>,
        context: Arc<ServerContext>,
    ) -> Self {
        Self {
            token: ArcSwap::from_pointee(token.clone()),
            operators,
            accounts,
            tickets: Tickets::default(),
            under_way: LogOnsUnderWay::default(),
            context,
        }
    }

    /// Replaces the token of the command line.
    pub(super) fn change_token(&self, token: &Secret) {
        self.token.store(Arc::new(token.clone()));
    }

    /// Checks the `authorization` of a request from `address`.
    ///
    /// Tokens are exempt from the rate limit: they cannot be guessed, and behind a proxy their programs share an address with
    /// everybody.
    pub(super) fn check(&self, authorization: &str, address: IpAddr) -> Result<LogOn, Problem> {
        if authorization.is_empty() {
            return Err(Problem::not_logged_on());
        }
        let problem = match self.recheck(authorization) {
            Ok(log_on) => {
                if let Role::Program(token) = &log_on.role {
                    self.accounts.note_use(token, address);
                }
                return Ok(log_on);
            }
            Err(problem) => problem,
        };
        let is_program = bearer(authorization).is_some_and(|token| token.starts_with(PREFIX));
        let user = match is_program {
            // No SIP user has a space in its name.
            true => AuthUser::User("a program"),
            false => AuthUser::Administrator,
        };
        self.begin_attempt(AuthAttempt::new(address, user))?;
        self.failed(AuthAttempt::new(address, user), address);
        Err(problem)
    }

    /// The same, without being a use of the token or a failed log-on.
    pub(super) fn recheck(&self, authorization: &str) -> Result<LogOn, Problem> {
        if has_token(&self.token.load(), authorization) {
            return Ok(LogOn::administrator(CLI_TOKEN));
        }
        let checked = bearer(authorization).map_or(Err(TokenError::Wrong), |token| {
            self.accounts.check_token(token)
        });
        checked.map(LogOn::from).map_err(|error| match error {
            TokenError::Wrong => Problem::not_logged_on(),
            TokenError::Ended => Problem::not_logged_on().because(Text::new("token-ended")),
        })
    }

    /// Checks the cookie of a session.
    pub(super) fn check_cookie(&self, cookie: &str) -> Result<LogOn, Problem> {
        self.log_on_of(cookie, true)
    }

    /// The same, without being a use of the session.
    pub(super) fn recheck_cookie(&self, cookie: &str) -> Result<LogOn, Problem> {
        self.log_on_of(cookie, false)
    }

    fn log_on_of(&self, cookie: &str, is_use: bool) -> Result<LogOn, Problem> {
        let now = self.context.clock.now();
        let who = self.operators.in_session(cookie, now, is_use);
        who.map(LogOn::from).ok_or_else(Problem::not_logged_on)
    }

    pub(super) fn context(&self) -> &ServerContext {
        &self.context
    }
}

impl LogOn {
    pub(super) fn administrator(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            role: Role::Operator(Right::Admin),
        }
    }
}

impl From<Identity> for LogOn {
    fn from(operator: Identity) -> Self {
        Self {
            name: operator.name,
            role: Role::Operator(operator.rights),
        }
    }
}

impl From<AcceptedToken> for LogOn {
    fn from(token: AcceptedToken) -> Self {
        Self {
            name: format!("{} (token {})", token.account.account.user, token.name),
            role: Role::Program(Box::new(token)),
        }
    }
}

/// The token in `authorization`.
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether `authorization` has the token. Compares in constant time.
fn has_token(token: &Secret, authorization: &str) -> bool {
    let is_same = |given: &str| token.expose().as_bytes().ct_eq(given.as_bytes()).into();
    bearer(authorization).is_some_and(is_same)
}

#[cfg(test)]
mod tests;
