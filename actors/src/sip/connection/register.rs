//! The client side of REGISTER (RFC 3261, section 10.2), for phones and clients that we simulate.

use std::{sync::Arc, time::Duration};

use actix::{AsyncContext, Context, Handler, Message, Recipient};
use uacsta_schema::sip::{Composer, HeaderName, Method, Response, Status, header::Contacts};

use super::{
    SipConnection,
    challenge::{Answering, CHALLENGES},
    send::{Outcome, Purpose, is_challenge, refusal},
};
use crate::sip::{
    session::{Login, RequestError},
    uas::Uas,
};

/// Logs on, and stays logged on until the link ends.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SignOn {
    /// The Request-URI: the registrar.
    pub registrar: Box<str>,
    /// The address of record.
    pub identity: Box<str>,
    /// The user part of the Contact.
    pub user: Box<str>,
    /// Seconds to ask for.
    pub expires: u32,
    /// What answers the challenge.
    pub login: Arc<Login>,
    /// What this end says that it is.
    pub agent: Box<str>,
    /// Who is told how it went, each time that it changes.
    pub owner: Recipient<SignedOn>,
}

/// How a log-on went.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SignedOn(pub Result<Duration, RequestError>);

pub(super) struct Registration {
    sign_on: SignOn,
    call_id: Box<str>,
    cseq: u32,
    challenge: Option<Box<Answering>>,
    attempts: u8,
    known: bool,
}

impl<U: Uas> Handler<SignOn> for SipConnection<U> {
    type Result = ();

    fn handle(&mut self, sign_on: SignOn, ctx: &mut Self::Context) {
        let call_id = format!(
            "{:016x}@{}",
            self.random.rotate_left(32),
            self.endpoints.host
        )
        .into();
        self.registration = Some(Box::new(Registration {
            sign_on,
            call_id,
            cseq: 0,
            challenge: None,
            attempts: 0,
            known: false,
        }));
        self.send_register(ctx);
    }
}

impl<U: Uas> SipConnection<U> {
    fn send_register(&mut self, ctx: &mut Context<Self>) {
        let branch = self.begin(&Method::Register, Purpose::Register, ctx);
        let slot = branch.id.slot as usize;
        let via = self.endpoints.via(branch);
        let Some(registration) = self.registration.as_deref_mut() else {
            return;
        };
        registration.cseq += 1;
        let SignOn {
            registrar,
            identity,
            user,
            expires,
            login,
            agent,
            ..
        } = &registration.sign_on;
        let authorization = registration
            .challenge
            .as_mut()
            .and_then(|challenge| challenge.header(login, registrar, &Method::Register));
        let transport = self.endpoints.uri_transport();
        let sent = self.transport.request(|out| {
            let mut composer = Composer::request(out, &Method::Register, registrar)
                .header(HeaderName::Via, via)
                .header(HeaderName::MaxForwards, 70)
                .header(
                    HeaderName::From,
                    format_args!("<{identity}>;tag={:x}", self.random),
                )
                .header(HeaderName::To, format_args!("<{identity}>"))
                .header(HeaderName::CallId, &registration.call_id)
                .header(
                    HeaderName::CSeq,
                    format_args!("{} REGISTER", registration.cseq),
                )
                .header(
                    HeaderName::Contact,
                    format_args!(
                        "<sip:{user}@{}:{};transport={transport}>",
                        self.endpoints.host, self.endpoints.port
                    ),
                )
                .header(HeaderName::Expires, expires)
                .header(HeaderName::UserAgent, agent);
            if let Some((name, value)) = authorization {
                composer = composer.header(name, value);
            }
            composer.end();
        });
        self.left(slot, sent, ctx);
    }

    /// The REGISTER was answered, or not.
    pub(super) fn signed_on(&mut self, outcome: &Outcome<'_>, ctx: &mut Context<Self>) {
        let Some(registration) = self.registration.as_deref_mut() else {
            return;
        };
        match outcome {
            Outcome::Response(response) if response.status().is_success() => {
                registration.attempts = 0;
                let granted = granted(response, registration.sign_on.expires);
                // A refresh at nine tenths leaves time for a second try.
                ctx.run_later(granted * 9 / 10, |this, ctx| this.send_register(ctx));
                if !std::mem::replace(&mut registration.known, true) {
                    registration.sign_on.owner.do_send(SignedOn(Ok(granted)));
                }
            }
            Outcome::Response(response)
                if is_challenge(response.status()) && registration.attempts < CHALLENGES =>
            {
                registration.attempts += 1;
                registration.challenge = Answering::of(response);
                self.send_register(ctx);
            }
            // RFC 3261, section 10.2.8: "the UA MAY retry the registration attempt after making the expiration interval ... equal or greater than" Min-Expires.
            Outcome::Response(response)
                if response.status() == Status::INTERVAL_TOO_BRIEF
                    && registration.attempts < CHALLENGES =>
            {
                registration.attempts += 1;
                let least = response
                    .head()
                    .get(HeaderName::MinExpires)
                    .and_then(|least| least.parse().ok());
                registration.sign_on.expires = least.unwrap_or(3600);
                self.send_register(ctx);
            }
            refused => {
                let owner = registration.sign_on.owner.clone();
                self.registration = None;
                owner.do_send(SignedOn(Err(refusal(refused))));
            }
        }
    }

    /// The link ends: so does the log-on.
    pub(super) fn sign_off(&mut self) {
        if let Some(registration) = self.registration.take() {
            registration
                .sign_on
                .owner
                .do_send(SignedOn(Err(RequestError::Ended)));
        }
    }
}

/// The seconds granted: in the Contact of ours, in Expires, or as asked (RFC 3261, section 10.2.4).
fn granted(response: &Response, asked: u32) -> Duration {
    let contact = match response.head().contacts() {
        Ok(Contacts::List(contacts)) => contacts.first().and_then(|contact| contact.expires()),
        _ => None,
    };
    Duration::from_secs(
        contact
            .or_else(|| response.head().expires())
            .unwrap_or(asked)
            .max(1)
            .into(),
    )
}
