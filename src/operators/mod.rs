//! Named operators with their rights and passwords, kept in `operators.json` of the data folder.

mod administrator;
mod identity;
mod links;
mod password;
mod sessions;

use std::{path::Path, sync::Arc, time::Duration};

pub use administrator::ADMIN;
use administrator::Administrator;
pub use identity::Identity;
pub use links::LIFE as LINK_LIFE;
use links::Links;
use password::PasswordHash;
pub use password::PasswordId;
use serde::{Deserialize, Serialize};
use sessions::Sessions;
pub use sessions::{Origin, Session};
pub(crate) use sessions::{key as hash_of_secret, secret as random_secret};
use tokio::sync::{Mutex, Semaphore};
use utoipa::ToSchema;

use crate::data_dir::{Kept, KeptError, LastChange};

/// What an operator may do; each right includes those before it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Right {
    /// See everything but secrets.
    Read,
    /// Change phones, and end connections.
    Operate,
    /// Change settings, licences and operators.
    Admin,
}

/// A named operator.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Operator {
    /// Never used for another operator.
    pub id: String,
    /// The name to log on with.
    pub name: String,
    /// What the operator may do.
    pub rights: Right,
    /// In seconds since 1970-01-01T00:00:00Z.
    pub created_at: u64,
    /// The last change, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<LastChange>,
    password: PasswordHash,
}

/// Why operators cannot be changed.
#[derive(Debug)]
pub enum OperatorError {
    /// Another operator has the name.
    Exists(String),
    /// There is no such operator.
    Unknown(String),
    /// There are as many as there may be.
    Full(usize),
    /// The file could not be read at the start, or cannot be written.
    File(KeptError),
    /// No thread, or no memory.
    Hash(String),
    /// The system has no random numbers.
    Random(getrandom::Error),
}

impl From<KeptError> for OperatorError {
    fn from(error: KeptError) -> Self {
        Self::File(error)
    }
}

/// The operators and their sessions.
pub struct Operators {
    kept: Arc<Kept<Vec<Operator>>>,
    /// Held during a change, which waits for the disk.
    changing: Mutex<()>,
    /// A hash takes 19 MiB and a processor for a while.
    hashing: Semaphore,
    administrator: Administrator,
    sessions: Sessions,
    links: Links,
}

/// The most operators.
const MOST: usize = 1000;
/// The most passwords that are hashed at a time.
const HASHES: usize = 2;

impl Operators {
    /// Reads them. A file that cannot be read is reported and left as it is.
    pub fn open(data: &Path) -> Self {
        let kept = Kept::<Vec<Operator>>::open(data.join("operators.json"));
        if let Some(error) = kept.fault() {
            tracing::error!(file = %kept.file().display(), error, "cannot read the operators; nobody of them can log on");
        }
        Self {
            kept: Arc::new(kept),
            changing: Mutex::default(),
            hashing: Semaphore::new(HASHES),
            administrator: Administrator::default(),
            sessions: Sessions::default(),
            links: Links::default(),
        }
    }

    /// All operators, in the order of their names.
    pub fn all(&self) -> Arc<Vec<Operator>> {
        self.kept.load()
    }

    /// The operator with this id or name.
    pub fn find(&self, name: &str) -> Option<Operator> {
        let all = self.kept.load();
        all.iter().find(|operator| operator.is(name)).cloned()
    }

    /// Adds an operator.
    ///
    /// # Errors
    /// The name is taken, or the change cannot be stored; nothing is changed then.
    pub async fn add(
        &self,
        name: String,
        rights: Right,
        password: String,
        at: u64,
    ) -> Result<Operator, OperatorError> {
        let made = self.hash(move || {
            let id = sessions::secret::<6>().map_err(OperatorError::Random)?;
            Ok((id, PasswordHash::new(&password)?))
        });
        let (id, password) = made.await?;
        let operator = Operator {
            id,
            name,
            rights,
            created_at: at,
            changed: None,
            password,
        };
        let new = operator.clone();
        self.change(move |all| {
            if all.len() >= MOST {
                return Err(OperatorError::Full(MOST));
            }
            if all.iter().any(|other| other.is(&new.name)) {
                return Err(OperatorError::Exists(new.name));
            }
            all.push(new);
            all.sort_by_key(|operator| operator.name.to_lowercase());
            Ok(())
        })
        .await?;
        Ok(operator)
    }

