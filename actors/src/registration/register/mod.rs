//! What a REGISTER does to the bindings, in the steps of RFC 3261, section 10.3: without actors, clock or I/O.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use uacsta_config::Advanced;
use uacsta_schema::sip::{
    HeaderName, Request, Uri,
    header::{Contacts, NameAddr},
};

use super::{
    bindings::{Binding, Bindings, RegisterIdentity},
    rejection::Rejection,
};

/// A REGISTER of an authenticated phone (steps 3 to 5 are its connection's).
pub(crate) struct RegisterRequest<'r, F> {
    pub(crate) identity: RegisterIdentity,
    pub(crate) request: &'r Request,
    pub(crate) update: Update<'r>,
    pub(crate) address: SocketAddr,
    pub(crate) flow: F,
}

/// What a REGISTER asks for, and its place in the order of REGISTERs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Update<'r> {
    /// What is to become of the binding.
    pub contact: ContactUpdate<'r>,
    /// The Call-ID.
    pub call_id: &'r str,
    /// The CSeq.
    pub cseq: u32,
}

/// What is to become of a binding.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ContactUpdate<'r> {
    /// Nothing: it is asked for.
    Query,
    /// It ends, if it is at one of these addresses, or if they are `*`.
    Remove(Vec<&'r str>),
    /// It is made or refreshed.
    Bind {
        /// The Contact's URI.
        contact: &'r str,
        /// Granted seconds; never 0.
        expires: u32,
    },
}

/// What the connection or the registrar knows of a binding.
#[derive(Clone, Copy, Debug)]
pub struct Known<'b> {
    /// The Contact's URI.
    pub contact: &'b str,
    /// The Call-ID.
    pub call_id: &'b str,
    /// The last CSeq.
    pub cseq: u32,
}

/// What is to be done, as far as one binding tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RegisterStep {
    /// Nothing changes: the 200 lists the binding, if there is one.
    List,
    /// The binding lasts longer, and nothing else changes.
    Refresh,
    /// The binding ends.
    Remove,
    /// The binding is made or replaced.
    Bind,
}

/// What a REGISTER does to the bindings.
#[derive(Debug)]
pub(crate) enum RegisterOutcome<F> {
    /// Nothing: the 200 lists the binding, if there is one.
    Listed,
    /// This binding ends.
    Removed(Arc<Binding<F>>),
    /// This binding is made, in place of the former one.
    Bound {
        /// The binding.
        binding: Arc<Binding<F>>,
        /// The one that it replaces.
        former: Option<Arc<Binding<F>>>,
    },
}

/// A phone that is bound elsewhere this soon after the last time is rejected if it comes from another address, so that two
/// phones with one MAC address do not chase each other.
const REBIND_INTERVAL: Duration = Duration::from_secs(1);
/// So many in a row that come sooner are let through at one address: there it may be one phone that connects anew.
pub(crate) const RAPID_REBINDS: u8 = 3;
/// The longest text that a binding keeps, in octets: whoever has the phones' password decides over no more memory than a
/// phone is worth.
pub(crate) const MAX_TEXT: usize = 512;

impl<'r> Update<'r> {
    /// Reads what a REGISTER asks for. Of several Contacts that are to last, the first counts.
    ///
    /// # Errors
    /// What cannot be read, or contradicts itself; an expiry that is too brief.
    pub fn read(request: &'r Request, advanced: &Advanced) -> Result<Self, Rejection> {
        let head = request.head();
        // Step 6: "*" goes with an expiry of zero, and with no other Contact.
        let contact = match head.contacts().map_err(malformed)? {
            Contacts::Star if head.expires() == Some(0) => ContactUpdate::Remove(vec!["*"]),
            Contacts::Star => return Err(malformed("Contact: * needs Expires: 0")),
            Contacts::List(list) if list.is_empty() => ContactUpdate::Query,
            Contacts::List(list) => {
                // Step 7: the Contact's own expiry counts before that of the message, and ours if there is neither.
                let asked = |contact: &NameAddr<'_>| contact.expires().or_else(|| head.expires());
                match list.iter().find(|contact| asked(contact) != Some(0)) {
                    Some(lasting) => ContactUpdate::Bind {
                        contact: lasting.uri().as_str(),
                        expires: granted(asked(lasting), advanced)?,
                    },
                    None => ContactUpdate::Remove(list.iter().map(|c| c.uri().as_str()).collect()),
                }
            }
        };
        Ok(Self {
            contact,
            call_id: head.call_id().unwrap_or_default(),
            cseq: head.cseq().map_err(malformed)?.number,
        })
    }

