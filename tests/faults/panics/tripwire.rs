//! A log layer that panics once at a chosen log line, so that a test selects the actor that fails.

use std::{
    fmt::{Debug, Write as _},
    sync::{
        Arc, Mutex, Once,
        atomic::{AtomicBool, Ordering},
    },
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

/// A wire that is set until it is torn, or as long as somebody holds it.
pub(super) struct Tripwire(Arc<Wire>);

struct Wire {
    message: &'static str,
    about: String,
    torn: AtomicBool,
    /// Whether it is mended each time.
    lasts: AtomicBool,
}

static WIRES: Mutex<Vec<Arc<Wire>>> = Mutex::new(Vec::new());
static STRETCHED: Once = Once::new();

impl Tripwire {
    /// Set at a message, with a field of this value: a line, or a MAC address. Other tests log the same of others.
    pub(super) fn at(message: &'static str, about: &str) -> Self {
        Self::set(message, about, false)
    }

    /// The same, but it tears each time until it is dropped.
    pub(super) fn always(message: &'static str, about: &str) -> Self {
        Self::set(message, about, true)
    }

    fn set(message: &'static str, about: &str, lasts: bool) -> Self {
        STRETCHED.call_once(|| tracing::subscriber::set_global_default(Log).unwrap());
        let wire = Arc::new(Wire {
            message,
            about: about.to_owned(),
            torn: AtomicBool::new(false),
            lasts: AtomicBool::new(lasts),
        });
        WIRES.lock().unwrap().push(Arc::clone(&wire));
        Self(wire)
    }

    /// Whether somebody failed at it.
    pub(super) fn is_torn(&self) -> bool {
        self.0.torn.load(Ordering::SeqCst)
    }
}

impl Drop for Tripwire {
    fn drop(&mut self) {
        self.0.lasts.store(false, Ordering::SeqCst);
    }
}

/// Nothing is written: it is only looked at what would be.
struct Log;

/// What is logged: the message, and each field's value between line breaks.
#[derive(Default)]
struct Said {
    message: String,
    fields: String,
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let into = match field.name() {
            "message" => &mut self.message,
            _ => &mut self.fields,
        };
        let _ = write!(into, "{value:?}");
        self.fields.push('\n');
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && *metadata.level() <= Level::DEBUG
            && metadata.target().starts_with("uacsta")
    }

    fn event(&self, event: &Event<'_>) {
        let mut said = Said::default();
        event.record(&mut said);
        let torn = WIRES.lock().unwrap().iter().any(|wire| {
            said.message == wire.message
                && said.fields.lines().any(|value| value == wire.about)
                && (!wire.torn.swap(true, Ordering::SeqCst) || wire.lasts.load(Ordering::SeqCst))
        });
        assert!(!torn, "the log fails on purpose at: {}", said.message);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
