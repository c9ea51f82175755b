//! What the registrar is asked and told.

use std::{collections::HashSet, sync::Arc};

use actix::{Message, Recipient};
use uacsta_schema::{csta::DeviceId, phone_id::PhoneId};

use super::Stopping;
use crate::{
    ConfigChanged,
    directory::{Entry, LineFilter, LineKey, NoLine},
    phone::{Phone, Status as PhoneStatus},
    phone_list::ListedPhone,
    sip::connection::Shut,
    supervision::RestartableAddr,
};

/// Asks which line a client means.
#[derive(Debug, Message)]
#[rtype(result = "Result<Line, NoLine>")]
pub struct FindLine {
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
    pub phone: RestartableAddr<Phone>,
    /// The phone's other lines.
    pub others: Vec<Entry>,
}

/// Asks for a page of the lines of enabled phones, in the order of their names. Who asks for page after page gets each line once
/// that is there all the time; one that comes or goes meanwhile may be among them or not.
#[derive(Debug, Message)]
#[rtype(result = "LinePage")]
pub struct ListLines {
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
pub struct ClientConnected {
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
#[rtype(result = "Vec<PhoneDetails>")]
pub struct ListPhones {
    /// The last phone of the page before; none: from the beginning.
    pub after: Option<PhoneId>,
}

/// A phone of the list, with what is known of it now.
#[derive(Clone, Debug, serde::Serialize)]
pub struct PhoneDetails {
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
