//! Restricts a log to some phones, by the field `phone` of an event or its spans.

use std::{
    collections::HashSet,
    fmt::{self, Write},
    sync::Arc,
};

use arc_swap::ArcSwap;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id},
};
use tracing_subscriber::{
    layer::{Context, Filter},
    registry::LookupSpan,
};

/// The phones whose lines are logged; all if empty. Lines without a phone, warnings and errors are always logged.
#[derive(Clone, Debug)]
pub(super) struct PhoneFilter(Arc<ArcSwap<HashSet<BareMac>>>);

/// A MAC address without separators in lower case, stored in spans that have the field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct BareMac(String);

impl PhoneFilter {
    /// MAC addresses in any spelling.
    pub(super) fn of(phones: &[String]) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(bare(phones))))
    }

    /// Applies to the next line.
    pub(super) fn change(&self, phones: &[String]) {
        self.0.store(Arc::new(bare(phones)));
    }
}

fn bare(phones: &[String]) -> HashSet<BareMac> {
    phones.iter().map(|phone| BareMac::of(phone)).collect()
}

impl BareMac {
    fn of(phone: &str) -> Self {
        let digits = phone.chars().filter(char::is_ascii_hexdigit);
        Self(digits.map(|c| c.to_ascii_lowercase()).collect())
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Filter<S> for PhoneFilter {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut named = Named::default();
        attributes.record(&mut named);
        if let (Some(phone), Some(span)) = (named.0, context.span(id)) {
            span.extensions_mut().replace(phone);
        }
    }

    fn event_enabled(&self, event: &Event<'_>, context: &Context<'_, S>) -> bool {
        let wanted = self.0.load();
        if wanted.is_empty() || *event.metadata().level() <= Level::WARN {
            return true;
        }
        let mut named = Named::default();
        event.record(&mut named);
        if let Some(phone) = named.0 {
            return wanted.contains(&phone);
        }
        let spans = context.event_scope(event).into_iter().flatten();
        let mut macs = spans.filter_map(|span| span.extensions().get::<BareMac>().cloned());
        macs.next().is_none_or(|phone| wanted.contains(&phone))
    }
}

/// Finds the field `phone`.
#[derive(Default)]
struct Named(Option<BareMac>);

impl Visit for Named {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "phone" {
            let mut text = String::new();
            // Writing to a string does not fail.
            let _ = write!(text, "{value:?}");
            self.0 = Some(BareMac::of(&text));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use tracing::{info, info_span, warn};
    use tracing_subscriber::{Layer, fmt, layer::SubscriberExt};

    use super::*;

    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(phones: &[&str]) -> String {
        let written = Output::default();
        let writer = written.clone();
        let phones: Vec<String> = phones.iter().map(|phone| (*phone).to_owned()).collect();
        let layer = fmt::layer()
            .with_writer(move || writer.clone())
            .without_time()
            .with_ansi(false)
            .with_target(false)
            .with_filter(PhoneFilter::of(&phones));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            info!("nobody");
            info!(phone = %"00:04:13:00:00:01", "first");
            warn!(phone = %"00:04:13:00:00:02", "second warns");
            info_span!("phone", phone = %"00:04:13:00:00:01").in_scope(|| info!("in first"));
            info_span!("phone", phone = "000413000002").in_scope(|| info!("in second"));
        });
        let bytes = written.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn lines_of_other_phones_are_left_out() {
        assert_eq!(logged(&[]).lines().count(), 5);
        let first = logged(&["00-04-13-00-00-01"]);
        assert_eq!(first.lines().count(), 4, "{first}");
        assert!(!first.contains("in second"));
        let second = logged(&["000413000002"]);
        assert_eq!(second.lines().count(), 3, "{second}");
    }
}
