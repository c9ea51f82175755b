//! The UAS of phones' connections: authenticates REGISTER, and responds to refreshes without the registrar.

use std::{fmt, net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use actix::Addr;
use actix_rt::Arbiter;
use smallvec::SmallVec;
use uacsta_schema::{
    phone_id::PhoneId,
    sip::{Head, Method, Request, Status, header::NameAddr},
};

use super::{
    BindingEnd, ContactUpdate, Flow, ForwardOrphan, Lease, PhoneBinding, PhoneConnection, Register,
    RegisterStep, RegistrarRecipients, Rejection, Update,
    authentication::{authenticate, identify},
    identity::user_of,
};
use crate::{
    ServerContext,
    auth::DigestAuthenticator,
    ladder::{ConnectionRecorder, Party},
    reason::ContactFault,
    sip::{
        connection::OrphanRequest,
        dialog::DialogId,
        incident::Incident,
        responder::{Disposition, FinalResponse, Held, PendingRequest},
        uas::{Peer, Uas},
    },
};

/// The user of the server in the From and To of its own requests.
const SERVER: &str = "uacsta";

/// Authenticates the phones of a connection, and holds the leases of their bindings.
pub struct PhoneUas {
    context: Arc<ServerContext>,
    registrar: Arc<RegistrarRecipients>,
    address: SocketAddr,
    connection: Arc<Addr<PhoneConnection>>,
    authenticator: DigestAuthenticator,
    /// Held by each REGISTER that the registrar has not answered.
    awaited: Arc<()>,
    /// The leases of the bindings on this connection; mostly one.
    leases: SmallVec<[Lease; 1]>,
    /// The phone in the last REGISTER; `name` is the same as text, for the log.
    claimed: Option<PhoneId>,
    name: Option<Arc<str>>,
    recorder: Option<Rc<ConnectionRecorder>>,
}

impl PhoneUas {
    /// Creates the UAS of `connection` from `address`.
    pub fn new(
        context: Arc<ServerContext>,
        registrar: Arc<RegistrarRecipients>,
        address: SocketAddr,
        authenticator: DigestAuthenticator,
        connection: &Arc<Addr<PhoneConnection>>,
    ) -> Self {
        Self {
            context,
            registrar,
            address,
            connection: Arc::clone(connection),
            authenticator,
            awaited: Arc::default(),
            leases: SmallVec::new(),
            claimed: None,
            name: None,
            recorder: None,
        }
    }

    /// Tells the recorder of the connection which phones have authenticated.
    #[must_use]
    pub fn recorded(self, recorder: Rc<ConnectionRecorder>) -> Self {
        Self {
            recorder: Some(recorder),
            ..self
        }
    }

    /// The phone that a message concerns, by the addresses of both ends: the other one is the server itself, but in a REGISTER.
    pub fn party_of(remote: &str, local: &str) -> Option<Party> {
        let addresses = [NameAddr::parse(remote), NameAddr::parse(local)];
        phone_in(addresses.map(Result::ok)).map(Party::Phone)
    }

    fn register(
        &mut self,
        request: &Request,
        pending: PendingRequest<'_>,
    ) -> Result<Disposition, FinalResponse> {
        let begun = self.now();
        let phone = identify(
            &self.context,
            &self.registrar,
            request,
            self.address,
            self.is_bound(),
        )?;
        if self.claimed.replace(phone) != Some(phone) {
            self.name = Some(phone.to_string().into());
        }
        let challenged_at = self.authenticate(phone, request)?;
        let config = self.context.config();
        let update = Update::read(request, &config.settings.advanced);
        let update = update.map_err(|rejection| self.reject(phone, rejection))?;
        let now = self.now();
        let mut leases = self.leases.iter();
        let at = leases.position(|lease| lease.phone() == phone);
        let step = match at {
            Some(at) => {
                let known = self.leases[at].known();
                let step = update.against(Some(known), challenged_at);
                let step = step.map_err(|rejection| self.reject(phone, rejection))?;
                let lease = &mut self.leases[at];
                if let (RegisterStep::Refresh, ContactUpdate::Bind { expires, .. }) =
                    (step, &update.contact)
                {
                    lease.refresh(update.cseq, *expires, now);
                }
                if matches!(step, RegisterStep::List | RegisterStep::Refresh) {
                    let response = lease.response(now);
                    let took = self.now().saturating_sub(begun);
                    self.context.counters.register_time.observe(took);
                    return Ok(response.into());
                }
                step
            }
            None => RegisterStep::Bind,
        };
        let flow = Flow {
            connection: Arc::clone(&self.connection),
            arbiter: Arbiter::current(),
        };
        let (responder, disposition) = pending.later();
        let timer = RegisterTimer {
            context: Arc::clone(&self.context),
            begun,
        };
        let responder = responder.holding(Box::new(timer));
        self.registrar.register.do_send(Register {
            phone,
            request: request.clone(),
            challenged_at,
            address: self.address,
            flow,
            responder: responder.counted(&self.awaited),
        });
        if let (Some(at), RegisterStep::Remove) = (at, step) {
            self.leases.swap_remove(at).discard();
        }
        Ok(disposition)
    }

    /// Returns when the sender was challenged.
    fn authenticate(
        &mut self,
        phone: PhoneId,
        request: &Request,
    ) -> Result<Duration, FinalResponse> {
        let is_here = self.leases.iter().any(|lease| lease.phone() == phone);
        authenticate(
            &self.context,
            &self.registrar,
            &mut self.authenticator,
            phone,
            request,
            self.address,
            is_here,
        )
    }

    /// Checks that a request in a dialog of another connection comes from that dialog's phone.
    pub(crate) fn admits(
        &mut self,
        request: &Request,
        phone: PhoneId,
    ) -> Result<(), FinalResponse> {
        self.authenticate(phone, request).map(drop)
    }

    pub(crate) fn now(&self) -> Duration {
        self.context.clock.now()
    }

    /// Whether this connection holds a binding.
    pub(crate) fn is_bound(&self) -> bool {
        !self.leases.is_empty()
    }

    /// Adds a lease, and replaces the phone's former one.
    pub(crate) fn hold(&mut self, lease: Lease) {
        let phone = lease.phone();
        if let Some(recorder) = &self.recorder {
            recorder.add_party(Party::Phone(phone));
        }
        if self.claimed.is_none() {
            self.claimed = Some(phone);
            self.name = Some(phone.to_string().into());
        }
        let mut held = self.leases.iter_mut();
        match held.find(|held| held.phone() == phone) {
            Some(former) => lease.replace(former),
            None => self.leases.push(lease),
        }
    }

    /// Ends the lease of a binding, if this connection holds it.
    pub(crate) fn release(&mut self, binding: &PhoneBinding, end: BindingEnd) -> bool {
        let at = self.leases.iter().position(|lease| lease.is_of(binding));
        if let Some(at) = at {
            self.leases.swap_remove(at).end(end);
        }
        at.is_some()
    }

    /// Logs and reports why a REGISTER of an authenticated phone is rejected, except for its expiry, which it then changes;
    /// returns the response.
    fn reject(&self, phone: PhoneId, rejection: Rejection) -> FinalResponse {
        if !matches!(rejection, Rejection::IntervalTooBrief { .. }) {
            tracing::warn!(%phone, peer = %self.address, reason = %rejection, "REGISTER refused");
        }
        let fault = ContactFault::rejected(&rejection);
        self.registrar.refused(phone, self.address, fault);
        rejection.into()
    }

    /// The 200 that lists a binding, if this connection holds its lease.
    pub(crate) fn listing(&self, phone: PhoneId) -> Option<FinalResponse> {
        let lease = self.leases.iter().find(|lease| lease.phone() == phone)?;
        Some(lease.response(self.now()))
    }
}

/// Measures the time of a REGISTER until its final response.
struct RegisterTimer {
    context: Arc<ServerContext>,
    begun: Duration,
}

impl fmt::Debug for RegisterTimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "since {:?}", self.begun)
    }
}

