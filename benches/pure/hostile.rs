//! Processor time for hostile CSTA documents of the largest allowed size.

use std::{fmt::Write as _, hint::black_box, time::Duration};

use bytes::Bytes;
use criterion::Criterion;
use uacsta_schema::csta::Document;

use super::changes;

/// The default of `limits.message_body`.
const LARGEST: usize = 256 * 1024;
/// Attributes or namespaces of an element, and elements around what is deepest: 32 and 64 may be, by default, and the root is
/// one.
const MANY: usize = 31;
const DEEP: usize = 62;

pub(crate) fn bodies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hostile");
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(200));
    group.measurement_time(Duration::from_secs(1));
    for (name, document) in all() {
        let document = Bytes::from(document);
        group.bench_function(name, |bencher| bencher.iter(|| everything(&document)));
    }
    group.finish();
}

/// Does with a document whatever the server might: it is read, taken apart, and relayed.
fn everything(document: &Bytes) {
    let Ok(read) = Document::read(black_box(document.clone())) else {
        return;
    };
    // Most are nothing of ECMA-323, and to find that out is what is measured.
    let _ = black_box(read.message());
    black_box(read.missing());
    black_box(read.devices().count());
    black_box(read.relayed(&changes("c4711")));
}

fn all() -> Vec<(&'static str, String)> {
    let nested: String = (0..DEEP).map(|level| format!("<a{level}>")).collect();
    let closed: String = (0..DEEP)
        .rev()
        .map(|level| format!("</a{level}>"))
        .collect();
    let attributes: String = (0..MANY).fold(String::new(), |mut all, number| {
        let _ = write!(all, " a{number}=\"\"");
        all
    });
    let declared = |level: usize| -> String {
        (0..MANY)
            .map(|number| format!(" xmlns:p{level}x{number}=\"u\""))
            .collect()
    };
    // Each of the innermost elements has the prefix that was declared first, with all others in between.
    let scopes: String = (0..DEEP)
        .map(|level| format!("<a{}>", declared(level)))
        .collect();
    let room = LARGEST - scopes.len() - 1024;
    let bomb: String = (1..10)
        .map(|level| {
            format!(
                "<!ENTITY e{level} \"{}\">",
                format!("&e{};", level - 1).repeat(10)
            )
        })
        .collect();
    vec![
        (
            "62 elements in one another, again and again",
            request(&filled(&format!("{nested}{closed}"))),
        ),
        (
            "31 attributes a tag",
            request(&filled(&format!("<a{attributes}/>"))),
        ),
        (
            "31 namespaces a tag",
            request(&filled(&format!("<a{}/>", declared(0)))),
        ),
        (
            "a prefix with 1 900 others in between",
            request(&format!(
                "{scopes}{}{}",
                "<p0x0:a/>".repeat(room / 9),
                "</a>".repeat(DEEP)
            )),
        ),
        (
            "the namespace redeclared",
            request(&filled("<a xmlns=\"u\"><a xmlns=\"v\"/></a>")),
        ),
        ("empty elements", request(&filled("<a/>"))),
        ("devices", request(&filled("<device>1</device>"))),
        (
            "references to entities",
            request(&format!("<device>{}</device>", filled("&amp;"))),
        ),
        (
            "references to characters",
            request(&format!("<device>{}</device>", filled("&#65;"))),
        ),
        ("comments", request(&filled("<!---->"))),
        (
            "CDATA sections",
            request(&format!("<device>{}</device>", filled("<![CDATA[]]>"))),
        ),
        ("instructions", request(&filled("<?a?>"))),
        ("one long name", request(&format!("<{}/>", filled("a")))),
        (
            "one long value",
            request(&format!("<a b=\"{}\"/>", filled("c"))),
        ),
        (
            "one long text",
            request(&format!("<device>{}</device>", filled("1"))),
        ),
        ("tags that are not closed", filled("<a>")),
        (
            "a comment without end",
            format!("<MonitorStart><!--{}", filled("-")),
        ),
        (
            "entities of entities",
            format!("<!DOCTYPE x [<!ENTITY e0 \"ha\">{bomb}]><MonitorStart>&e9;</MonitorStart>"),
        ),
    ]
}

/// The whole of a body in copies of a piece.
fn filled(piece: &str) -> String {
    piece.repeat((LARGEST - 1024) / piece.len())
}

fn request(inner: &str) -> String {
    format!(
        "<MonitorStart xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed5\">{inner}</MonitorStart>"
    )
}