    /// What is to be done about a binding, or about none.
    ///
    /// # Errors
    /// A CSeq that is out of order.
    pub fn against(&self, known: Option<Known<'_>>) -> Result<RegisterStep, Rejection> {
        // Step 6: without a Contact the REGISTER asks what is bound.
        if matches!(self.contact, ContactUpdate::Query) {
            return Ok(RegisterStep::List);
        }
        let Some(known) = known else {
            return Ok(match self.contact {
                ContactUpdate::Bind { .. } => RegisterStep::Bind,
                _ => RegisterStep::List,
            });
        };
        // Steps 6 and 7: with the Call-ID of the binding, a CSeq that is not higher fails the whole request.
        let same_call = self.call_id == known.call_id;
        if same_call && self.cseq <= known.cseq {
            return Err(Rejection::OutOfOrder {
                cseq: self.cseq,
                last: known.cseq,
            });
        }
        // Step 7: the binding is found by comparing URIs; a phone that has moved removes the address that it had before.
        Ok(match &self.contact {
            ContactUpdate::Remove(contacts) => {
                match contacts.iter().any(|it| removes(it, known.contact)) {
                    true => RegisterStep::Remove,
                    false => RegisterStep::List,
                }
            }
            ContactUpdate::Bind { contact, .. } if same_call && *contact == known.contact => {
                RegisterStep::Refresh
            }
            _ => RegisterStep::Bind,
        })
    }
}

/// Step 7: the registrar may shorten an expiry, and rejects one that is shorter than it likes by 423.
fn granted(asked: Option<u32>, advanced: &Advanced) -> Result<u32, Rejection> {
    let seconds = |time: Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
    let min_expires = seconds(advanced.min_expires);
    match asked {
        Some(asked) if asked < min_expires => Err(Rejection::IntervalTooBrief { min_expires }),
        asked => Ok(asked.unwrap_or(u32::MAX).min(seconds(advanced.sip_expires))),
    }
}

/// Decides what a REGISTER does at `now`, the time since the server's start. `has_room` says whether a phone that is not
/// listed may be.
///
/// # Errors
/// Why it is rejected; nothing changes then.
pub(crate) fn register<F: PartialEq>(
    bindings: &Bindings<F>,
    request: RegisterRequest<'_, F>,
    has_room: bool,
    now: Duration,
) -> Result<RegisterOutcome<F>, Rejection> {
    let current = current(bindings, request.identity);
    let known = current.map(|binding| Known {
        contact: &binding.contact,
        call_id: &binding.call_id,
        cseq: binding.cseq,
    });
    let step = request.update.against(known)?;
    let ContactUpdate::Bind { contact, expires } = request.update.contact else {
        let removed = current.filter(|_| step == RegisterStep::Remove);
        return Ok(removed
            .cloned()
            .map_or(RegisterOutcome::Listed, RegisterOutcome::Removed));
    };
    // Step 5: an address of record that the registrar does not know, and has no room for.
    if !has_room {
        return Err(Rejection::TooManyUnknownPhones);
    }
    let rapid_rebinds = current.map_or(Ok(0), |current| {
        rapid_rebinds(current, &request.flow, request.address, now)
    })?;
    let head = request.request.head();
    // Maker, model and firmware stand at the beginning of the User-Agent.
    let user_agent = head.get(HeaderName::UserAgent);
    let user_agent = user_agent.map(|agent| agent[..agent.floor_char_boundary(MAX_TEXT)].into());
    let binding = Arc::new(Binding {
        identity: request.identity,
        to: kept("To", head.to().map_err(malformed)?.uri().as_str())?,
        contact: kept("Contact", contact)?,
        call_id: kept("Call-ID", request.update.call_id)?,
        cseq: request.update.cseq,
        expires,
        user_agent,
        address: request.address,
        flow: request.flow,
        made_at: now,
        rapid_rebinds,
    });
    let former = current.cloned();
    Ok(RegisterOutcome::Bound { binding, former })
}

