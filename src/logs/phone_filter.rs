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
use uacsta_schema::phone_id::PhoneId;

/// The phones whose lines are logged; all if empty. Lines without a phone, warnings and errors are always logged.
#[derive(Clone, Debug)]
pub(super) struct PhoneFilter(Arc<ArcSwap<HashSet<PhoneId>>>);

impl PhoneFilter {
    /// Names of phones in any spelling.
    pub(super) fn of(phones: &[String]) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(parsed(phones))))
    }

    /// Applies to the next line.
    pub(super) fn change(&self, phones: &[String]) {
        let phones = parsed(phones);
        if phones != **self.0.load() {
            self.0.store(Arc::new(phones));
            self.announce();
        }
    }

    /// Logs which lines are hidden, if any: whoever reads the log later may not know the settings.
    pub(super) fn announce(&self) {
        let phones = self.0.load();
        if !phones.is_empty() {
            let names = phones.iter().map(ToString::to_string);
            let phones = names.collect::<Vec<_>>().join(" ");
            tracing::info!(
                phones,
                "logs.phones is set: lines of other phones are hidden, except warnings and errors"
            );
        }
    }
}

fn parsed(phones: &[String]) -> HashSet<PhoneId> {
    phones
        .iter()
        .filter_map(|phone| phone.parse().ok())
        .collect()
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
        let mut phones = spans.filter_map(|span| span.extensions().get::<PhoneId>().copied());
        phones.next().is_none_or(|phone| wanted.contains(&phone))
    }
}

/// Finds the field `phone`.
#[derive(Default)]
struct Named(Option<PhoneId>);

impl Visit for Named {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "phone" {
            let mut text = String::new();
            // Writing to a string does not fail.
            let _ = write!(text, "{value:?}");
            self.0 = text.trim_matches('"').parse().ok();
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
