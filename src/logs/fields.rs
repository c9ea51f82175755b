//! Fields of the text format, `key=value key="two words"`, which programs can parse.

use std::{
    error::Error,
    fmt::{self, Debug, Write},
};

use tracing::field::{Field, Visit};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{FormatFields, format::Writer},
};
use uacsta_schema::escape_controls;

/// Writes the message, then each field. Values are quoted if they are empty or contain space, `"`, `=` or controls.
pub(super) struct TextFields;

impl<'w> FormatFields<'w> for TextFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut writer = FieldWriter {
            writer,
            is_first: true,
            result: Ok(()),
        };
        fields.record(&mut writer);
        writer.result
    }
}

struct FieldWriter<'w> {
    writer: Writer<'w>,
    is_first: bool,
    result: fmt::Result,
}

impl FieldWriter<'_> {
    fn write(&mut self, field: &Field, value: &str) -> fmt::Result {
        if !self.is_first {
            self.writer.write_char(' ')?;
        }
        self.is_first = false;
        if field.name() == "message" {
            self.writer.write_str(&escape_controls(value, &[]))
        } else {
            write!(self.writer, "{}=", field.name())?;
            write_value(&mut self.writer, value)
        }
    }
}

impl Visit for FieldWriter<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if self.result.is_ok() {
            self.result = self.write(field, value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.record_str(field, &value.to_string());
    }
}

/// Writes a value, quoted if it must be: within quotes `"` and `\` follow a `\`.
fn write_value(writer: &mut dyn Write, value: &str) -> fmt::Result {
    let escaped = escape_controls(value, &[]);
    let is_plain = |c: char| !c.is_whitespace() && c != '"' && c != '=';
    if !value.is_empty() && escaped == value && value.chars().all(is_plain) {
        return writer.write_str(value);
    }
    writer.write_char('"')?;
    // The escape of a control is the only `\` that is written as it is.
    for c in value.chars() {
        match c {
            '"' | '\\' => write!(writer, "\\{c}")?,
            c => writer.write_str(&escape_controls(c.encode_utf8(&mut [0; 4]), &[]))?,
        }
    }
    writer.write_char('"')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[test]
    fn values_are_quoted_where_a_line_could_not_be_parsed_without() {
        fn check(value: &str, written: &str) {
            let mut text = String::new();
            write_value(&mut text, value).unwrap();
            assert_eq!(text, written, "{value:?}");
        }
        check("00:04:13:00:00:01", "00:04:13:00:00:01");
        check("müller", "müller");
        check("C:\\logs", "C:\\logs");
        check("", "\"\"");
        check("two words", "\"two words\"");
        check("a=b", "\"a=b\"");
        check("say \"yes\" \\", "\"say \\\"yes\\\" \\\\\"");
        check("a\nb", "\"a\\nb\"");
        check("\u{1b}[31m", "\"\\u001b[31m\"");
        check("\\n", "\\n");
    }

    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Output {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(octets)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn fields_of_events_and_spans_are_quoted_alike() {
        let written = Output::default();
        let into = written.clone();
        let log = tracing_subscriber::fmt()
            .fmt_fields(TextFields)
            .with_writer(move || into.clone())
            .without_time()
            .with_target(false)
            .with_ansi(false)
            .finish();
        tracing::subscriber::with_default(log, || {
            let span = tracing::info_span!("call", line = "2 1");
            let missing: Option<&str> = None;
            span.in_scope(|| {
                tracing::info!(client = "a b", peer = %"::1", edition = 5, missing, why = ?Some("x"), "said\nso");
            });
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert_eq!(
            text,
            " INFO call{line=\"2 1\"}: said\\nso client=\"a b\" peer=::1 edition=5 why=\"Some(\\\"x\\\")\"\n"
        );
    }
}
