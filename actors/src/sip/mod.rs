//! SIP as actors see it: pure transactions, dialogs and session timers, and the link that carries them out.

pub mod desk;
pub mod dialog;
pub mod link;
pub mod reply;
pub mod session;
pub mod timer;
pub mod transaction;
pub mod wire;

/// Logs a whole message at level trace, without the secrets in it.
pub(crate) fn trace(direction: &'static str, message: &[u8]) {
    let text = String::from_utf8_lossy(message);
    let shown: String = text
        .split_inclusive('\n')
        .map(|line| {
            if is_secret(line) {
                "(credentials)\r\n"
            } else {
                line
            }
        })
        .collect();
    tracing::trace!(target: "uacsta::sip", direction, message = %shown);
}

/// Whether a header line proves who sends it: what can be tried against a list of passwords is no more for a log than one.
fn is_secret(line: &str) -> bool {
    line.split_once(':').is_some_and(|(name, _)| {
        let name = name.trim();
        name.eq_ignore_ascii_case("Authorization")
            || name.eq_ignore_ascii_case("Proxy-Authorization")
    })
}
