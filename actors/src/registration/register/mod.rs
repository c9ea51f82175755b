//! Applies a REGISTER to the bindings, in the steps of RFC 3261, section 10.3, without actors, clock or I/O.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use uacsta_config::Advanced;
use uacsta_schema::{
    phone_id::PhoneId,
    sip::{
        Head, HeaderName, Request, Uri,
        header::{Contacts, NameAddr},
    },
};

use super::{
    bindings::{Binding, Bindings},
    identity::mac_of,
    rejection::Rejection,
};

/// A REGISTER of an authenticated phone; its connection has done steps 3 to 5.
pub(crate) struct RegisterRequest<'r, F> {
    pub(crate) phone: PhoneId,
    pub(crate) request: &'r Request,
    pub(crate) update: Update<'r>,
    /// When the sender was challenged on this connection.
    pub(crate) challenged_at: Duration,
    pub(crate) address: SocketAddr,
    pub(crate) flow: F,
}

/// The parsed REGISTER, with Call-ID and CSeq for the order of REGISTERs, and the Path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Update<'r> {
    /// The requested change of the binding.
    pub contact: ContactUpdate<'r>,
    /// The Call-ID.
    pub call_id: &'r str,
    /// The CSeq.
    pub cseq: u32,
    /// The proxies on the way to the phone.
    pub path: Vec<&'r str>,
}

/// The change of a binding that a REGISTER requests.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ContactUpdate<'r> {
    /// No change; the REGISTER queries the binding.
    Query,
    /// Removes the binding if its Contact is one of these, or `*`.
    Remove(Vec<&'r str>),
    /// Creates or refreshes the binding.
    Bind {
        /// The Contact's URI.
        contact: &'r str,
        /// Granted seconds; never 0.
        expires: u32,
    },
}

/// The existing binding, from the lease or from the registrar.
#[derive(Clone, Copy, Debug)]
pub struct Known<'b> {
    /// The Contact's URI.
    pub contact: &'b str,
    /// The Call-ID.
    pub call_id: &'b str,
    /// The last CSeq.
    pub cseq: u32,
    /// The proxies on the way to the phone.
    pub path: &'b [Box<str>],
    /// When the last REGISTER arrived.
    pub at: Duration,
}

/// The effect of a REGISTER on a single binding.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RegisterStep {
    /// No change: the 200 lists the binding, if there is one.
    List,
    /// Only extends the expiry.
    Refresh,
    /// Removes the binding.
    Remove,
    /// Creates or replaces the binding.
    Bind,
}

/// The effect of a REGISTER on all bindings.
#[derive(Debug)]
pub(crate) enum RegisterOutcome<F> {
    /// No change: the 200 lists the binding, if there is one.
    Listed,
    /// Removes this binding.
    Removed(Arc<Binding<F>>),
    /// Adds this binding, in place of the former one.
    Bound {
        /// The binding.
        binding: Arc<Binding<F>>,
        /// The replaced binding.
        former: Option<Arc<Binding<F>>>,
    },
}

impl<F: PartialEq> RegisterOutcome<F> {
    /// The binding, if the phone is new there: it refreshes no binding of the same connection.
    pub(crate) fn entered(&self) -> Option<&Arc<Binding<F>>> {
        let Self::Bound { binding, former } = self else {
            return None;
        };
        let is_refresh = former
            .as_ref()
            .is_some_and(|former| former.flow == binding.flow);
        (!is_refresh).then_some(binding)
    }
}

/// The registrar rejects a phone that moves to another address within this time, so that two phones with the same name
/// do not replace each other endlessly.
const REBIND_INTERVAL: Duration = Duration::from_secs(1);
/// How many consecutive faster moves to another connection are accepted from the same address: a single phone may be
/// reconnecting.
pub(crate) const RAPID_REBINDS: u8 = 3;
/// The longest text in a binding, in octets. Limits the memory that a sender with the phones' password can use.
pub(crate) const MAX_TEXT: usize = 512;
/// The longest Path, in octets.
const MAX_PATH: usize = 2048;

