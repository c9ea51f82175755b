//! Responds statelessly to datagrams from unknown peers (RFC 3261, sections 8.2.7 and 26.3.2.4).

use std::net::SocketAddr;

use bytes::BytesMut;
use uacsta_schema::{
    phone_id::PhoneId,
    sip::{
        Method, Request, Status,
        codec::Frame,
        message::SipMessage,
        via_response::{answer_address, stamp},
    },
};

use super::{
    RegistrarRecipients,
    authentication::{authenticate, identify},
    uas::no_sessions,
};
use crate::{
    ServerContext,
    auth::DigestAuthenticator,
    counters::Counter,
    sip::{
        refusals::{check_request, unhandled},
        responder::FinalResponse,
    },
};

/// The handling of a datagram.
#[derive(Debug)]
pub enum Received {
    /// An authenticated REGISTER of this phone: start a connection, and pass it the datagram.
    Phone(PhoneId),
    /// Send this answer.
    Answered {
        /// The answer.
        datagram: BytesMut,
        /// The destination.
        to: SocketAddr,
    },
    /// Ignore the datagram: an ACK, a response, or a line end that keeps a NAT open.
    Nothing,
}

/// Decides the handling of a datagram from `from`. Nonces contain `number` in place of that address, so that a nonce is valid
/// only there; `tag` is the To tag of every answer, the same for a repeated request.
pub fn receive(
    context: &ServerContext,
    registrar: &RegistrarRecipients,
    frame: &Frame,
    from: SocketAddr,
    number: u64,
    tag: &str,
) -> Received {
    let mut datagram = BytesMut::new();
    let request = match frame {
        Frame::Message(SipMessage::Request(request)) if *request.method() != Method::Ack => request,
        Frame::Refused(refused) if refused.answer(&mut datagram) => {
            context.counters.count(Counter::Malformed);
            stamp(&mut datagram, from);
            return Received::Answered { datagram, to: from };
        }
        _ => return Received::Nothing,
    };
    match decide(context, registrar, request, from, number) {
        Ok(phone) => Received::Phone(phone),
        Err(answer) => refuse(request, &answer, from, tag),
    }
}

/// Answers a request statelessly.
pub fn refuse(request: &Request, answer: &FinalResponse, from: SocketAddr, tag: &str) -> Received {
    let mut datagram = BytesMut::new();
    answer.compose_stateless(&mut datagram, request, tag, from);
    let via = request.head().top_via().ok();
    Received::Answered {
        datagram,
        to: answer_address(via.as_ref(), from),
    }
}

/// The authenticated phone of a request, or the answer.
fn decide(
    context: &ServerContext,
    registrar: &RegistrarRecipients,
    request: &Request,
    from: SocketAddr,
    number: u64,
) -> Result<PhoneId, FinalResponse> {
    check_request(request, false)?;
    if request.head().to().is_ok_and(|to| to.tag().is_some()) {
        return Err(Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST.into());
    }
    match request.method() {
        Method::Register => {
            let phone = identify(context, registrar, request, from, false)?;
            let mut authenticator = DigestAuthenticator::new(number);
            let authenticator = &mut authenticator;
            authenticate(
                context,
                registrar,
                authenticator,
                phone,
                request,
                from,
                false,
            )?;
            Ok(phone)
        }
        Method::Invite => Err(no_sessions()),
        Method::Cancel => Err(Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST.into()),
        method => Err(unhandled(method, false)),
    }
}
