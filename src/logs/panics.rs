//! What the log says when a part of the server panics: where, and why.

use std::panic::{PanicHookInfo, set_hook, take_hook};

/// From now on each panic is a line of the log, beside what standard error says of it.
pub(super) fn log() {
    let usual = take_hook();
    set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(
            place,
            "a part of the server failed and is replaced: {}",
            why(panic)
        );
        usual(panic);
    }));
}

fn why<'a>(panic: &'a PanicHookInfo<'_>) -> &'a str {
    panic.payload_as_str().unwrap_or("no reason was given")
}
