//! What a REGISTER wants (RFC 3261 section 10.3): a binding made, refreshed or ended, or the list of those that are.

use settings::Advanced;
use uacsta_schema::sip::{
    HeaderName, Request, Status, Uri,
    header::{Contacts, NameAddr},
};

use super::uas::bad;
use crate::{registration::Bound, sip::responder::FinalResponse};

/// What a REGISTER wants.
pub(super) struct Wish<'r> {
    /// The Contact's URI: `*` for all, none in a query.
    pub(super) contact: Option<&'r str>,
    /// The seconds that are granted; 0 ends the binding.
    pub(super) expires: u32,
    pub(super) call_id: &'r str,
    pub(super) cseq: u32,
}

impl<'r> Wish<'r> {
    /// Reads a REGISTER that came where these phones are bound. Of several Contacts one counts: the first that is to last,
    /// else the one that is bound.
    ///
    /// # Errors
    /// Its answer: 400 for what cannot be read or done, 423 for a time that is too short.
    pub(super) fn of(
        request: &'r Request,
        advanced: &Advanced,
        bound: &[Bound],
    ) -> Result<Self, FinalResponse> {
        let head = request.head();
        let longest = u32::try_from(advanced.sip_expires.as_secs()).unwrap_or(u32::MAX);
        let (contact, asked) = match head.contacts().map_err(bad)? {
            // RFC 3261 10.3 step 6: "*" goes with an expiration time of zero and nothing else.
            Contacts::Star if head.expires() == Some(0) => (Some("*"), 0),
            Contacts::Star => return Err(bad("Contact: * needs Expires: 0")),
            Contacts::List(list) => {
                let time = |contact: &&NameAddr<'_>| contact.expires().or_else(|| head.expires());
                let ends_one = |contact: &&NameAddr<'_>| {
                    let contact = contact.uri().as_str();
                    bound.iter().any(|bound| removes(contact, &bound.contact))
                };
                let lasting = list.iter().find(|contact| time(contact) != Some(0));
                let ending = || list.iter().find(ends_one);
                match lasting.or_else(ending).or_else(|| list.first()) {
                    Some(contact) => (
                        Some(contact.uri().as_str()),
                        time(&contact).unwrap_or(longest),
                    ),
                    None => (None, longest),
                }
            }
        };
        let shortest = advanced.min_expires.as_secs();
        if asked != 0 && u64::from(asked) < shortest {
            return Err(FinalResponse::from(Status::INTERVAL_TOO_BRIEF)
                .header(HeaderName::MinExpires, shortest));
        }
        Ok(Self {
            contact,
            expires: asked.min(longest),
            call_id: head.call_id().unwrap_or_default(),
            cseq: head.cseq().map_err(bad)?.number,
        })
    }
}

/// Whether a Contact with no time left ends a binding: that of its own address alone (RFC 3261 10.3 step 7: the registrar
/// "searches the list of current bindings using the URI comparison rules"). A phone that has moved removes where it was.
pub(super) fn removes(contact: &str, bound: &str) -> bool {
    contact == "*"
        || contact == bound
        || matches!(
            (Uri::parse(contact), Uri::parse(bound)),
            (Ok(contact), Ok(bound)) if contact.is_place_of(&bound)
        )
}
