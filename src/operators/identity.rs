//! Who an operator is, and the sessions and links with which somebody is that operator.

use std::time::Duration;

use uacsta_config::Secret;

use super::{
    ADMIN, Operator, OperatorError, Operators, Origin, PasswordId, Right, Session,
    password::PasswordHash,
};

/// An operator who is there now, or `admin`.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The operator's id.
    pub id: String,
    /// The name to log on with.
    pub name: String,
    /// What the operator may do.
    pub rights: Right,
    /// The operator's password.
    pub password: PasswordId,
}

impl Identity {
    fn administrator(password: PasswordId) -> Self {
        Self {
            id: ADMIN.to_owned(),
            name: ADMIN.to_owned(),
            rights: Right::Admin,
            password,
        }
    }
}

impl From<&Operator> for Identity {
    fn from(operator: &Operator) -> Self {
        Self {
            id: operator.id.clone(),
            name: operator.name.clone(),
            rights: operator.rights,
            password: operator.password.id(),
        }
    }
}

impl Operators {
    /// Sets the password of `admin`. Sessions that began with another one end, whether the API is open or not.
    pub fn set_administrator(&self, password: &Secret) {
        self.administrator.set_password(password);
    }

    /// The operator with this id, or `admin`.
    pub fn identity(&self, id: &str) -> Option<Identity> {
        if id == ADMIN {
            return self
                .administrator
                .password_id()
                .map(Identity::administrator);
        }
        let all = self.kept.load();
        let found = all.iter().find(|operator| operator.id == id);
        found.map(Identity::from)
    }

    /// The operator with this name, or `admin`.
    pub fn named(&self, name: &str) -> Option<Identity> {
        let operator = self.find(name);
        let operator = operator.as_ref().map(Identity::from);
        operator.or_else(|| self.identity(name).filter(|_| name == ADMIN))
    }

    /// Who has this name and password. An unknown name takes as long.
    ///
    /// # Errors
    /// No thread can hash it.
    pub async fn verify(
        &self,
        name: &str,
        password: String,
    ) -> Result<Option<Identity>, OperatorError> {
        let operator = self.find(name);
        let hash = operator.as_ref().map(|operator| operator.password.clone());
        let given = password.clone();
        let fits = self.hash(move || Ok(PasswordHash::verify(hash.as_ref(), &given)));
        if fits.await? {
            return Ok(operator.as_ref().map(Identity::from));
        }
        let admin = || self.administrator.verify(&password);
        let admin = (name == ADMIN).then(admin).flatten();
        Ok(admin.map(Identity::administrator))
    }

    /// Begins a session and returns its cookie; `None` if the password has changed since it was verified.
    ///
    /// # Errors
    /// No random numbers.
    pub fn begin_session(
        &self,
        who: &Identity,
        from: Origin,
        now: Duration,
    ) -> Result<Option<String>, OperatorError> {
        let begun = self.sessions.begin(who, from, now, |session| {
            self.has_password(&session.operator, session.password)
        });
        let cookie = begun.map_err(OperatorError::Random)?;
        Ok(self.has_password(&who.id, who.password).then_some(cookie))
    }

    /// Whose session has this cookie; with `is_use` it is in use now.
    pub fn in_session(&self, cookie: &str, now: Duration, is_use: bool) -> Option<Identity> {
        let session = self.sessions.find(cookie, now, is_use)?;
        let who = self.identity(&session.operator)?;
        (who.password == session.password).then_some(who)
    }

    /// All sessions, with the names of their operators.
    pub fn sessions(&self, now: Duration) -> Vec<(String, Session)> {
        let all = self.sessions.all(now, |session| {
            self.has_password(&session.operator, session.password)
        });
        let named = |session: Session| Some((self.identity(&session.operator)?.name, session));
        all.into_iter().filter_map(named).collect()
    }

    /// Ends the session with this id; returns the name of its operator, `None` if there is no such session.
    pub fn end_session(&self, id: &str, now: Duration) -> Option<String> {
        let mut all = self.sessions(now).into_iter();
        let (name, session) = all.find(|(_, session)| session.id == id)?;
        self.sessions.end_by_id(&session.id)?;
        Some(name)
    }

    /// Ends the session with this cookie.
    pub fn log_off(&self, cookie: &str) {
        self.sessions.end(cookie);
    }

    /// Makes a link that begins a session of this operator, and returns its secret.
    ///
    /// # Errors
    /// No random numbers.
    pub fn make_link(&self, who: &Identity, now: Duration) -> Result<String, OperatorError> {
        self.links.make(who, now).map_err(OperatorError::Random)
    }

    /// Spends the link with this secret: whose session it begins; `None` if it is over, as the password is that it was made with.
    pub fn redeem_link(&self, link: &str, now: Duration) -> Option<Identity> {
        let (operator, password) = self.links.redeem(link, now)?;
        let who = self.identity(&operator)?;
        (who.password == password).then_some(who)
    }

    /// Whether an operator is still there, with this password.
    fn has_password(&self, operator: &str, password: PasswordId) -> bool {
        let now = self.identity(operator);
        now.is_some_and(|now| now.password == password)
    }
}