impl<F> Bindings<F> {
    /// Carries out what a REGISTER does.
    pub(crate) fn apply(&mut self, outcome: &RegisterOutcome<F>) {
        match outcome {
            RegisterOutcome::Listed => {}
            RegisterOutcome::Removed(binding) => {
                self.remove(binding.identity);
            }
            RegisterOutcome::Bound { binding, former } => {
                if let Some(former) = former {
                    self.remove(former.identity);
                }
                self.insert(Arc::clone(binding));
            }
        }
    }

    /// Takes back what the last REGISTER of an identity did, which nobody was told.
    pub(crate) fn revert(&mut self, outcome: RegisterOutcome<F>) {
        match outcome {
            RegisterOutcome::Listed => {}
            RegisterOutcome::Removed(binding) => self.insert(binding),
            RegisterOutcome::Bound { binding, former } => {
                self.remove(binding.identity);
                if let Some(former) = former {
                    self.insert(former);
                }
            }
        }
    }
}

/// The binding that a REGISTER is about. A device has one at a time for now: that of another name that logs on over it is
/// replaced.
fn current<F>(bindings: &Bindings<F>, identity: RegisterIdentity) -> Option<&Arc<Binding<F>>> {
    let own = bindings.get(identity);
    own.or_else(|| bindings.of_device(identity.device).next())
}

/// How often in a row a binding went to another connection within [`REBIND_INTERVAL`], this time included.
fn rapid_rebinds<F: PartialEq>(
    current: &Binding<F>,
    flow: &F,
    address: SocketAddr,
    now: Duration,
) -> Result<u8, Rejection> {
    if current.flow == *flow {
        return Ok(current.rapid_rebinds);
    }
    if now >= current.made_at + REBIND_INTERVAL {
        return Ok(0);
    }
    let rapid = current.rapid_rebinds + 1;
    if current.address.ip() != address.ip() || rapid > RAPID_REBINDS {
        return Err(Rejection::RebindTooSoon);
    }
    Ok(rapid)
}

/// Step 8: the seconds that the 200 lists for a binding that lasts until then. A second that has begun counts.
pub fn seconds_left(until: Duration, now: Duration) -> u32 {
    let left = until.saturating_sub(now).as_millis().div_ceil(1000);
    u32::try_from(left).unwrap_or(u32::MAX)
}

/// Whether a Contact with no time left ends a binding: that of its own address alone.
fn removes(contact: &str, bound: &str) -> bool {
    contact == "*"
        || contact == bound
        || matches!(
            (Uri::parse(contact), Uri::parse(bound)),
            (Ok(contact), Ok(bound)) if contact.is_place_of(&bound)
        )
}

/// A text that a binding keeps, unless it is longer than [`MAX_TEXT`].
fn kept(field: &str, text: &str) -> Result<Box<str>, Rejection> {
    match text.len() {
        ..=MAX_TEXT => Ok(text.into()),
        length => Err(malformed(format!(
            "the {field} has {length} octets, but may have {MAX_TEXT}"
        ))),
    }
}

fn malformed(what: impl ToString) -> Rejection {
    Rejection::Malformed(what.to_string())
}

#[cfg(test)]
mod tests;
