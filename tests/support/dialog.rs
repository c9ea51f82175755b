//! A dialog as a peer keeps it, the same for both roles (RFC 3261, section 12).

use super::sip::{Message, address, parameter, unique};

/// One dialog seen from our end.
#[derive(Clone, Debug)]
pub struct Dialog {
    /// The Call-ID.
    pub call_id: String,
    /// Our From value, tag included.
    pub local: String,
    /// The peer's, tag included.
    pub remote: String,
    /// Where in-dialog requests go: the peer's Contact.
    pub target: String,
    /// The route set, in the order of use.
    pub routes: Vec<String>,
    /// The number of our last request.
    pub cseq: u32,
    /// The number of the peer's last request.
    pub peer_cseq: u32,
}

impl Dialog {
    /// The dialog that the peer's INVITE opens and our tag completes (RFC 3261, section 12.1.1).
    pub fn called(invite: &Message, tag: &str) -> Self {
        Self {
            call_id: invite.must("Call-ID").to_owned(),
            local: format!("{};tag={tag}", invite.must("To")),
            remote: invite.must("From").to_owned(),
            target: address(invite.must("Contact")).to_owned(),
            routes: invite.all("Record-Route").map(str::to_owned).collect(),
            cseq: 0,
            peer_cseq: invite.cseq(),
        }
    }

    /// The dialog that the peer's 200 to our INVITE opens (RFC 3261, section 12.1.2).
    pub fn calling(invite: &Message, answer: &Message) -> Self {
        let mut routes: Vec<String> = answer.all("Record-Route").map(str::to_owned).collect();
        routes.reverse();
        Self {
            call_id: invite.must("Call-ID").to_owned(),
            local: invite.must("From").to_owned(),
            remote: answer.must("To").to_owned(),
            target: address(answer.must("Contact")).to_owned(),
            routes,
            cseq: invite.cseq(),
            peer_cseq: 0,
        }
    }

    /// The next request in this dialog, with that Via (RFC 3261, section 12.2.1.1).
    pub fn request(&mut self, method: &str, via: String) -> Message {
        if method != "ACK" {
            self.cseq += 1;
        }
        // A strict router is the Request-URI, and the target the last of the routes.
        let strict = self.routes.first().filter(|route| !route.contains(";lr"));
        let mut request =
            Message::request(method, strict.map_or(&self.target, |route| address(route)))
                .with("Via", via)
                .with("Max-Forwards", 70)
                .with("From", &self.local)
                .with("To", &self.remote)
                .with("Call-ID", &self.call_id)
                .with("CSeq", format!("{} {method}", self.cseq));
        for route in self.routes.iter().skip(usize::from(strict.is_some())) {
            request = request.with("Route", route);
        }
        if strict.is_some() {
            request = request.with("Route", format!("<{}>", self.target));
        }
        request
    }

    /// Whether a request of the peer belongs here, by Call-ID and tags.
    pub fn owns(&self, request: &Message) -> bool {
        let tag = |value: &str| parameter(value, "tag").map(str::to_owned);
        request.header("Call-ID") == Some(&self.call_id)
            && request.header("To").and_then(tag) == tag(&self.local)
            && request.header("From").and_then(tag) == tag(&self.remote)
    }
}

/// A fresh tag.
pub fn tag() -> String {
    unique("t")
}
