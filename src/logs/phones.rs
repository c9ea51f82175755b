//! Restricts a log to some phones: what carries another phone's `mac`, itself or through its spans, is left out.

use std::collections::HashSet;
use std::fmt::{self, Write};
use std::sync::Arc;

use arc_swap::ArcSwap;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

/// The phones whose lines are wanted. Warnings and errors pass whoever they are about.
#[derive(Clone, Debug)]
pub(super) struct Phones(Arc<ArcSwap<HashSet<Bare>>>);

/// A MAC address without separators, in lower case; kept with a span that names one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Bare(String);

impl Phones {
    /// Those with these MAC addresses, in any spelling; all where there are none.
    pub(super) fn of(phones: &[String]) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(bare(phones))))
    }

    /// Others from now on.
    pub(super) fn change(&self, phones: &[String]) {
        self.0.store(Arc::new(bare(phones)));
    }
}

fn bare(phones: &[String]) -> HashSet<Bare> {
    phones.iter().map(|mac| Bare::of(mac)).collect()
}

impl Bare {
    fn of(mac: &str) -> Self {
        let digits = mac.chars().filter(char::is_ascii_hexdigit);
        Self(digits.map(|c| c.to_ascii_lowercase()).collect())
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Filter<S> for Phones {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut named = Named::default();
        attributes.record(&mut named);
        if let (Some(mac), Some(span)) = (named.0, context.span(id)) {
            span.extensions_mut().replace(mac);
        }
    }

    fn event_enabled(&self, event: &Event<'_>, context: &Context<'_, S>) -> bool {
        let wanted = self.0.load();
        if wanted.is_empty() || *event.metadata().level() <= Level::WARN {
            return true;
        }
        let mut named = Named::default();
        event.record(&mut named);
        if let Some(mac) = named.0 {
            return wanted.contains(&mac);
        }
        let spans = context.event_scope(event).into_iter().flatten();
        let mut macs = spans.filter_map(|span| span.extensions().get::<Bare>().cloned());
        macs.next().is_none_or(|mac| wanted.contains(&mac))
    }
}

/// Finds the field `mac`.
#[derive(Default)]
struct Named(Option<Bare>);

impl Visit for Named {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "mac" {
            let mut text = String::new();
            // Writing to a string does not fail.
            let _ = write!(text, "{value:?}");
            self.0 = Some(Bare::of(&text));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing::{info, info_span, warn};
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::{Layer, fmt};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(phones: &[&str]) -> String {
        let written = Written::default();
        let writer = written.clone();
        let phones: Vec<String> = phones.iter().map(|mac| (*mac).to_owned()).collect();
        let layer = fmt::layer()
            .with_writer(move || writer.clone())
            .without_time()
            .with_ansi(false)
            .with_target(false)
            .with_filter(Phones::of(&phones));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            info!("nobody");
            info!(mac = %"00:04:13:00:00:01", "first");
            warn!(mac = %"00:04:13:00:00:02", "second warns");
            info_span!("phone", mac = %"00:04:13:00:00:01").in_scope(|| info!("in first"));
            info_span!("phone", mac = "000413000002").in_scope(|| info!("in second"));
        });
        let bytes = written.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn only_what_is_wanted() {
        assert_eq!(logged(&[]).lines().count(), 5);
        let first = logged(&["00-04-13-00-00-01"]);
        assert_eq!(first.lines().count(), 4, "{first}");
        assert!(!first.contains("in second"));
        let second = logged(&["000413000002"]);
        assert_eq!(second.lines().count(), 3, "{second}");
    }
}
