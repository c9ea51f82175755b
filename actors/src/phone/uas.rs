//! The desk of the phones' links: REGISTER with the MAC address or the extension as user name, and nothing else.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use actix::{Addr, Handler};
use actix_rt::Arbiter;
use smallvec::SmallVec;
use uacsta_schema::{
    phone_id::PhoneId,
    sip::{HeaderName, Method, Request, Status},
};

use super::{
    identity::Claim,
    wish::{Wish, removes},
};
use crate::{
    House,
    access::{Caller, Door, Name, Verdict},
    counters::Event,
    quote::quoted,
    registrar::{Register, Strayed},
    registration::{Bindings, Bound, Lapsed, Left, LinkEnded, Refresh, Registration},
    repeats::again,
    sip::{
        connection::{OrphanRequest, SipConnection},
        dialog::DialogId,
        responder::{Disposition, FinalResponse, PendingRequest},
        uas::Uas,
    },
};

/// The connection of a phone, or of several behind a front end or a base station.
pub type PhoneConnection = SipConnection<PhoneUas>;

/// What a phone meets when it connects.
pub struct PhoneUas {
    house: Arc<House>,
    address: SocketAddr,
    /// Shared with the bindings: each copy of an address takes memory of its own.
    link: Option<Arc<Addr<PhoneConnection>>>,
    door: Door,
    /// The phones that are bound here; mostly one.
    bound: SmallVec<[Bound; 1]>,
    /// Whom the last REGISTER named, and the same in words, for the log.
    claimed: Option<PhoneId>,
    name: String,
}

/// How long after its end a binding is kept for a refresh that is late.
const GRACE: Duration = Duration::from_secs(5);

/// The longest text of a REGISTER that is kept, in octets: whoever has the password decides over no more memory than a phone
/// is worth.
const KEPT: usize = 512;

/// What a binding keeps of a header field.
fn kept<'t>(field: &str, text: &'t str) -> Result<&'t str, FinalResponse> {
    match text.len() {
        ..=KEPT => Ok(text),
        length => Err(bad(format!(
            "the {field} has {length} octets, but may have {KEPT}"
        ))),
    }
}

impl PhoneUas {
    /// The desk of the connection from `address`, with its door.
    pub fn new(house: Arc<House>, address: SocketAddr, door: Door) -> Self {
        Self {
            house,
            address,
            link: None,
            door,
            bound: SmallVec::new(),
            claimed: None,
            name: String::new(),
        }
    }

    fn register(
        &mut self,
        request: &Request,
        asked: PendingRequest<'_>,
    ) -> Result<Disposition, FinalResponse> {
        let claim = claim(&self.house, request, self.address, self.is_known())?;
        let mac = claim.id;
        if self.claimed.replace(mac) != Some(mac) {
            self.name = mac.to_string();
        }
        let is_here = self.is_bound(mac);
        claim.prove(&self.house, &mut self.door, request, self.address, is_here)?;
        let user_agent = request.head().get(HeaderName::UserAgent);
        let wish = Wish::of(request, &self.house.rules().settings.advanced, &self.bound)?;
        let at = self
            .bound
            .iter()
            .position(|bound| bound.mac == mac && bound.phone.connected());
        if let Some(at) = at
            && let Some(answer) = self.refreshed(at, &wish)?
        {
            return Ok(answer.into());
        }
        let link = self.link.clone().ok_or(Status::SERVER_INTERNAL_ERROR)?;
        let registration = Registration {
            mac,
            user: claim.user,
            link,
            arbiter: Arbiter::current(),
            address: self.address,
            identity: kept("To", request.head().to().map_err(bad)?.uri().as_str())?.into(),
            contact: wish
                .contact
                .map(|uri| kept("Contact", uri))
                .transpose()?
                .map(Into::into),
            call_id: kept("Call-ID", wish.call_id)?.into(),
            cseq: wish.cseq,
            expires: wish.expires,
            // Maker, model and firmware stand at its beginning.
            user_agent: user_agent.map(|agent| agent[..agent.floor_char_boundary(KEPT)].into()),
        };
        let (reply, taken) = asked.later();
        let refresh = Refresh {
            registration,
            reply,
        };
        match at {
            // A binding that ends needs no word of the link's end; one that changes is told anew by the phone.
            Some(at) if wish.expires == 0 => self.bound.swap_remove(at).phone.do_send(refresh),
            Some(at) => self.bound[at].phone.do_send(refresh),
            None => self.house.registrar.do_send(Register(refresh)),
        }
        Ok(taken)
    }

