//! Values for the unit tests of the client's machines; the actors behind their addresses do not run.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use actix::{Actor, AsyncContext, Context, Handler};
use uacsta_schema::csta::{DeviceId, Dialect, Document, MonitorFilter};

use super::requests::CstaRequest;
use crate::{
    directory::Entry,
    monitor::{ClientAddrs, MonitorStopped, Subscriber},
    phone::Phone,
    registrar::Line,
    sip::{
        connection::Overrun,
        responder::{Respond, Responder},
        session::{Notify, SessionId},
    },
};

/// An actor that never starts.
struct Sink;

impl Actor for Sink {
    type Context = Context<Self>;
}

macro_rules! takes {
    ($($message:ident),+) => {
        $(impl Handler<$message> for Sink {
            type Result = ();
            fn handle(&mut self, _: $message, _: &mut Self::Context) {}
        })+
    };
}

takes!(Notify, Overrun, Respond, MonitorStopped);

/// A line of a phone.
pub(super) fn line(phone: &str, device: &str) -> Arc<Line> {
    Arc::new(Line {
        entry: Entry::alone(phone.parse().unwrap(), DeviceId::from(device)),
        phone: crate::supervision::RestartableAddr::new(Context::<Phone>::new().address()),
        others: Vec::new(),
    })
}

/// A subscription with this cross reference.
pub(crate) fn subscriber(cross_ref: &str) -> Subscriber {
    let sink = Context::<Sink>::new().address();
    Subscriber {
        cross_ref: cross_ref.into(),
        session: SessionId::NONE,
        client: Arc::new(ClientAddrs {
            user: "anna".into(),
            events: sink.clone().recipient(),
            overrun: sink.clone().recipient(),
            stopped: sink.recipient(),
        }),
        dialect: Dialect::default(),
        filter: MonitorFilter::default(),
        in_service: None,
    }
}

/// A document of edition 3: the root element and its content.
pub(super) fn document(root: &str, content: &str) -> Document {
    let text = format!(
        "<{root} xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\">{content}</{root}>"
    );
    Document::read(text.into()).unwrap()
}

/// A request in a session; its response is dropped.
pub(super) fn request(session: u64, root: &str, content: &str) -> CstaRequest {
    CstaRequest {
        session,
        phone: None,
        document: Arc::new(document(root, content)),
        reply: Responder::to(Context::<Sink>::new().address().recipient()),
    }
}
