//! Authenticates API requests: by a token (RFC 6750), or by the cookie of a session that a password began.

use std::{net::IpAddr, sync::Arc};

use arc_swap::ArcSwap;
use subtle::ConstantTimeEq;
use uacsta_actors::{
    ServerContext,
    auth::{AuthAttempt, AuthUser, LimitStatus, LogOnUnderWay, LogOnsUnderWay, RETRY_AFTER, Rate},
    counters::Counter,
    log_limit::repeat_count,
};
use uacsta_config::Secret;

use super::{
    access::{LogOn, Role},
    problem::Problem,
};
use crate::{
    accounts::{AcceptedToken, AccountStore, PREFIX, TokenError},
    operators::{Operators, Origin, Right},
    texts::Text,
};

/// The credentials that the API accepts.
pub(super) struct Keys {
    accepted: ArcSwap<Credentials>,
    operators: Arc<Operators>,
    accounts: Arc<AccountStore>,
    under_way: LogOnsUnderWay,
    context: Arc<ServerContext>,
}

/// The id and name of the administrator whose password is in the settings.
pub(super) const ADMIN: &str = "admin";
/// The name of the command line.
pub(super) const CLI_TOKEN: &str = "cli.token";

/// The token of the command line, and the password of the administrator.
struct Credentials {
    token: Secret,
    password: Secret,
}

impl Keys {
    pub(super) fn new(
        token: &Secret,
        password: &Secret,
        operators: Arc<Operators>,
        accounts: Arc<AccountStore>,
        context: Arc<ServerContext>,
    ) -> Self {
        Self {
            accepted: ArcSwap::from_pointee(Credentials::new(token, password)),
            operators,
            accounts,
            under_way: LogOnsUnderWay::default(),
            context,
        }
    }