impl<'r> Update<'r> {
    /// Parses a REGISTER. Of several Contacts to bind, the first counts.
    ///
    /// # Errors
    /// The REGISTER is malformed or contradictory, or the expiry is too brief.
    pub fn read(request: &'r Request, advanced: &Advanced) -> Result<Self, Rejection> {
        let head = request.head();
        // Step 6: "*" requires an expiry of zero, and excludes other Contacts.
        let contact = match head.contacts().map_err(malformed)? {
            Contacts::Star if head.expires() == Some(0) => ContactUpdate::Remove(vec!["*"]),
            Contacts::Star => return Err(malformed("Contact: * needs Expires: 0")),
            Contacts::List(list) if list.is_empty() => ContactUpdate::Query,
            Contacts::List(list) => {
                // Step 7: the Contact's own expiry precedes that of the message; the default is the registrar's.
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
            path: path(head)?,
        })
    }

    /// The effect on the known binding, if any, of a REGISTER whose sender was challenged at that time.
    ///
    /// # Errors
    /// A CSeq that is out of order.
    pub fn against(
        &self,
        known: Option<Known<'_>>,
        challenged_at: Duration,
    ) -> Result<RegisterStep, Rejection> {
        // Step 6: a REGISTER without a Contact queries the bindings.
        if matches!(self.contact, ContactUpdate::Query) {
            return Ok(RegisterStep::List);
        }
        let Some(known) = known else {
            return Ok(match self.contact {
                ContactUpdate::Bind { .. } => RegisterStep::Bind,
                _ => RegisterStep::List,
            });
        };
        // Steps 6 and 7: with the Call-ID of the binding, a CSeq that is not higher fails the whole request, which an earlier one
        // overtook. A phone that restarted may count anew; the answer to a challenge after the last REGISTER is later than that.
        let has_overtaken = self.call_id == known.call_id && self.cseq <= known.cseq;
        let same_call = self.call_id == known.call_id && !has_overtaken;
        if has_overtaken && challenged_at.as_millis() <= known.at.as_millis() {
            return Err(Rejection::OutOfOrder {
                cseq: self.cseq,
                last: known.cseq,
            });
        }
        // Step 7: the Contacts are compared as URIs; a phone that has moved removes its former address.
        Ok(match &self.contact {
            ContactUpdate::Remove(contacts) => {
                match contacts.iter().any(|it| removes(it, known.contact)) {
                    true => RegisterStep::Remove,
                    false => RegisterStep::List,
                }
            }
            ContactUpdate::Bind { contact, .. }
                if same_call
                    && *contact == known.contact
                    && self
                        .path
                        .iter()
                        .copied()
                        .eq(known.path.iter().map(|hop| &**hop)) =>
            {
                RegisterStep::Refresh
            }
            _ => RegisterStep::Bind,
        })
    }
}

/// The Path of a REGISTER. It is taken from phones that do not list `path` in Supported too, as RFC 3327, section 5.3, leaves to
/// the registrar: few phones do, and without it they cannot be reached through their proxy.
fn path(head: &Head) -> Result<Vec<&str>, Rejection> {
    let path: Vec<&str> = head.list(HeaderName::Path).collect();
    for hop in head.addresses(HeaderName::Path) {
        if !hop.map_err(malformed)?.uri().is_sip() {
            return Err(malformed("a Path is a sip or sips URI"));
        }
    }
    match path.iter().map(|hop| hop.len()).sum() {
        ..=MAX_PATH => Ok(path),
        length => Err(too_long("Path", length, MAX_PATH)),
    }
}

/// Step 7: the registrar may shorten an expiry, and rejects one below the minimum with 423.
fn granted(asked: Option<u32>, advanced: &Advanced) -> Result<u32, Rejection> {
    let seconds = |time: Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
    let min_expires = seconds(advanced.min_expires);
    match asked {
        Some(asked) if asked < min_expires => Err(Rejection::IntervalTooBrief { min_expires }),
        asked => Ok(asked.unwrap_or(u32::MAX).min(seconds(advanced.sip_expires))),
    }
}

