//! How a maker's phones behave, read from `tools/simulator/makers`, and documents in their style.

use serde::Deserialize;

use super::csta::namespace;

/// A maker's phones; the keys are explained in tools/simulator/makers/README.md.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maker {
    /// The maker's name.
    pub name: String,
    /// The model.
    pub model: String,
    /// The User-Agent.
    pub user_agent: String,
    /// The first six digits of the MAC address.
    pub oui: String,
    /// The edition of its documents.
    pub edition: u8,
    /// The prefix of its elements.
    pub prefix: String,
    /// How its documents begin.
    pub declaration: String,
    /// Whether blank lines stand between its elements.
    pub blank_lines: bool,
    /// How it spells its lines.
    pub line: String,
    /// How it names its calls.
    pub call: String,
    /// The SIP status of its refusals.
    pub refusal: u16,
    /// Whether its refusals carry a document.
    pub refusal_document: bool,
    /// With which hash it challenges the server's INVITE; empty: with none.
    pub challenge: String,
    /// Services that it refuses.
    pub lacks: Vec<String>,
    /// Events that it never sends.
    pub omits: Vec<String>,
}

/// How somebody puts documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    /// The edition's number.
    pub edition: u8,
    /// The prefix of the elements, empty for none.
    pub prefix: String,
    /// What stands before the root.
    pub declaration: String,
    /// Whether blank lines stand between elements.
    pub blank_lines: bool,
}

impl Maker {
    /// All that have a table.
    pub fn all() -> Vec<Self> {
        let tables = [
            include_str!("../../tools/simulator/makers/snom.toml"),
            include_str!("../../tools/simulator/makers/yealink.toml"),
            include_str!("../../tools/simulator/makers/mitel.toml"),
            include_str!("../../tools/simulator/makers/auerswald.toml"),
            include_str!("../../tools/simulator/makers/fanvil.toml"),
        ];
        tables.map(|table| toml::from_str(table).unwrap()).into()
    }

    /// A MAC address of the maker's, bare.
    pub fn mac(&self, serial: u32) -> String {
        format!("{}{serial:06x}", self.oui)
    }

    /// The same with colons, as the phone list has it.
    pub fn address(&self, serial: u32) -> String {
        let bare = self.mac(serial);
        let pairs: Vec<&str> = (0..6).map(|at| &bare[2 * at..2 * at + 2]).collect();
        pairs.join(":")
    }

    /// A line as it spells it.
    pub fn line(&self, number: &str) -> String {
        self.line
            .replace("{number}", number)
            .replace("{host}", "pbx.example")
    }

    /// A call as it names it.
    pub fn call(&self, serial: u32) -> String {
        self.call.replace("{serial}", &serial.to_string())
    }

    /// How it puts documents.
    pub fn style(&self) -> Style {
        Style {
            edition: self.edition,
            prefix: self.prefix.clone(),
            declaration: self.declaration.clone(),
            blank_lines: self.blank_lines,
        }
    }
}

impl Style {
    /// Of a client: no declaration, no blank lines.
    pub fn of_client(edition: u8, prefix: &str) -> Self {
        Self {
            edition,
            prefix: prefix.to_owned(),
            declaration: String::new(),
            blank_lines: false,
        }
    }

    /// The same in another edition, as a relay leaves it.
    pub fn in_edition(&self, edition: u8) -> Self {
        Self {
            edition,
            ..self.clone()
        }
    }

    /// The namespace.
    pub fn namespace(&self) -> String {
        namespace(&format!("ed{}", self.edition))
    }

    /// A document: elements of `inner` that have no prefix are CSTA's.
    pub fn document(&self, name: &str, inner: &str) -> String {
        let (open, declares) = match self.prefix.as_str() {
            "" => (name.to_owned(), "xmlns".to_owned()),
            prefix => (format!("{prefix}:{name}"), format!("xmlns:{prefix}")),
        };
        let mut inner = self.prefixed(inner);
        if self.blank_lines {
            inner = inner.replace("><", ">\r\n\r\n<");
        }
        let line = if self.declaration.is_empty() {
            ""
        } else {
            "\n"
        };
        let space = self.namespace();
        format!(
            "{}{line}<{open} {declares}=\"{space}\">{inner}</{open}>",
            self.declaration
        )
    }

    fn prefixed(&self, inner: &str) -> String {
        if self.prefix.is_empty() {
            return inner.to_owned();
        }
        let mut out = String::new();
        let mut pieces = inner.split('<');
        out.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            let (slash, rest) = piece
                .strip_prefix('/')
                .map_or(("", piece), |rest| ("/", rest));
            let name = rest.split(['>', ' ', '/']).next().unwrap_or_default();
            out.push('<');
            out.push_str(slash);
            if !name.contains(':') && name.starts_with(|c: char| c.is_ascii_alphabetic()) {
                out.push_str(&self.prefix);
                out.push(':');
            }
            out.push_str(rest);
        }
        out
    }
}

#[test]
fn documents_follow_the_style_of_their_sender() {
    let style = Style {
        blank_lines: true,
        ..Style::of_client(2, "c")
    };
    assert_eq!(
        style.document("A", "<b/><!-- c --><v:d xmlns:v=\"urn:v\">1</v:d><e>2</e>"),
        "<c:A xmlns:c=\"http://www.ecma.ch/standards/ecma-323/csta/ed2\"><c:b/>\r\n\r\n<!-- c -->\r\n\r\n<v:d xmlns:v=\"urn:v\">1</v:d>\r\n\r\n<c:e>2</c:e></c:A>"
    );
}
