//! The SIP messages in the trace of a program.

/// A SIP message as a program wrote it to its trace, without its body.
#[derive(Clone, Debug)]
pub struct Traced(Vec<String>);

/// All messages of a trace, in order. A message begins with its start line and ends with an empty line.
pub fn messages(trace: &str) -> Vec<Traced> {
    let mut messages = Vec::new();
    let mut current: Option<Vec<String>> = None;
    for line in trace.lines().map(str::trim_end) {
        match &mut current {
            Some(lines) if line.is_empty() => {
                messages.push(Traced(std::mem::take(lines)));
                current = None;
            }
            Some(lines) => lines.push(line.to_owned()),
            None if line.starts_with("SIP/2.0 ") || line.ends_with(" SIP/2.0") => {
                current = Some(vec![line.to_owned()]);
            }
            None => {}
        }
    }
    messages
}

impl Traced {
    /// The method of a request, the status code of a response.
    pub fn kind(&self) -> &str {
        let mut words = self.0[0].split(' ');
        match words.next() {
            Some("SIP/2.0") => words.next().unwrap_or_default(),
            word => word.unwrap_or_default(),
        }
    }

    /// A header field; empty without it.
    pub fn header(&self, name: &str) -> &str {
        let found = self.0.iter().skip(1).find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.trim().eq_ignore_ascii_case(name).then_some(value)
        });
        found.unwrap_or_default().trim()
    }

    /// Whether it is such a message (a method, or a status code) for that user, by its To.
    pub fn is(&self, kind: &str, user: &str) -> bool {
        self.kind() == kind && self.header("To").contains(&format!("sip:{user}@"))
    }

    /// Whether it accepts a REGISTER of that user.
    pub fn registers(&self, user: &str) -> bool {
        self.is("200", user) && self.header("CSeq").ends_with(" REGISTER")
    }
}

#[test]
fn messages_are_found_between_other_lines() {
    let trace = "TCP a -> b\r\nINVITE sip:1@a SIP/2.0\r\nTo: <sip:1@a>\r\n\r\n<x/>\n12:00 log\nSIP/2.0 200 OK\nCSeq: 2 REGISTER\nTo: sip:2@a;tag=1\n\n";
    let found = messages(trace);
    assert_eq!(found.len(), 2);
    assert!(found[0].is("INVITE", "1") && !found[0].is("INVITE", "2"));
    assert!(found[1].registers("2"));
}
