//! Bearer tokens of accounts: 32 random octets, of which a hash is kept (RFC 6750).

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::{
    AccountError, AccountStore, KnownAccount,
    stored::{self, State},
};

/// A token, without its secret.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// Never used for another token.
    pub id: String,
    /// The id of its account.
    pub(super) account: String,
    /// What it is for.
    pub name: String,
    /// SHA-256 of the whole token, in hexadecimal digits.
    hash: String,
    /// In seconds since 1970-01-01T00:00:00Z, as all times here.
    pub created_at: u64,
    /// When it ends; `None`: when it is revoked.
    pub ends_at: Option<u64>,
    /// The last use that is known.
    pub last_use: Option<TokenUse>,
}

/// When and from where a token was used.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TokenUse {
    /// The start of the minute.
    pub at: u64,
    /// The address.
    pub from: IpAddr,
}

/// A token that a request may use now.
#[derive(Clone, Debug)]
pub struct AcceptedToken {
    id: String,
    /// What it is for.
    pub name: String,
    /// Its account, as it is now.
    pub account: KnownAccount,
}

/// Why a request may not use a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TokenError {
    /// Its end has come, or its account is gone from the settings.
    Ended,
    /// There is no such token.
    Wrong,
}

/// The last uses that are not on disk, by the token's id.
#[derive(Default)]
pub(super) struct Uses(Mutex<HashMap<String, TokenUse>>);

/// What tokens begin with.
pub const PREFIX: &str = "uac_";
/// The random part of a token in octets, and its length as text.
const SECRET: usize = 32;
const SECRET_LENGTH: usize = 43;
/// How often last uses are written.
const WRITE_INTERVAL: Duration = Duration::from_secs(60);

impl Uses {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, TokenUse>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters them into the file's content; returns them for [`Self::written`].
    pub(super) fn enter(&self, state: &mut State) -> HashMap<String, TokenUse> {
        let uses = self.lock().clone();
        for token in &mut state.tokens {
            token.last_use = uses.get(&token.id).copied().or(token.last_use);
        }
        uses
    }

    /// These are on disk.
    pub(super) fn written(&self, uses: &HashMap<String, TokenUse>) {
        self.lock().retain(|id, last| uses.get(id) != Some(last));
    }
}

impl AccountStore {
    /// The tokens of an account, in the order in which they were made.
    pub fn tokens(&self, account: &str) -> Vec<Token> {
        let state = self.kept.load();
        let uses = self.uses.lock();
        let own = state.tokens.iter().filter(|token| token.account == account);
        own.map(|token| Token {
            last_use: uses.get(&token.id).copied().or(token.last_use),
            ..token.clone()
        })
        .collect()
    }

    /// Makes a token of an account. The text is told this once.
    ///
    /// # Errors
    /// There are too many, or the change cannot be stored; there is no such token then.
    pub async fn add_token(
        self: &Arc<Self>,
        account: &str,
        name: String,
        ends_at: Option<u64>,
    ) -> Result<(Token, String), AccountError> {
        let account = account.to_owned();
        let created_at = self.context.clock.wall();
        let add = move |state: &mut State, settings: &uacsta_config::Settings| {
            let limit = settings.limits.tokens;
            if state.tokens.len() >= limit {
                // Accounts of the settings disappear with a reload, and may come back.
                state.forget_orphans(settings);
            }
            if state.tokens.len() >= limit {
                return Err(AccountError::TooManyTokens(limit));
            }
            // Removed meanwhile.
            if state.by_id(settings, &account).is_none() {
                return Err(AccountError::Unknown(account));
            }
            let id = stored::id()?;
            let mut secret = [0; SECRET];
            getrandom::fill(&mut secret)
                .map_err(|error| AccountError::System(error.to_string()))?;
            let text = format!("{PREFIX}{id}_{}", BASE64URL_NOPAD.encode(&secret));
            let token = Token {
                id,
                account,
                name,
                hash: hash(&text),
                created_at,
                ends_at,
                last_use: None,
            };
            state.tokens.push(token.clone());
            Ok((token, text))
        };
        self.change(add, |_| {}).await
    }

    /// Revokes a token of an account.
    ///
    /// # Errors
    /// There is no such token, or the change cannot be stored; the token holds on then.
    pub async fn revoke_token(
        self: &Arc<Self>,
        account: &str,
        id: &str,
    ) -> Result<(), AccountError> {
        let (account, id) = (account.to_owned(), id.to_owned());
        let revoke = move |state: &mut State, _: &_| {
            let before = state.tokens.len();
            let is_meant = |token: &Token| token.account == account && token.id == id;
            state.tokens.retain(|token| !is_meant(token));
            match state.tokens.len() < before {
                true => Ok(()),
                false => Err(AccountError::UnknownToken(id)),
            }
        };
        self.change(revoke, |_| {}).await
    }

    /// Checks the token of a request.
    ///
    /// # Errors
    /// It is wrong or has ended.
    pub fn check_token(&self, text: &str) -> Result<AcceptedToken, TokenError> {
        let state = self.kept.load();
        let found = id_of(text).and_then(|id| state.tokens.iter().find(|token| token.id == id));
        let token = found.ok_or(TokenError::Wrong)?;
        if !bool::from(token.hash.as_bytes().ct_eq(hash(text).as_bytes())) {
            return Err(TokenError::Wrong);
        }
        let now = self.context.clock.wall();
        if token.ends_at.is_some_and(|end| end <= now) {
            return Err(TokenError::Ended);
        }
        let config = self.context.config();
        let account = state.by_id(&config.settings, &token.account);
        Ok(AcceptedToken {
            id: token.id.clone(),
            name: token.name.clone(),
            account: account.ok_or(TokenError::Ended)?,
        })
    }

    /// Remembers that a token was used from this address.
    pub fn note_use(&self, token: &AcceptedToken, from: IpAddr) {
        let state = self.kept.load();
        // Revoked meanwhile.
        let Some(token) = state.tokens.iter().find(|one| one.id == token.id) else {
            return;
        };
        let now = self.context.clock.wall();
        let used = TokenUse {
            at: now - now % 60,
            from,
        };
        let mut uses = self.uses.lock();
        if uses.get(&token.id).or(token.last_use.as_ref()) != Some(&used) {
            uses.insert(token.id.clone(), used);
        }
    }

    /// Writes last uses once a minute, as long as it is polled.
    pub async fn keep(self: Arc<Self>) {
        let mut fails = false;
        loop {
            tokio::time::sleep(WRITE_INTERVAL).await;
            let written = self.write_uses().await;
            let error = match &written {
                Err(AccountError::File(error)) => error.to_string(),
                written => format!("{written:?}"),
            };
            if written.is_err() && !fails {
                tracing::warn!(%error, "cannot write the last uses of tokens; trying again each minute");
            }
            fails = written.is_err();
        }
    }

    /// Writes last uses that are not on disk.
    ///
    /// # Errors
    /// They cannot be written, and are kept in memory.
    pub async fn write_uses(self: &Arc<Self>) -> Result<(), AccountError> {
        if self.uses.lock().is_empty() {
            return Ok(());
        }
        self.change(|_, _| Ok(()), |_| {}).await
    }
}

/// The id in a token's text.
fn id_of(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(PREFIX)?;
    let (id, secret) = rest.split_once('_')?;
    (secret.len() == SECRET_LENGTH).then_some(id)
}

fn hash(text: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
}
