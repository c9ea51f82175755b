//! Logs whole SIP messages at level trace, without credentials.

use std::{borrow::Cow, sync::Arc};

use bytes::BytesMut;
use tracing::{Level, field::DisplayValue};
use uacsta_schema::sip::codec::Frame;

/// Logs the messages of one peer, labelled with its device as soon as that is known.
#[derive(Debug, Default)]
pub(super) struct Trace(Option<Arc<str>>);

impl Trace {
    pub(super) fn label(&mut self, device: &Arc<str>) {
        // Most often the device is the same as for the last request.
        if !self
            .0
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, device))
        {
            self.0 = Some(Arc::clone(device));
        }
    }

    /// The log field `phone`, by which lines are filtered.
    pub(super) fn device(&self) -> Option<DisplayValue<&str>> {
        self.0.as_deref().map(tracing::field::display)
    }

    /// Logs a message that was received.
    pub(super) fn frame(&self, frame: &Frame) {
        if let Frame::Message(message) = frame
            && tracing::enabled!(target: TARGET, Level::TRACE)
        {
            let mut text = BytesMut::new();
            message.write(&mut text);
            self.message("received", &text);
        }
    }

    pub(super) fn message(&self, direction: &'static str, message: &[u8]) {
        if !tracing::enabled!(target: TARGET, Level::TRACE) {
            return;
        }
        let text = String::from_utf8_lossy(message);
        let shown = without_credentials(&text);
        tracing::trace!(target: TARGET, phone = self.device(), direction, message = %shown);
    }
}

/// The log target, by which these lines are selected.
const TARGET: &str = "uacsta::sip";

/// The message without credentials: a digest response allows guessing the password offline.
fn without_credentials(message: &str) -> String {
    let (head, body) = message.split_at(message.find("\r\n\r\n").unwrap_or(message.len()));
    head.split_inclusive('\n')
        .map(shown)
        .chain([Cow::Borrowed(body)])
        .collect()
}

fn shown(line: &str) -> Cow<'_, str> {
    match line.split_once(':') {
        Some((name, _))
            if SECRET
                .iter()
                .any(|secret| name.trim().eq_ignore_ascii_case(secret)) =>
        {
            format!("{name}: (not shown)\r\n").into()
        }
        _ => line.into(),
    }
}

const SECRET: [&str; 2] = ["Authorization", "Proxy-Authorization"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_not_shown() {
        let message = "REGISTER sip:a SIP/2.0\r\nauthorization : Digest response=\"x\"\r\nTo: <sip:a>\r\n\r\nAuthorization: body";
        let shown = "REGISTER sip:a SIP/2.0\r\nauthorization : (not shown)\r\nTo: <sip:a>\r\n\r\nAuthorization: body";
        assert_eq!(without_credentials(message), shown);
    }
}
