//! Messages of the registrar: queries and subscriptions of clients, changes by operators, and notifications to clients.

use std::{collections::HashSet, sync::Arc};

use actix::{Message, Recipient};
use uacsta_schema::{csta::DeviceId, phone_id::PhoneId};

use super::client_list::{ConnectedClient, DescribeClient, EndClient};
use crate::{
    ConfigChanged,
    directory::{Entry, LineFilter, LineKey, LineSummary, NoLine},
    phone::{Phone, Status as PhoneStatus},
    phone_list::{EntryChange, ListedPhone, StoreError},
    reason::{Code, Reason},
    sip::connection::Shut,
    supervision::RestartableAddr,
};

/// A client connected, and receives notifications of changes.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ClientConnected {
    /// The client, for added, removed or moved lines.
    pub lines_changed: Recipient<LinesChanged>,
    /// The client, for changed settings.
    pub config_changed: Recipient<ConfigChanged>,
    /// The client, for the server's shutdown.
    pub stopping: Recipient<Stopping>,
    /// The client's connection, which closes after that.
    pub shut: Recipient<Shut>,
    /// How it logged on.
    pub client: Arc<ConnectedClient>,
    /// The client, for operators who list its sessions.
    pub describe: Recipient<DescribeClient>,
    /// The client, for operators who end it.
    pub end: Recipient<EndClient>,
}

/// A client ended.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ClientEnded(pub Recipient<LinesChanged>);

/// Lines were added, removed or moved. Clients receive two notifications: one without lines at the end of the turn, since
/// names may mean other lines now; and one with the lines a moment later.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct LinesChanged {
    /// The user parts or numbers of lines that may have moved to another phone, gathered for 200 ms.
    pub moved: Arc<HashSet<Box<str>>>,
}

/// [`ServerContext::accounts`](crate::ServerContext) has changed: the clients' rights are read again.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct AccountsChanged;

/// The server is about to stop. The receiver answers when it has sent its last messages.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Stopping;

/// Looks up the line that a client's name means.
#[derive(Debug, Message)]
#[rtype(result = "Result<Line, NoLine>")]
pub struct FindLine {
    /// The client's name of the line.
    pub name: DeviceId,
    /// The session's line, which its name keeps if possible.
    pub session: Option<Entry>,
}

/// A line, and the phone that has it.
#[derive(Clone, Debug)]
pub struct Line {
    /// The line's names.
    pub entry: Entry,
    /// The actor of the phone.
    pub phone: RestartableAddr<Phone>,
    /// The phone's other lines; a client keeps those that are hidden from it.
    pub others: Vec<Entry>,
}

/// Requests a page of the lines of enabled phones, in the order of their names. A line that exists throughout is on exactly
/// one page; a line that is added or removed meanwhile may be on none.
#[derive(Debug, Message)]
#[rtype(result = "LinePage")]
pub struct ListLines {
    /// The requested lines.
    pub filter: LineFilter,
    /// The last line of the page before; `None` for the first page.
    pub after: Option<LineKey>,
}

/// A page of lines.
#[derive(Debug, Default)]
pub struct LinePage {
    /// The lines and the models of their phones.
    pub lines: Vec<(Entry, String)>,
    /// Whether this is the last page.
    pub is_last: bool,
}

/// Subscribes a session of a client to the status of its lines: the client is notified at once, and after each change.
/// Replaces the session's former subscription.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct SubscribeStatus {
    /// The client.
    pub to: Recipient<LineStatus>,
    /// The client's session.
    pub key: u64,
    /// The lines that the session sees.
    pub lines: LineFilter,
}

/// Ends the subscription of a session.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct UnsubscribeStatus {
    /// The client.
    pub to: Recipient<LineStatus>,
    /// The client's session.
    pub key: u64,
}

/// The status of a session's lines.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct LineStatus {
    /// The client's session.
    pub key: u64,
    /// How many lines there are, and how many are under control.
    pub lines: LineSummary,
}

/// Requests a page of the phone list, in the order of the phones' names; an empty page is the end. A phone that is listed
/// throughout is on exactly one page.
#[derive(Debug, Message)]
#[rtype(result = "Vec<PhoneDetails>")]
pub struct ListPhones {
    /// The last phone of the page before; `None` for the first page.
    pub after: Option<PhoneId>,
}

