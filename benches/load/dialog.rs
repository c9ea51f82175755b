//! A dialog as one of its ends keeps it, for both roles (RFC 3261, section 12).

use std::cell::Cell;

use crate::{
    sip::{self, Heading, Message, address},
    wire::Wire,
};

/// One dialog seen from our end.
#[derive(Debug)]
pub(crate) struct Dialog {
    call_id: String,
    local: String,
    remote: String,
    target: String,
    /// Route lines in the order of use.
    routes: String,
    cseq: Cell<u32>,
}

impl Dialog {
    /// The dialog that the peer's INVITE opens and our tag completes (section 12.1.1).
    pub(crate) fn called(invite: &Message<'_>, tag: &str) -> Option<Self> {
        Some(Self {
            call_id: invite.field("Call-ID")?.to_owned(),
            local: format!("{};tag={tag}", invite.field("To")?),
            remote: invite.field("From")?.to_owned(),
            target: address(invite.field("Contact")?).to_owned(),
            routes: invite
                .all("Record-Route")
                .map(|route| format!("Route: {route}\r\n"))
                .collect(),
            cseq: Cell::new(0),
        })
    }

    /// The dialog that the 200 to our INVITE opens (section 12.1.2).
    pub(crate) fn calling(answer: &Message<'_>, cseq: u32) -> Option<Self> {
        let mut routes: Vec<String> = answer
            .all("Record-Route")
            .map(|route| format!("Route: {route}\r\n"))
            .collect();
        routes.reverse();
        Some(Self {
            call_id: answer.field("Call-ID")?.to_owned(),
            local: answer.field("From")?.to_owned(),
            remote: answer.field("To")?.to_owned(),
            target: address(answer.field("Contact")?).to_owned(),
            routes: routes.concat(),
            cseq: Cell::new(cseq),
        })
    }

    /// A dialog that both ends take for given: what goes through a bare pipe.
    pub(crate) fn given(number: usize) -> Self {
        Self {
            call_id: format!("given-{number}@bench.example"),
            local: format!("<sip:{number}@bench.example>;tag=a{number}"),
            remote: "<sip:pipe@bench.example>;tag=b".to_owned(),
            target: "sip:pipe@127.0.0.1;transport=tcp".to_owned(),
            routes: String::new(),
            cseq: Cell::new(0),
        }
    }

    /// The next request in this dialog (section 12.2.1.1); `ticket` tells its answer from others.
    pub(crate) fn request(&self, wire: &Wire, method: &str, ticket: u64, body: &str) -> String {
        if method != "ACK" {
            self.cseq.set(self.cseq.get() + 1);
        }
        let heading = Heading {
            method,
            uri: &self.target,
            via: &wire.via(ticket),
            from: &self.local,
            to: &self.remote,
            call_id: &self.call_id,
            cseq: self.cseq.get(),
        };
        sip::request(&heading, &self.routes, body)
    }
}