/// Decides the effect of a REGISTER at `now`, the time since the server's start. `has_room` says whether the phone is listed
/// or may be added.
///
/// # Errors
/// The reason of the rejection; nothing changes.
pub(crate) fn register<F: PartialEq>(
    bindings: &Bindings<F>,
    request: RegisterRequest<'_, F>,
    has_room: bool,
    now: Duration,
) -> Result<RegisterOutcome<F>, Rejection> {
    let current = bindings.get(request.phone);
    let known = current.map(|binding| Known {
        contact: &binding.contact,
        call_id: &binding.call_id,
        cseq: binding.cseq,
        path: &binding.path,
        at: binding.made_at,
    });
    let step = request.update.against(known, request.challenged_at)?;
    let ContactUpdate::Bind { contact, expires } = request.update.contact else {
        let removed = current.filter(|_| step == RegisterStep::Remove);
        return Ok(removed
            .cloned()
            .map_or(RegisterOutcome::Listed, RegisterOutcome::Removed));
    };
    // Step 5: the address of record is unknown, and the limit of unknown phones is reached.
    if !has_room {
        return Err(Rejection::TooManyUnknownPhones);
    }
    let rapid_rebinds = current.map_or(Ok(0), |current| {
        rapid_rebinds(current, &request.flow, request.address, now)
    })?;
    let head = request.request.head();
    // The User-Agent starts with maker, model and firmware.
    let user_agent = head.get(HeaderName::UserAgent);
    let user_agent = user_agent.map(|agent| agent[..agent.floor_char_boundary(MAX_TEXT)].into());
    let binding = Arc::new(Binding {
        phone: request.phone,
        mac: mac_of(request.request, request.phone),
        to: kept("To", head.to().map_err(malformed)?.uri().as_str())?,
        contact: kept("Contact", contact)?,
        path: request
            .update
            .path
            .iter()
            .copied()
            .map(Into::into)
            .collect(),
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
    /// Applies the outcome of a REGISTER.
    pub(crate) fn apply(&mut self, outcome: &RegisterOutcome<F>) {
        match outcome {
            RegisterOutcome::Listed => {}
            RegisterOutcome::Removed(binding) => {
                self.remove(binding.phone);
            }
            RegisterOutcome::Bound { binding, .. } => {
                self.insert(Arc::clone(binding));
            }
        }
    }

    /// Reverts the last REGISTER of a phone, before any response or notification.
    pub(crate) fn revert(&mut self, outcome: RegisterOutcome<F>) {
        match outcome {
            RegisterOutcome::Listed => {}
            RegisterOutcome::Removed(binding) => self.insert(binding),
            RegisterOutcome::Bound { binding, former } => {
                self.remove(binding.phone);
                if let Some(former) = former {
                    self.insert(former);
                }
            }
        }
    }
}

/// How often in a row the binding moved to another connection within [`REBIND_INTERVAL`], including this time.
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

/// Step 8: the seconds until a binding expires, rounded up, for the 200.
pub fn seconds_left(until: Duration, now: Duration) -> u32 {
    let left = until.saturating_sub(now).as_millis().div_ceil(1000);
    u32::try_from(left).unwrap_or(u32::MAX)
}

/// Whether a Contact with an expiry of zero removes a binding: only if it is the binding's own Contact, or `*`.
fn removes(contact: &str, bound: &str) -> bool {
    contact == "*"
        || contact == bound
        || matches!(
            (Uri::parse(contact), Uri::parse(bound)),
            (Ok(contact), Ok(bound)) if contact.is_place_of(&bound)
        )
}

/// A text for the binding; rejects one longer than [`MAX_TEXT`].
fn kept(field: &str, text: &str) -> Result<Box<str>, Rejection> {
    match text.len() {
        ..=MAX_TEXT => Ok(text.into()),
        length => Err(too_long(field, length, MAX_TEXT)),
    }
}

fn too_long(field: &str, length: usize, most: usize) -> Rejection {
    malformed(format!(
        "the {field} has {length} octets, but may have {most}"
    ))
}

fn malformed(what: impl ToString) -> Rejection {
    Rejection::Malformed(what.to_string())
}

#[cfg(test)]
mod tests;
