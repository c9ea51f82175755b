//! Starts an accepted connection: TLS handshake, endpoints, and the actor of its side.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use rustls_pki_types::CertificateDer;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use uacsta_actors::{
    auth::DigestAuthenticator,
    client::uas::ClientUas,
    counters::Counter,
    ladder::Path,
    registration::PhoneUas,
    sip::{
        connection::{Endpoints, SipConnection},
        transport::{Io, PeerTransport},
        uas,
    },
};
use uacsta_schema::sip::Codec;

use super::{
    Acceptor, Interface, Side,
    acceptor::PeerFault,
    connection_limits::ConnectionPermit,
    counted_stream::{CountedStream, Exchange, InspectedStream},
    endpoints::endpoints,
    handshake::{self, HandshakeFailure},
    protocol_mismatch::ProtocolMismatch,
};

/// What is known of an accepted connection.
pub(super) struct Accepted {
    pub(super) permit: ConnectionPermit,
    /// Behind a front end, the address in its PROXY header.
    pub(super) peer: SocketAddr,
    /// Counts the connections of this run.
    pub(super) number: u64,
    /// `None` without a front end.
    pub(super) proxied: Option<Proxied>,
    /// The front end speaks for itself, or does not name the peer. Its own address grants no trust then.
    pub(super) is_anonymous: bool,
    /// When it was accepted, by the server's clock.
    pub(super) since: Duration,
}

/// How a peer reached the front end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proxied {
    /// The address that the peer connected to.
    pub(super) local: SocketAddr,
    /// The front end terminates TLS.
    pub(super) secure: bool,
}

/// Serves a connection on this thread until it ends.
pub(super) fn serve(
    stream: TcpStream,
    mut accepted: Accepted,
    interface: &Arc<Interface>,
    acceptor: &Arc<Acceptor>,
) {
    let peer = accepted.peer;
    let (endpoints, local) = match endpoints(&stream, &mut accepted, interface, acceptor) {
        Ok(endpoints) => endpoints,
        Err(error) => {
            return tracing::debug!(%peer, %error, "connection closed before it was served");
        }
    };
    let connection = AcceptedConnection {
        endpoints,
        local,
        number: accepted.number,
        is_anonymous: accepted.is_anonymous,
        interface: Arc::clone(interface),
        acceptor: Arc::clone(acceptor),
    };
    let io = CountedStream {
        io: stream,
        _permit: accepted.permit,
    };
    match interface.tls.clone() {
        Some(tls) => drop(actix_rt::spawn(connection.handshake(io, tls))),
        None => connection.start_plain(io),
    }
}

struct AcceptedConnection {
    endpoints: Endpoints,
    local: SocketAddr,
    number: u64,
    /// Behind a front end that does not name the peer.
    is_anonymous: bool,
    interface: Arc<Interface>,
    acceptor: Arc<Acceptor>,
}

impl AcceptedConnection {
    fn start_plain(self, io: CountedStream) {
        let peer = self.endpoints.peer;
        let (acceptor, interface) = (Arc::clone(&self.acceptor), Arc::clone(&self.interface));
        let io = io.inspected(move |first| {
            let Some(mismatch) = ProtocolMismatch::of(first, false) else {
                return Ok(());
            };
            acceptor.warn(&interface, peer, PeerFault::Protocol, &mismatch.to_string());
            acceptor.refused(&interface, peer, mismatch.fault());
            Err(io::Error::other(mismatch))
        });
        self.start(Box::new(io), None);
    }

    async fn handshake(self, io: CountedStream, tls: TlsAcceptor) {
        let io: InspectedStream = io.inspected(|first| {
            ProtocolMismatch::of(first, true)
                .map_or(Ok(()), |mismatch| Err(io::Error::other(mismatch)))
        });
        let context = &self.acceptor.context;
        let time = context.config().settings.limits.tls_handshake;
        let accept = tls.accept(io).into_fallible();
        let failure = match tokio::time::timeout(time, accept).await {
            Ok(Ok(stream)) => {
                let chain = stream.get_ref().1.peer_certificates();
                let certificate = chain.and_then(<[_]>::first).cloned();
                return self.start(Box::new(stream), certificate.as_ref());
            }
            Ok(Err((error, io))) if self.is_health_check(&error, &io) => {
                let peer = self.endpoints.peer;
                return tracing::debug!(%peer, "the peer closed the connection, as health checks do");
            }
            Ok(Err((error, _))) => {
                context.counters.count(Counter::FailedHandshake);
                HandshakeFailure::of(&error, self.interface.side)
            }
            Err(_) => {
                context.counters.count(Counter::SlowHandshake);
                HandshakeFailure::too_slow()
            }
        };
        let peer = self.endpoints.peer;
        let (acceptor, interface) = (&self.acceptor, &self.interface);
        acceptor.warn(interface, peer, PeerFault::Handshake, &failure.to_string());
        acceptor.refused(interface, peer, failure.fault());
    }

    /// Whether the peer closed the connection otherwise than on seeing the server's certificate, or is a front end that speaks
    /// for itself.
    fn is_health_check(&self, error: &io::Error, io: &InspectedStream) -> bool {
        let may_be_rejected = io.exchange() == Exchange::Answered && !self.is_anonymous;
        handshake::is_closed(error) && !may_be_rejected
    }

    fn start(self, io: Box<dyn Io>, certificate: Option<&CertificateDer<'_>>) {
        let Self {
            endpoints,
            local,
            number,
            is_anonymous,
            interface,
            acceptor,
        } = self;
        let peer = endpoints.peer;
        let limits = &acceptor.context.config().settings.limits;
        let transport = PeerTransport::stream(
            io,
            Codec::new(acceptor.message_limits()),
            limits.client_queue.as_usize(),
            limits.message_time,
        )
        .unauthenticated(
            acceptor.partial_budget.clone(),
            limits.unauthenticated_memory.as_usize(),
        );
        let context = Arc::clone(&acceptor.context);
        let clock = Arc::clone(&context.clock);
        let path = Path {
            local,
            peer,
            transport: endpoints.transport,
        };
        let recorder = |find| context.ladder.recorder(Arc::clone(&clock), path, find);
        // The system's random numbers served for the keys at the start; if they fail now, the number has to do.
        let random = getrandom::u64().unwrap_or(number);
        match interface.side {
            Side::Phones => {
                let authenticator = DigestAuthenticator::new(number);
                let registrar = Arc::clone(&acceptor.registrar.connections);
                let recorder = recorder(PhoneUas::party_of);
                let transport = transport.fair_share().recorded(recorder.clone());
                let uas = |connection: &_| {
                    PhoneUas::new(context, registrar, peer, authenticator, connection)
                        .recorded(recorder)
                };
                let limits = uas::Limits::default();
                SipConnection::start(transport, endpoints, uas, limits, clock, random);
            }
            Side::Clients => {
                let trusted =
                    !is_anonymous && acceptor.trusts(interface.side, peer.ip(), certificate);
                let limits = ClientUas::limits(&context);
                let registrar = acceptor.registrar.registrar.clone();
                let cross_refs = Arc::clone(&acceptor.cross_refs);
                let recorder = recorder(ClientUas::party_of);
                let transport = transport.recorded(recorder.clone());
                let uas = |connection: &Arc<_>| {
                    ClientUas::new(
                        context, registrar, cross_refs, peer, number, trusted, connection,
                    )
                    .recorded(recorder)
                };
                SipConnection::start(transport, endpoints, uas, limits, clock, random);
            }
        }
    }
}
