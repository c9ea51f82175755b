//! Answers to digest challenges, with reuse of the nonce (RFC 7616, section 3.4).

use std::sync::Mutex;

use super::{
    digest::{Account, Algorithm, Challenge},
    sip::Message,
    wire::{Lost, Wire},
};

/// An account with the challenge that was answered last.
#[derive(Debug)]
pub struct Credentials {
    /// Who logs on.
    pub account: Account,
    /// The only hash that this peer knows; None: any, in the order of the server's offer.
    pub only: Option<Algorithm>,
    known: Option<(Challenge, u32)>,
}

impl Credentials {
    /// An account that was not challenged yet.
    pub fn new(account: Account, only: Option<Algorithm>) -> Self {
        Self {
            account,
            only,
            known: None,
        }
    }

    /// The hash in use.
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.known
            .as_ref()
            .map(|(challenge, _)| challenge.algorithm)
    }

    /// Takes the first challenge of a 401 that this peer can answer; false when there is none.
    pub fn learn(&mut self, refusal: &Message) -> bool {
        let can = |challenge: &Challenge| self.only.is_none_or(|only| only == challenge.algorithm);
        let found = refusal
            .all("WWW-Authenticate")
            .filter_map(Challenge::read)
            .find(can);
        let learnt = found.is_some();
        self.known = found.map(|challenge| (challenge, 0));
        learnt
    }

    /// The request with its Authorization, once a challenge is known.
    pub fn authorize(&mut self, request: Message) -> Message {
        let Some((challenge, count)) = &mut self.known else {
            return request;
        };
        *count += 1;
        let answer = challenge.answer(request.method(), request.uri(), &self.account, *count);
        request.with("Authorization", answer)
    }
}

/// Sends what `fresh` makes, answering a challenge at most twice; returns the request that got the final answer, and the answer.
pub async fn log_on(
    wire: &Wire,
    credentials: &Mutex<Credentials>,
    mut fresh: impl FnMut() -> Message,
) -> Result<(Message, Message), Lost> {
    for attempt in 0.. {
        let request = credentials.lock().unwrap().authorize(fresh());
        let answer = wire.transact(&request).await?;
        if request.method() == "INVITE" && answer.status() >= 300 {
            wire.send(&acknowledgement(&request, &answer));
        }
        if answer.status() != 401 || attempt == 2 || !credentials.lock().unwrap().learn(&answer) {
            return Ok((request, answer));
        }
        if attempt == 1
            && !answer
                .all("WWW-Authenticate")
                .any(|value| value.contains("stale=true"))
        {
            return Ok((request, answer));
        }
    }
    unreachable!("the loop returns at the third attempt")
}

/// The ACK to a refused INVITE, part of its transaction (RFC 3261, section 17.1.1.3).
fn acknowledgement(invite: &Message, refusal: &Message) -> Message {
    Message::request("ACK", invite.uri())
        .with("Via", invite.must("Via"))
        .with("Max-Forwards", 70)
        .with("From", invite.must("From"))
        .with("To", refusal.must("To"))
        .with("Call-ID", invite.must("Call-ID"))
        .with("CSeq", format!("{} ACK", invite.cseq()))
}
