//! A minimal XML reader for CSTA documents, independent of the product's.

/// An element with what it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// The name with its prefix.
    pub name: String,
    /// Name and unescaped value of each attribute.
    pub attributes: Vec<(String, String)>,
    /// The elements inside, in order.
    pub children: Vec<Self>,
    /// The character data directly inside, unescaped and trimmed.
    pub text: String,
}

impl Element {
    /// Reads a document; an error says what is wrong with it.
    pub fn read(document: &str) -> Result<Self, String> {
        let mut rest = document.trim_start_matches('\u{feff}');
        let mut open: Vec<Self> = Vec::new();
        while let Some(start) = rest.find('<') {
            if let Some(element) = open.last_mut() {
                element.text.push_str(&unescaped(&rest[..start]));
            }
            rest = &rest[start..];
            if let Some(comment) = rest.strip_prefix("<!--") {
                rest = &comment[comment.find("-->").ok_or("a comment has no end")? + 3..];
                continue;
            }
            let end = tag_end(rest).ok_or("a tag has no end")?;
            let tag = &rest[1..end];
            rest = &rest[end + 1..];
            if tag.starts_with('?') || tag.starts_with('!') {
                continue;
            }
            if let Some(name) = tag.strip_prefix('/') {
                let closed = open.pop().ok_or("an end tag too many")?;
                if closed.name != name.trim() {
                    return Err(format!("<{}> is closed by </{name}>", closed.name));
                }
                if let Some(root) = attach(&mut open, closed) {
                    return Ok(root);
                }
                continue;
            }
            let empty = tag.ends_with('/');
            let element = start_tag(tag.trim_end_matches('/'))?;
            if !empty {
                open.push(element);
            } else if let Some(root) = attach(&mut open, element) {
                return Ok(root);
            }
        }
        Err(format!("no complete document: {document:?}"))
    }

    /// The name without its prefix.
    pub fn local(&self) -> &str {
        self.name.rsplit(':').next().unwrap_or("")
    }

    /// The prefix, empty when there is none.
    pub fn prefix(&self) -> &str {
        self.name.rsplit_once(':').map_or("", |(prefix, _)| prefix)
    }

    /// The namespace that the root declares for its own prefix.
    pub fn namespace(&self) -> &str {
        let wanted = if self.prefix().is_empty() {
            "xmlns".to_owned()
        } else {
            format!("xmlns:{}", self.prefix())
        };
        self.attributes
            .iter()
            .find(|(name, _)| *name == wanted)
            .map_or("", |(_, value)| value.as_str())
    }

    /// The last part of the namespace: `ed3`.
    pub fn edition(&self) -> &str {
        self.namespace().rsplit('/').next().unwrap_or("")
    }

    /// The element at a path of local names below this one.
    pub fn at(&self, path: &str) -> Option<&Self> {
        path.split('/').try_fold(self, |element, name| {
            element.children.iter().find(|child| child.local() == name)
        })
    }

    /// The text at a path, empty when there is no such element.
    pub fn text_at(&self, path: &str) -> &str {
        self.at(path).map_or("", |element| element.text.as_str())
    }
}

/// Text made fit to stand inside an element.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn attach(open: &mut [Element], mut closed: Element) -> Option<Element> {
    closed.text = closed.text.trim().to_owned();
    match open.last_mut() {
        Some(parent) => {
            parent.children.push(closed);
            None
        }
        None => Some(closed),
    }
}

fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
    }
    None
}

fn start_tag(tag: &str) -> Result<Element, String> {
    let tag = tag.trim();
    let (name, mut rest) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
    let mut attributes = Vec::new();
    while let Some((key, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let quote = after
            .chars()
            .next()
            .filter(|c| matches!(c, '"' | '\''))
            .ok_or_else(|| format!("no quote in <{tag}>"))?;
        let (value, left) = after[1..]
            .split_once(quote)
            .ok_or_else(|| format!("no end quote in <{tag}>"))?;
        attributes.push((key.trim().to_owned(), unescaped(value)));
        rest = left;
    }
    Ok(Element {
        name: name.to_owned(),
        attributes,
        ..Element::default()
    })
}

fn unescaped(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let named = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'");
    named
        .replace("&#43;", "+")
        .replace("&#x2B;", "+")
        .replace("&amp;", "&")
}