/// Requests a listed phone by its name, or by the user of one of its lines.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Option<PhoneDetails>")]
pub struct GetPhone(pub PhoneId);

/// Requests the actor of a listed phone; a phone that has not come since the start has none.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Option<RestartableAddr<Phone>>")]
pub struct FindPhone(pub PhoneId);

/// A listed phone and its status.
#[derive(Clone, Debug)]
pub struct PhoneDetails {
    /// The entry as it is stored.
    pub entry: ListedPhone,
    /// How the phone can be reached.
    pub status: PhoneStatus,
    /// Since when, in seconds since 1970-01-01T00:00:00Z; `None` if that is before the server's start.
    pub since: Option<u64>,
    /// Why it is not controlled.
    pub reason: Option<Reason>,
    /// Whether the entry's last change is not on disk.
    pub unsaved: bool,
}

/// Requests the lines of a page of phones, also of disabled ones, in the order of the phones' names.
#[derive(Debug, Message)]
#[rtype(result = "LineDetailsPage")]
pub struct ListLineDetails {
    /// [`LineDetailsPage::last`] of the page before; `None` for the first page.
    pub after: Option<PhoneId>,
}

/// Requests the lines of a phone; none if it is not listed.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Vec<LineDetails>")]
pub struct GetLineDetails(pub PhoneId);

/// The lines of some phones.
#[derive(Debug, Default)]
pub struct LineDetailsPage {
    /// The lines.
    pub lines: Vec<LineDetails>,
    /// The last phone; `None` behind the last page.
    pub last: Option<PhoneId>,
}

/// A line and its status.
#[derive(Clone, Debug)]
pub struct LineDetails {
    /// The line's names, and its phone.
    pub entry: Entry,
    /// An operator's name of the phone.
    pub display_name: Option<String>,
    /// The phone's actor; `None` if the phone has not come since the server's start.
    pub actor: Option<RestartableAddr<Phone>>,
    /// How the phone can be reached.
    pub status: PhoneStatus,
    /// Since when, in seconds since 1970-01-01T00:00:00Z; `None` if that is before the server's start.
    pub since: Option<u64>,
    /// Why the line cannot be controlled.
    pub reason: Option<Reason>,
}

/// Enables, disables or names a phone: a disabled one is neither controlled nor monitored. Answered when it is on disk.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<(), ChangeError>")]
pub struct ChangePhone {
    /// The phone.
    pub phone: PhoneId,
    /// The change, which takes effect as a whole.
    pub change: EntryChange,
}

/// Lists a phone that has not come yet, in operation. Answered when it is on disk.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<(), ChangeError>")]
pub struct AddPhone {
    /// The phone.
    pub phone: PhoneId,
    /// Its [`ListedPhone::display_name`].
    pub display_name: Option<String>,
}

/// Removes a phone that is away from the list, and frees its lines. If the phone registers again, it counts as new.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<(), ChangeError>")]
pub struct RemovePhone(pub PhoneId);

/// Why an operator's change failed.
#[derive(Clone, Debug)]
pub enum ChangeError {
    /// The phone is not listed.
    Unknown(PhoneId),
    /// A registered phone cannot be removed, since it would be listed again at once.
    Registered(PhoneId),
    /// The phone is listed already.
    Listed(PhoneId),
    /// Phones log on with their MAC address alone.
    Extension(PhoneId),
    /// The list has as many phones without lines as it may have.
    TooMany,
    /// The list cannot be written.
    Store(StoreError),
}

/// Queries whether the phone list is on disk.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "OnDisk")]
pub struct IsOnDisk;

/// Counts the listed phones by status: away, registered, controlled.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "[usize; 3]")]
pub struct CountPhones;

/// Counts the listed phones by the code of their reason, in the order of [`Code::ALL`].
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "[usize; Code::ALL.len()]")]
pub struct CountReasons;

/// How much of the phone list is on disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OnDisk {
    /// Whether the last write succeeded.
    pub writable: bool,
    /// Phones whose last change is not on disk, including those that are being written.
    pub unsaved: usize,
}
