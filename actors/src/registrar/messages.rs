//! What the registrar is asked and told.

use std::{collections::HashSet, net::SocketAddr, sync::Arc, time::Duration};

use actix::{Addr, Message, Recipient};
use uacsta_schema::{csta::DeviceId, phone_id::PhoneId, sip};

use super::{ConfigChanged, PhoneBinding, RegisterIdentity, Stopping};
use crate::{
    directory::{Entry, LineFilter, LineKey, NoLine},
    phone::{
        Phone, RestartState, Status as PhoneStatus, Subscribe,
        uas::{Flow, PhoneUas},
    },
    phone_list::ListedPhone,
    sip::{
        connection::{OrphanRequest, Shut},
        responder::Responder,
    },
};

/// A REGISTER that its connection cannot respond to by itself.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Register {
    /// Whom it names, which its sender has proved.
    pub identity: RegisterIdentity,
    /// What it says.
    pub request: sip::Request,
    /// Where it came from.
    pub address: SocketAddr,
    /// The connection that it came on.
    pub flow: Flow,
    /// Its response.
    pub responder: Responder,
}

/// A binding ended on its connection: it was not refreshed in time, or the connection ended.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct BindingEnded {
    /// The binding.
    pub binding: Arc<PhoneBinding>,
    /// Until when it was to last, as time since the server's start.
    pub until: Duration,
    /// Why, for the log.
    pub reason: Box<str>,
}

/// A phone's dialog continues on another connection, and its binding with it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct BindingMoved {
    /// The binding on the connection where the dialog was.
    pub former: Arc<PhoneBinding>,
    /// The binding on the connection where it is.
    pub binding: Arc<PhoneBinding>,
}

/// A request in a dialog that its link does not own, from who says to be this phone.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Strayed {
    /// The phone, or the extension that it is known by.
    pub from: PhoneId,
    /// The request.
    pub stray: OrphanRequest<PhoneUas>,
}

/// A phone listed its lines.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Listed {
    /// The phone.
    pub phone: PhoneId,
    /// Its lines.
    pub lines: Vec<DeviceId>,
}

/// How a phone can be reached now.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Reached {
    /// The phone.
    pub phone: PhoneId,
    /// How.
    pub status: PhoneStatus,
    /// Why not better, in words.
    pub reason: Option<String>,
}

/// A phone's actor ended, by a panic if the server is not stopping.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Ended {
    /// The phone.
    pub phone: PhoneId,
    /// Its actor.
    pub actor: Addr<Phone>,
    /// What the actor that takes its place goes on with.
    pub restart_state: RestartState,
}

/// There are fewer licences than seats in use: a phone or line whose seat is withdrawn gives it back and asks anew.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Reseat;

/// Licensing failed: who is due a seat and has none asks its successor.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Recount;

/// Asks which line a client means.
#[derive(Debug, Message)]
#[rtype(result = "Result<Line, NoLine>")]
pub struct Find {
    /// What the client calls it.
    pub name: DeviceId,
    /// What the name meant last in the session that it opened, which stays with its line.
    pub session: Option<Entry>,
}

/// A line, and the phone that has it.
#[derive(Clone, Debug)]
pub struct Line {
    /// The line's names.
    pub entry: Entry,
    /// The phone.
    pub phone: Addr<Phone>,
    /// The phone's other lines.
    pub others: Vec<Entry>,
}

/// A client ends its subscription at a phone whose actor was replaced.
#[derive(Message)]
#[rtype(result = "()")]
pub struct ToPhone {
    /// The phone.
    pub phone: PhoneId,
    /// The subscription.
    pub subscribe: Subscribe,
}

/// Asks for a page of the lines of enabled phones, in the order of their names. Who asks for page after page gets each line once
/// that is there all the time; one that comes or goes meanwhile may be among them or not.
#[derive(Debug, Message)]
#[rtype(result = "LinePage")]
pub struct Lines {
    /// The lines that are wanted.
    pub filter: LineFilter,
    /// The last line of the page before; none: from the beginning.
    pub after: Option<LineKey>,
}

/// Some lines.
#[derive(Debug, Default)]
pub struct LinePage {
    /// The lines and the models of their phones.
    pub lines: Vec<(Entry, String)>,
    /// Whether no other follow.
    pub is_last: bool,
}

/// A client enters, to be told what it must know.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Enter {
    /// For when lines come, go or move.
    pub lines_changed: Recipient<LinesChanged>,
    /// For when the operator changed what it may do.
    pub config_changed: Recipient<ConfigChanged>,
    /// For the server's end.
    pub stopping: Recipient<Stopping>,
    /// Its connection, which ends after that.
    pub shut: Recipient<Shut>,
}

/// Lines came, went or moved. Clients hear at once, of no line, that names may mean other lines now, and a moment later which lines
/// those are.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct LinesChanged {
    /// The user parts or numbers of lines that may be another phone's now, gathered for 200 ms.
    pub moved: Arc<HashSet<Box<str>>>,
}

/// Asks for a page of the phone list, in the order of the MAC addresses; an empty one is the end. Who asks for page after
/// page gets each phone once that is listed all the time.
#[derive(Debug, Message)]
#[rtype(result = "Vec<Listing>")]
pub struct List {
    /// The last phone of the page before; none: from the beginning.
    pub after: Option<PhoneId>,
}

/// A phone of the list, with what is known of it now.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Listing {
    /// As it is stored.
    #[serde(flatten)]
    pub entry: ListedPhone,
    /// How it can be reached.
    pub status: PhoneStatus,
    /// Why not better, in words.
    pub reason: Option<String>,
    /// Whether the disk lacks its last change; it is written when the disk takes it.
    pub unsaved: bool,
}