impl Held for RegisterTimer {}

impl Drop for RegisterTimer {
    fn drop(&mut self) {
        let took = self.context.clock.now().saturating_sub(self.begun);
        self.context.counters.register_time.observe(took);
    }
}

/// The response to an INVITE: the server opens sessions with phones, phones do not.
pub(crate) fn no_sessions() -> FinalResponse {
    FinalResponse::from(Status::FORBIDDEN)
        .because("phones do not open sessions here; clients have an interface of their own")
}

/// The phone in To or From; the other one is the server itself, but in a REGISTER.
fn phone_in(addresses: [Option<NameAddr<'_>>; 2]) -> Option<PhoneId> {
    let phones = addresses.into_iter().flatten();
    let phones = phones.filter_map(|address| user_of(address.uri()).ok());
    phones.filter(|phone| phone.bare() != SERVER).min()
}

impl Uas for PhoneUas {
    fn request(&mut self, request: &Request, pending: PendingRequest<'_>) -> Disposition {
        if let Err(refusal) = self.context.check_service() {
            return refusal.into();
        }
        match request.method() {
            Method::Register => self
                .register(request, pending)
                .unwrap_or_else(Disposition::from),
            _ => no_sessions().into(),
        }
    }

    fn orphan(&mut self, request: &Request, pending: PendingRequest<'_>) -> Disposition {
        let no_dialog = || Disposition::from(Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
        let Ok(from) = request.head().from() else {
            return no_dialog();
        };
        let user = from.uri().user_decoded().and_then(|user| user.parse().ok());
        let (Some(from), Some(dialog)) = (user, DialogId::of_request(request)) else {
            return no_dialog();
        };
        let (responder, disposition) = pending.later();
        self.registrar.forward_orphan.do_send(ForwardOrphan {
            from,
            orphan: OrphanRequest {
                call_id: dialog.call_id.into(),
                local_tag: dialog.local_tag.into(),
                remote_tag: dialog.remote_tag.into(),
                connection: Addr::clone(&self.connection),
                responder,
            },
        });
        disposition
    }

    fn device_of(head: &Head) -> Option<String> {
        phone_in([head.to().ok(), head.from().ok()]).map(|phone| phone.to_string())
    }

    fn log_on_hint(&self) -> Option<&'static str> {
        self.authenticator
            .hint(&self.context.config().settings.advanced)
    }

    fn sweep(&mut self, now: Duration) -> Option<Duration> {
        let lapsed = |lease: &Lease| lease.lapses_at() <= now;
        while let Some(at) = self.leases.iter().position(lapsed) {
            let lease = self.leases.swap_remove(at);
            lease.end(BindingEnd::Lapsed);
        }
        self.leases.iter().map(Lease::lapses_at).min()
    }

    fn ended(&mut self, reason: &str) {
        for lease in self.leases.drain(..) {
            lease.end(BindingEnd::ConnectionLost(reason.into()));
        }
    }

    fn incident(&self, incident: Incident<'_>) -> Option<u32> {
        self.context
            .incident(self.address, self.is_bound(), incident)
    }

    fn peer(&self) -> Peer<'_> {
        Peer {
            name: self.name.as_deref().unwrap_or_default(),
            device: self.name.as_ref(),
            // One whose REGISTER waits for the disk has proved itself.
            authenticated: self.is_bound() || Arc::strong_count(&self.awaited) > 1,
        }
    }
}
