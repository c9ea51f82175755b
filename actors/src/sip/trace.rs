//! SIP traffic in the log: whole messages at level trace, with the phone's MAC address and without credentials.

use std::borrow::Cow;

use bytes::BytesMut;
use tracing::Level;
use uacsta_schema::{phone_id::PhoneId, sip::codec::Frame};

/// Whose messages are logged; nobody's until a phone says who it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trace(pub(super) Option<PhoneId>);

impl Trace {
    /// Logs a message that was received.
    pub(super) fn frame(self, frame: &Frame) {
        if let Frame::Message(message) = frame
            && tracing::enabled!(target: TARGET, Level::TRACE)
        {
            let mut text = BytesMut::new();
            message.write(&mut text);
            self.message("received", &text);
        }
    }

    /// Logs a message.
    pub(super) fn message(self, direction: &'static str, message: &[u8]) {
        let text = String::from_utf8_lossy(message);
        let shown = without_credentials(&text);
        match self.0 {
            Some(mac) => tracing::trace!(target: TARGET, %mac, direction, message = %shown),
            None => tracing::trace!(target: TARGET, direction, message = %shown),
        }
    }
}

/// The target of these lines, for those who want them alone.
const TARGET: &str = "uacsta::sip";

/// A message without what proves who sends it: a response of digest can be tried against a list of passwords.
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
