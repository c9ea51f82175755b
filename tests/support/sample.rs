//! Samples of CSTA documents in a short notation, with content that relaying must not change.

/// Who and what a sample speaks of, in its sender's words.
#[derive(Clone, Debug)]
pub struct Names {
    /// The line.
    pub line: String,
    /// The other party.
    pub other: String,
    /// The line's calls.
    pub calls: [String; 3],
}

/// What stands at the end of each sample: a comment, and private data with a namespace of its own.
const TAIL: &str = "<!-- as it came: > -->\
    <extensions><privateData><private><v:mark xmlns:v=\"urn:vendor\" v:kind='a&lt;b'>A &amp; B <v:monitorCrossRefID>7</v:monitorCrossRefID></v:mark></private></privateData></extensions>";

/// Spells a sample out. `{line}` and `{other}` are devices, `{call}`, `{second}` and `{third}` connections of the line,
/// `{far}` the first call at the other party, `{to}` a destination as `written`, the document's edition, has it.
/// What stands in `{6:...}` came with the sixth edition: it is there if `known`, the oldest edition on the way, is that young.
pub fn sample(text: &str, known: u8, written: u8, names: &Names) -> String {
    let at =
        |call: &str, device: &str| format!("<callID>{call}</callID><deviceID>{device}</deviceID>");
    let [first, second, third] = &names.calls;
    let to = match written {
        6 => format!("<device>{}</device>", names.other),
        _ => names.other.clone(),
    };
    let text = text
        .replace("{call}", &at(first, &names.line))
        .replace("{second}", &at(second, &names.line))
        .replace("{third}", &at(third, &names.line))
        .replace("{far}", &at(first, &names.other))
        .replace("{to}", &to)
        .replace("{line}", &names.line)
        .replace("{other}", &names.other);
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("{6:") {
        let (young, after) = after.split_once('}').expect("a sample closes its braces");
        out.push_str(before);
        if known >= 6 {
            out.push_str(young);
        }
        rest = after;
    }
    out + rest + TAIL
}
