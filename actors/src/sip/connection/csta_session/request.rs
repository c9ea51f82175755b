//! Composes the requests that a session sends in its dialog.

use std::fmt::Display;

use bytes::BytesMut;
use uacsta_schema::sip::{HeaderName, Method};

use super::{CstaSession, effect::SessionRequest};
use crate::sip::{
    body::Body,
    connection::{client_transactions::SessionPurpose, endpoints::Endpoints},
    refusals::{ALLOW, is_sips},
};

impl CstaSession {
    /// The method of a request of ours.
    pub(in crate::sip::connection) fn method(&self, request: &SessionRequest) -> Method {
        match request {
            SessionRequest::Invite { .. } => Method::Invite,
            SessionRequest::Refresh(_) if self.updates => Method::Update,
            SessionRequest::Refresh(_) => Method::Invite,
            SessionRequest::Invoke { .. } | SessionRequest::Notify(_) => Method::Info,
            SessionRequest::Bye => Method::Bye,
        }
    }

    /// What remains of a request of ours until its response; nothing of a BYE.
    pub(in crate::sip::connection) fn purpose(
        &self,
        request: &SessionRequest,
    ) -> Option<SessionPurpose> {
        match request {
            SessionRequest::Invite { retries } => {
                Some(SessionPurpose::Invite { retries: *retries })
            }
            SessionRequest::Refresh(_) => Some(SessionPurpose::Refresh {
                by_invite: !self.updates,
            }),
            SessionRequest::Invoke {
                ticket,
                content,
                retries,
            } => Some(SessionPurpose::Invoke {
                ticket: *ticket,
                content: self.credentials.can_answer().then(|| content.clone()),
                retries: *retries,
            }),
            SessionRequest::Notify(_) => Some(SessionPurpose::Notify),
            SessionRequest::Bye => None,
        }
    }

    /// Composes a request of ours, which has this method, and returns its CSeq.
    pub(in crate::sip::connection) fn compose(
        &mut self,
        out: &mut BytesMut,
        request: &SessionRequest,
        method: &Method,
        via: impl Display,
        endpoints: &Endpoints,
    ) -> u32 {
        let composer = self.dialog.request(out, method, via);
        let target = self.dialog.target();
        let uri = self.dialog.request_uri();
        let composer = self.credentials.authorize(composer, method, uri);
        match request {
            SessionRequest::Invite { .. } => {
                let mut composer = composer
                    .header(HeaderName::Contact, endpoints.contact(is_sips(target)))
                    .header(HeaderName::Allow, ALLOW)
                    .header(HeaderName::Supported, "timer")
                    .header(HeaderName::UserAgent, &*endpoints.agent);
                if let Some(timer) = self.refresh.timer() {
                    composer = composer
                        .header(HeaderName::SessionExpires, timer.header(true))
                        .header(HeaderName::MinSe, timer.least.as_secs());
                }
                Body::request_system_status(self.edition).finish(composer);
            }
            SessionRequest::Refresh(timer) => {
                self.refreshing = true;
                let composer = composer
                    .header(HeaderName::Contact, endpoints.contact(is_sips(target)))
                    .header(HeaderName::Supported, "timer")
                    .header(HeaderName::SessionExpires, timer.header(true))
                    .header(HeaderName::MinSe, timer.least.as_secs());
                if *method == Method::Invite {
                    Body::request_system_status(self.edition).finish(composer);
                } else {
                    composer.end();
                }
            }
            SessionRequest::Invoke { content, .. } | SessionRequest::Notify(content) => {
                content.finish(composer);
            }
            SessionRequest::Bye => composer.end(),
        }
        self.dialog.local_cseq()
    }
}
