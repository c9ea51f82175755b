//! What the log says when a part of the server panics: where, and why.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    panic::{PanicHookInfo, set_hook},
};

/// From now on each panic is a line of the log, and so of standard error, for which nobody waits; it has its trace where
/// `RUST_BACKTRACE` is set.
pub(super) fn log() {
    set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let trace = Backtrace::capture();
        let trace = (trace.status() == BacktraceStatus::Captured).then(|| trace.to_string());
        tracing::error!(
            place,
            trace = trace.as_deref(),
            "a part of the server failed and is replaced: {}",
            why(panic)
        );
    }));
}

fn why<'a>(panic: &'a PanicHookInfo<'_>) -> &'a str {
    panic.payload_as_str().unwrap_or("no reason was given")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{
        io::{self, Write},
        panic::{catch_unwind, set_hook, take_hook},
        sync::{Arc, Mutex},
    };

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(octets)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_is_a_line_of_the_log_with_its_place() {
        let usual = take_hook();
        super::log();
        let written = Written::default();
        let into = written.clone();
        let log = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || into.clone())
            .finish();
        tracing::subscriber::with_default(log, || {
            catch_unwind(|| panic!("nothing works")).unwrap_err();
        });
        set_hook(usual);
        let said = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let place = format!("place=\"{}:", file!());
        for part in ["ERROR", "is replaced: nothing works", &place] {
            assert!(said.contains(part), "{part:?} is not in {said:?}");
        }
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}