    /// Checks that the sender of a request in a dialog of another connection is its party, who logs on by this name.
    pub(super) fn admits(&mut self, request: &Request, user: PhoneId) -> Result<(), FinalResponse> {
        let claim = Claim { id: user, user };
        let is_here = self.is_bound(user);
        claim.prove(&self.house, &mut self.door, request, self.address, is_here)
    }

    fn is_bound(&self, mac: PhoneId) -> bool {
        self.bound.iter().any(|bound| bound.mac == mac)
    }

    /// The answer to a REGISTER that merely refreshes the binding or asks for it, given here and now: it costs the phone's
    /// actor nothing.
    fn refreshed(
        &mut self,
        at: usize,
        wish: &Wish<'_>,
    ) -> Result<Option<FinalResponse>, FinalResponse> {
        let now = self.house.clock.now();
        let bound = &mut self.bound[at];
        let Some(contact) = wish.contact else {
            return Ok(Some(bindings(bound, now)));
        };
        let same_call = *bound.call_id == *wish.call_id;
        // RFC 3261 10.3: a CSeq that is not above the last one of the same Call-ID "MUST abort the update".
        if same_call && wish.cseq <= bound.cseq {
            return Err(late(bound.mac, self.address, wish.cseq, bound.cseq));
        }
        if wish.expires == 0 && !removes(contact, &bound.contact) {
            return Ok(Some(bindings(bound, now)));
        }
        if !same_call || wish.expires == 0 || *bound.contact != *contact {
            return Ok(None);
        }
        bound.cseq = wish.cseq;
        bound.until = now + Duration::from_secs(wish.expires.into());
        Ok(Some(bindings(bound, now)))
    }
}

/// RFC 3261 10.3 step 8: the 200 lists the binding with the seconds that are left. A second that has begun counts.
fn bindings(bound: &Bound, now: Duration) -> FinalResponse {
    let left = bound.until.saturating_sub(now).as_millis().div_ceil(1000);
    listed(&bound.contact, u32::try_from(left).unwrap_or(u32::MAX))
}

/// The answer to a REGISTER whose CSeq is not above the last one's.
pub(super) fn late(mac: PhoneId, address: SocketAddr, cseq: u32, last: u32) -> FinalResponse {
    tracing::warn!(%mac, %address, cseq, last, "REGISTER refused: an older one that came late");
    FinalResponse::from(Status::SERVER_INTERNAL_ERROR).because("an older REGISTER that came late")
}

/// A 200 with a binding that lasts so many seconds.
pub(super) fn listed(contact: &str, seconds: u32) -> FinalResponse {
    FinalResponse::from(Status::OK)
        .header(
            HeaderName::Contact,
            format_args!("<{contact}>;expires={seconds}"),
        )
        .header(HeaderName::Expires, seconds)
}

pub(super) fn bad(what: impl ToString) -> FinalResponse {
    FinalResponse::from(Status::BAD_REQUEST).because(what.to_string())
}

/// Whom a REGISTER names; a refusal is counted, and logged: that of one who `has_logged_on` always.
pub(super) fn claim(
    house: &House,
    request: &Request,
    address: SocketAddr,
    has_logged_on: bool,
) -> Result<Claim, FinalResponse> {
    Claim::of(request, house.rules().settings.phones.extensions).inspect_err(|answer| {
        house.counters.count(Event::RefusedRegister);
        let reason = answer.reason.as_deref();
        if let Some(times) = house.mentions(address, has_logged_on, reason.unwrap_or("REGISTER")) {
            let to = quoted(request.head().get(HeaderName::To));
            tracing::warn!(%address, to, reason, times = again(times), "REGISTER refused");
        }
    })
}

impl Claim {
    /// Whether the sender is the phone: its credentials must bear the name that it registers, so that one phone cannot
    /// speak for another. If not, the answer is a challenge; `is_here` says that the phone is bound on that connection.
    pub(super) fn prove(
        &self,
        house: &House,
        door: &mut Door,
        request: &Request,
        address: SocketAddr,
        is_here: bool,
    ) -> Result<(), FinalResponse> {
        let user_agent = request.head().get(HeaderName::UserAgent);
        let rules = house.rules();
        let profile = rules.profiles.recognise(self.id.oui(), user_agent);
        let password = &rules.settings.phones.password;
        let caller = Caller {
            address: address.ip(),
            phone: Some(self.user),
            here: is_here.then_some(Name::Phone(self.user)),
            only_md5: profile.md5_only,
        };
        match door.check(house, request, caller, |name| {
            (name.parse() == Ok(self.user)).then_some(password)
        }) {
            Verdict::Granted(_) => Ok(()),
            Verdict::Challenged(answer) | Verdict::HeldBack(answer) => Err(answer),
            Verdict::Refused(reason, challenge) => {
                if let Some(times) = house.mentions(address, false, reason) {
                    tracing::warn!(mac = %self.id, %address, reason, times = again(times), "log-on refused");
                }
                Err(challenge)
            }
        }
    }
}