    /// Replaces the accepted credentials. A log-on that overlaps it finds the new ones, or its session is there and ends.
    pub(super) fn change(&self, token: &Secret, password: &Secret) {
        let new = Arc::new(Credentials::new(token, password));
        let former = self.accepted.swap(Arc::clone(&new));
        if former.password.expose() != new.password.expose() {
            self.operators.log_off(ADMIN);
        }
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
        if self.accepted.load().has_token(authorization) {
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
        let now = self.context.clock.now();
        let id = self.operators.sessions.operator(cookie, now);
        self.log_on_of(id)
    }

    /// The same, without being a use of the session.
    pub(super) fn recheck_cookie(&self, cookie: &str) -> Result<LogOn, Problem> {
        let now = self.context.clock.now();
        self.log_on_of(self.operators.sessions.holder(cookie, now))
    }

    fn log_on_of(&self, id: Option<String>) -> Result<LogOn, Problem> {
        let log_on = match id.as_deref() {
            Some(ADMIN) => Some(LogOn::administrator(ADMIN)),
            Some(id) => self.operators.with_id(id).map(|operator| LogOn {
                name: operator.name,
                role: Role::Operator(operator.rights),
            }),
            None => None,
        };
        log_on.ok_or_else(Problem::not_logged_on)
    }

    /// Begins a session of whoever has this name and password; returns its cookie.
    pub(super) async fn begin(
        &self,
        name: &str,
        password: String,
        from: Origin,
    ) -> Result<(LogOn, String), Problem> {
        let address = from.address;
        let is_admin = name == ADMIN;
        // No SIP user has a space in its name.
        let user = format!("operator {}", name.to_lowercase());
        let user = if is_admin {
            AuthUser::Administrator
        } else {
            AuthUser::User(&user)
        };
        let attempt = AuthAttempt::new(address, user);
        let _under_way = self.begin_attempt(attempt)?;
        let verified = self.operators.verify(name, password.clone()).await;
        let verified = verified?;
        let has_password = || is_admin && self.accepted.load().has_password(&password);
        let (id, log_on) = match &verified {
            Some(operator) => {
                let role = Role::Operator(operator.rights);
                let name = operator.name.clone();
                (&*operator.id, LogOn { name, role })
            }
            None if has_password() => (ADMIN, LogOn::administrator(ADMIN)),
            None => return Err(self.failed(attempt, address)),
        };
        let sessions = &self.operators.sessions;
        let cookie = sessions.begin(id, from, self.context.clock.now());
        let cookie = cookie.map_err(|error| Problem::unavailable(Text::verbatim(error)))?;
        // Whoever changes the password ends the sessions that are there then.
        let is_current = match &verified {
            Some(operator) => self.operators.is_current(operator),
            None => has_password(),
        };
        if !is_current {
            sessions.end(&cookie);
            return Err(self.failed(attempt, address));
        }
        self.context.log_on_limiter.succeeded(attempt);
        tracing::info!(user = log_on.name, peer = %address, "operator logged on");
        Ok((log_on, cookie))
    }

    /// Makes a link that logs on an operator, and returns its secret.
    pub(super) fn make_link(&self, who: &LogOn) -> Result<String, Problem> {
        let operator = match &*who.name {
            ADMIN | CLI_TOKEN => Some(ADMIN.to_owned()),
            name => self.operators.find(name).map(|operator| operator.id),
        };
        let operator = operator.ok_or_else(Problem::not_logged_on)?;
        let now = self.context.clock.now();
        let link = self.operators.links.make(&operator, now);
        link.map_err(|error| Problem::unavailable(Text::verbatim(error)))
    }

    /// Begins a session by a link, which is spent; returns its cookie.
    ///
    /// Links are exempt from the rate limit as tokens are.
    pub(super) fn begin_by_link(
        &self,
        link: &str,
        from: Origin,
    ) -> Result<(LogOn, String), Problem> {
        let (address, now) = (from.address, self.context.clock.now());
        // Whoever ends the operator's links waits for this, and ends the session too.
        let begun = self.operators.links.redeem(link, now, |operator| {
            let log_on = self.log_on_of(Some(operator.to_owned())).ok()?;
            let cookie = self.operators.sessions.begin(operator, from, now);
            Some(cookie.map(|cookie| (log_on, cookie)))
        });
        if let Some(begun) = begun.flatten() {
            let begun = begun.map_err(|error| Problem::unavailable(Text::verbatim(error)))?;
            tracing::info!(user = begun.0.name, peer = %address, "operator logged on");
            return Ok(begun);
        }
        // No SIP user has a space in its name.
        let attempt = AuthAttempt::new(address, AuthUser::User("a link"));
        self.begin_attempt(attempt)?;
        let why = Text::new("link-wrong");
        Err(self.failed(attempt, address).because(why))
    }

    fn rate(&self) -> Rate {
        Rate::of(&self.context.config().settings.limits)
    }

    /// Refuses an attempt of an address or user with too many failures; those under way count as failed.
    fn begin_attempt(&self, attempt: AuthAttempt<'_>) -> Result<LogOnUnderWay<'_>, Problem> {
        let limiter = &self.context.log_on_limiter;
        let now = self.context.clock.now();
        let begun = self.under_way.begin(limiter, attempt, self.rate(), now);
        begun.ok_or_else(|| {
            self.context.counters.count(Counter::LogOnRateLimited);
            let seconds = u64::from(RETRY_AFTER);
            let detail = Text::new("too-many-log-ons").with("seconds", seconds);
            Problem::too_many(detail, seconds)
        })
    }

    /// Counts and logs a failed attempt.
    fn failed(&self, attempt: AuthAttempt<'_>, address: IpAddr) -> Problem {
        self.context.counters.count(Counter::FailedLogOn);
        let now = self.context.clock.now();
        match self
            .context
            .log_on_limiter
            .failed(attempt, self.rate(), now)
        {
            LimitStatus::Below => {
                let what = "API log-on failed";
                if let Some(times) = self.context.log_limit.admit(address, what, now) {
                    tracing::warn!(peer = %address, times = repeat_count(times), "API log-on failed: wrong token or password");
                }
            }
            LimitStatus::Reached => {
                tracing::warn!(peer = %address, "too many failed API log-ons from this address; limited to limits.log_on_tries a second, not logged until they pause");
            }
            LimitStatus::Exceeded => {}
        }
        Problem::not_logged_on()
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

impl From<AcceptedToken> for LogOn {
    fn from(token: AcceptedToken) -> Self {
        Self {
            name: format!("{} (token {})", token.account.account.user, token.name),
            role: Role::Program(token),
        }
    }
}

impl Credentials {
    fn new(token: &Secret, password: &Secret) -> Self {
        Self {
            token: token.clone(),
            password: password.clone(),
        }
    }

    /// Whether `authorization` has the token.
    fn has_token(&self, authorization: &str) -> bool {
        bearer(authorization).is_some_and(|given| is_same(&self.token, given))
    }

    fn has_password(&self, given: &str) -> bool {
        is_same(&self.password, given)
    }
}

/// The token in `authorization`.
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compares in constant time.
fn is_same(secret: &Secret, given: &str) -> bool {
    secret.expose().as_bytes().ct_eq(given.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use actix_web::ResponseError as _;
    use futures_util::future::join_all;

    use super::*;
    use crate::{
        api::tests::{accounts, context},
        operators::OperatorError,
    };

    const PASSWORD: &str = "seven quiet lamps";

    /// The operator Anna, and an administrator with this password.
    async fn keys(folder: &tempfile::TempDir, context: Arc<ServerContext>) -> Keys {
        let operators = Arc::new(Operators::open(folder.path()));
        let anna = operators.add("Anna".to_owned(), Right::Read, PASSWORD.to_owned(), 7);
        anna.await.unwrap();
        let accounts = accounts(folder.path(), &context);
        Keys::new(
            &"token".into(),
            &PASSWORD.into(),
            operators,
            accounts,
            context,
        )
    }

    fn from(host: u8) -> Origin {
        Origin {
            address: [192, 0, 2, host].into(),
            agent: None,
        }
    }

    #[actix_web::test]
    async fn log_on_with_the_former_password_does_not_outlast_its_change() {
        let folder = tempfile::tempdir().unwrap();
        let keys = keys(&folder, context(|_| {})).await;
        let begun = keys.begin(ADMIN, PASSWORD.to_owned(), from(1));
        let changed = async { keys.change(&"token".into(), &"another horse".into()) };
        let (begun, ()) = tokio::join!(begun, changed);
        assert!(begun.is_err(), "the administrator");

        let anna = keys.operators.find("Anna").unwrap();
        let mut former = PASSWORD.to_owned();
        for number in 0..5 {
            let new = format!("horse number {number}");
            let any = |_: &_| Ok::<_, OperatorError>(());
            let changed = keys
                .operators
                .modify(&anna.id, any, None, Some(new.clone()));
            let begun = keys.begin("Anna", former, from(1));
            let (changed, begun) = tokio::join!(changed, begun);
            changed.unwrap();
            let lives = begun.is_ok_and(|(_, cookie)| keys.check_cookie(&cookie).is_ok());
            assert!(!lives, "Anna, with her former password");
            former = new;
        }
        assert!(keys.begin("Anna", former, from(1)).await.is_ok());
    }

    #[actix_web::test]
    async fn log_ons_at_the_same_time_do_not_pass_the_limit_together() {
        let context = context(|settings| {
            (settings.limits.failed_log_ons, settings.limits.log_on_tries) = (4, 1);
        });
        let folder = tempfile::tempdir().unwrap();
        let keys = keys(&folder, context).await;
        // Those that succeed leave the limit as it was.
        for _ in 0..3 {
            let right = (0..2).map(|_| keys.begin("Anna", PASSWORD.to_owned(), from(1)));
            assert!(join_all(right).await.iter().all(Result::is_ok));
        }
        let wrong = (0..20).map(|_| keys.begin("Anna", "seven loud lamps".to_owned(), from(1)));
        let refused = join_all(wrong).await;
        let held_back = refused.iter().filter(|refused| {
            let problem = refused.as_ref().unwrap_err();
            problem.status_code() == 429
        });
        assert_eq!(held_back.count(), 16);
        assert!(
            keys.begin("Anna", PASSWORD.to_owned(), from(2))
                .await
                .is_ok()
        );
    }

    #[test]
    fn token_matches_as_a_bearer_alone() {
        let accepted = Credentials::new(&"token".into(), &"password".into());
        for (given, expected) in [
            ("Bearer token", true),
            ("bearer token", true),
            ("Basic YWRtaW46cGFzc3dvcmQ=", false),
            ("Bearer Token", false),
            ("Bearer toke", false),
            ("Bearer password", false),
            ("Bearer ", false),
            ("Bearer", false),
            ("Basic token", false),
            ("Digest token", false),
            ("token", false),
            ("", false),
        ] {
            assert_eq!(accepted.has_token(given), expected, "{given}");
        }
    }
}