    /// Somebody changes rights or password of an operator whose present state `check` accepts. Sessions end with their password.
    ///
    /// # Errors
    /// There is no such operator, `check` refuses, or the change cannot be stored; nothing is changed then.
    pub async fn modify<E: From<OperatorError>>(
        &self,
        id: &str,
        check: impl FnOnce(&Operator) -> Result<(), E>,
        rights: Option<Right>,
        password: Option<String>,
        by: &str,
    ) -> Result<Operator, E> {
        let hash = match password {
            Some(password) => Some(self.hash(move || PasswordHash::new(&password)).await?),
            None => None,
        };
        self.change::<_, E>(|all| {
            let found = all.iter_mut().find(|operator| operator.id == id);
            let operator = found.ok_or_else(|| OperatorError::Unknown(id.to_owned()))?;
            check(operator)?;
            operator.rights = rights.unwrap_or(operator.rights);
            if let Some(hash) = hash {
                operator.password = hash;
            }
            operator.changed = Some(LastChange::now(by));
            Ok(operator.clone())
        })
        .await
    }

    /// Removes an operator whose present state `check` accepts. Its sessions end.
    ///
    /// # Errors
    /// As [`Self::modify`].
    pub async fn remove<E: From<OperatorError>>(
        &self,
        id: &str,
        check: impl FnOnce(&Operator) -> Result<(), E>,
    ) -> Result<(), E> {
        self.change::<_, E>(|all| {
            let found = all.iter().position(|operator| operator.id == id);
            let found = found.ok_or_else(|| OperatorError::Unknown(id.to_owned()))?;
            check(&all[found])?;
            all.remove(found);
            Ok(())
        })
        .await
    }

    /// Stores a change, then applies it.
    async fn change<R, E: From<OperatorError>>(
        &self,
        change: impl FnOnce(&mut Vec<Operator>) -> Result<R, E>,
    ) -> Result<R, E> {
        self.kept.check().map_err(OperatorError::from)?;
        let _alone = self.changing.lock().await;
        let mut all = Vec::clone(&self.kept.load());
        let result = change(&mut all)?;
        let kept = Arc::clone(&self.kept);
        let written = blocking(move || Ok(kept.replace(all))).await?;
        if let Err(error) = written {
            tracing::error!(file = %self.kept.file().display(), %error, "cannot write the operators; the change is refused");
            return Err(OperatorError::File(error).into());
        }
        Ok(result)
    }

    /// Hashes on another thread, in its turn.
    async fn hash<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<R, OperatorError> + Send + 'static,
    ) -> Result<R, OperatorError> {
        let turn = tokio::time::timeout(TURN, self.hashing.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err(OperatorError::Hash("too many log-ons at a time".to_owned()));
        };
        blocking(work).await
    }
}

/// How long a log-on waits for its turn.
const TURN: Duration = Duration::from_secs(5);

async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, OperatorError> + Send + 'static,
) -> Result<R, OperatorError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(OperatorError::Hash(error.to_string())))
}

impl Operator {
    fn is(&self, name: &str) -> bool {
        self.id == name || self.name.to_lowercase() == name.to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use super::*;

    #[actix_web::test]
    async fn operators_are_kept_and_verified_by_their_password() {
        let folder = tempfile::tempdir().unwrap();
        let operators = Operators::open(folder.path());
        let right = || "correct horse".to_owned();
        let anna = operators
            .add("Anna".to_owned(), Right::Operate, right(), 7)
            .await;
        let anna = anna.unwrap();
        let again = operators
            .add("anna".to_owned(), Right::Read, right(), 7)
            .await;
        assert!(matches!(again, Err(OperatorError::Exists(_))));
        let operators = Operators::open(folder.path());
        let found = operators.verify("ANNA", right()).await.unwrap().unwrap();
        assert_eq!((&found.id, found.rights), (&anna.id, Right::Operate));
        for (name, password) in [("Anna", "wrong horse"), ("Bert", "correct horse")] {
            let found = operators.verify(name, password.to_owned()).await.unwrap();
            assert!(found.is_none(), "{name}");
        }
        assert_eq!(
            operators.identity(&found.id).unwrap().password,
            found.password
        );
        let any = |_: &Operator| Ok::<_, OperatorError>(());
        let (read, new) = (Some(Right::Read), Some("another horse".to_owned()));
        let changed = operators
            .modify(&anna.id, any, read, new, "admin")
            .await
            .unwrap();
        assert_eq!(changed.rights, Right::Read);
        let now = operators.identity(&anna.id).unwrap();
        assert_ne!(now.password, found.password);
        assert!(operators.verify("Anna", right()).await.unwrap().is_none());
        assert_eq!(operators.find("Anna").unwrap().rights, Right::Read);
        operators.remove(&anna.id, any).await.unwrap();
        assert!(operators.identity(&anna.id).is_none());
        assert!(Operators::open(folder.path()).all().is_empty());
    }

    #[actix_web::test]
    async fn unreadable_file_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("operators.json");
        fs::write(&file, "rubbish").unwrap();
        let operators = Operators::open(folder.path());
        let added = operators
            .add("Anna".to_owned(), Right::Read, "x".to_owned(), 7)
            .await;
        assert!(matches!(
            added,
            Err(OperatorError::File(KeptError::Unreadable { .. }))
        ));
        assert_eq!(fs::read_to_string(&file).unwrap(), "rubbish");
    }
}