/// The answer to an INVITE: phones are called by the server, they do not call it.
pub(super) fn no_sessions() -> FinalResponse {
    FinalResponse::from(Status::FORBIDDEN)
        .because("phones do not open sessions here; clients have an interface of their own")
}

impl Handler<Bound> for PhoneConnection {
    type Result = ();

    fn handle(&mut self, bound: Bound, ctx: &mut Self::Context) {
        let uas = self.uas_mut();
        if uas.claimed.is_none() {
            uas.claimed = Some(bound.mac);
            uas.name = bound.mac.to_string();
        }
        uas.bound.retain(|known| known.mac != bound.mac);
        uas.bound.push(bound);
        self.reschedule(ctx);
    }
}

impl Handler<Left> for PhoneConnection {
    type Result = ();

    fn handle(&mut self, Left { mac, reason }: Left, ctx: &mut Self::Context) {
        let bound = &mut self.uas_mut().bound;
        bound.retain(|bound| bound.mac != mac);
        if bound.is_empty() {
            self.end(reason, ctx);
        }
    }
}

impl Handler<Bindings> for PhoneConnection {
    type Result = ();

    fn handle(&mut self, Bindings { mac, reply }: Bindings, _: &mut Self::Context) {
        let uas = self.uas_mut();
        match uas.bound.iter().find(|bound| bound.mac == mac) {
            Some(bound) => reply.with(bindings(bound, uas.house.clock.now())),
            None => reply.ok(),
        }
    }
}

impl Uas for PhoneUas {
    fn request(&mut self, request: &Request, asked: PendingRequest<'_>) -> Disposition {
        match request.method() {
            Method::Register => self
                .register(request, asked)
                .unwrap_or_else(Disposition::from),
            _ => no_sessions().into(),
        }
    }

    fn orphan(&mut self, request: &Request, asked: PendingRequest<'_>) -> Disposition {
        let nowhere = || Disposition::from(Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
        let Ok(from) = request.head().from() else {
            return nowhere();
        };
        let user = from.uri().user_decoded().and_then(|user| user.parse().ok());
        let (Some(from), Some(dialog), Some(link)) =
            (user, DialogId::of_request(request), &self.link)
        else {
            return nowhere();
        };
        let (reply, taken) = asked.later();
        self.house.registrar.do_send(Strayed {
            from,
            stray: OrphanRequest {
                call_id: dialog.call_id.into(),
                local_tag: dialog.local_tag.into(),
                remote_tag: dialog.remote_tag.into(),
                connection: Addr::clone(link),
                responder: reply,
            },
        });
        taken
    }

    fn opened(&mut self, link: &Arc<Addr<PhoneConnection>>) {
        self.link = Some(Arc::clone(link));
    }

    fn sweep(&mut self, now: Duration) -> Option<Duration> {
        self.bound.retain(|bound| {
            let lapsed = bound.until + GRACE <= now;
            if lapsed && let Some(link) = &self.link {
                let link = Arc::clone(link);
                bound.phone.do_send(Lapsed { link });
            }
            !lapsed
        });
        self.bound.iter().map(|bound| bound.until + GRACE).min()
    }

    fn ended(&mut self, reason: &str) {
        let Some(link) = &self.link else { return };
        for bound in self.bound.drain(..) {
            bound.phone.do_send(LinkEnded {
                link: Addr::clone(link),
                reason: reason.into(),
            });
        }
    }

    fn count(&self, event: Event) {
        self.house.counters.count(event);
    }

    fn mentions(&self, what: &str) -> Option<u32> {
        self.house.mentions(self.address, self.is_known(), what)
    }

    fn is_known(&self) -> bool {
        !self.bound.is_empty()
    }

    fn mac(&self) -> Option<PhoneId> {
        self.claimed
    }

    fn peer(&self) -> &str {
        &self.name
    }
}
