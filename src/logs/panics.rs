//! Logs panics with their location and message.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    panic::set_hook,
};

/// Installs a panic hook that logs an error, with a backtrace if `RUST_BACKTRACE` is set.
pub(super) fn install_hook() {
    set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let trace = Backtrace::capture();
        let trace = (trace.status() == BacktraceStatus::Captured).then(|| trace.to_string());
        tracing::error!(
            place,
            trace = trace.as_deref(),
            error = panic.payload_as_str().unwrap_or("no message"),
            "actor panicked"
        );
    }));
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
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(octets)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn panic_is_logged_with_its_location() {
        let usual = take_hook();
        super::install_hook();
        let written = Captured::default();
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
        for part in ["ERROR", "actor panicked", "nothing works", &place] {
            assert!(said.contains(part), "{part:?} is not in {said:?}");
        }
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}
