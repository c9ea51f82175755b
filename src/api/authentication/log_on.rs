//! Logs operators on: by name and password, or by a link. Failed log-ons are limited by address and name.

use std::net::IpAddr;

use uacsta_actors::{
    auth::{AuthAttempt, AuthUser, LimitStatus, LogOnUnderWay, RETRY_AFTER, Rate},
    counters::Counter,
    log_limit::repeat_count,
};

use super::{CLI_TOKEN, Keys, LogOn, Problem};
use crate::{
    operators::{ADMIN, Identity, Origin},
    texts::Text,
};

impl Keys {
    /// Begins a session of whoever has this name and password; returns its cookie.
    pub(in crate::api) async fn begin(
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
        let verified = self.operators.verify(name, password).await?;
        let refused = || {
            let why = Text::new("name-or-password-wrong");
            self.failed(attempt, address).because(why)
        };
        let who = verified.ok_or_else(refused)?;
        let now = self.context.clock.now();
        let begun = self.operators.begin_session(&who, from, now)?;
        let cookie = begun.ok_or_else(refused)?;
        self.context.log_on_limiter.succeeded(attempt);
        Ok((logged_on(who, address), cookie))
    }

    /// Makes a link that logs on an operator, and returns its secret.
    pub(in crate::api) fn make_link(&self, who: &LogOn) -> Result<String, Problem> {
        let operator = match &*who.name {
            CLI_TOKEN => self.operators.identity(ADMIN),
            name => self.operators.named(name),
        };
        let operator = operator.ok_or_else(Problem::not_logged_on)?;
        let now = self.context.clock.now();
        Ok(self.operators.make_link(&operator, now)?)
    }

    /// Begins a session by a link, which is spent; returns its cookie.
    ///
    /// Links are exempt from the rate limit as tokens are.
    pub(in crate::api) fn begin_by_link(
        &self,
        link: &str,
        from: Origin,
    ) -> Result<(LogOn, String), Problem> {
        let (address, now) = (from.address, self.context.clock.now());
        if let Some(who) = self.operators.redeem_link(link, now)
            && let Some(cookie) = self.operators.begin_session(&who, from, now)?
        {
            return Ok((logged_on(who, address), cookie));
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
    pub(super) fn begin_attempt(
        &self,
        attempt: AuthAttempt<'_>,
    ) -> Result<LogOnUnderWay<'_>, Problem> {
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
    pub(super) fn failed(&self, attempt: AuthAttempt<'_>, address: IpAddr) -> Problem {
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
}

fn logged_on(who: Identity, peer: IpAddr) -> LogOn {
    tracing::info!(user = who.name, %peer, "operator logged on");
    who.into()
}
