//! The connected clients as operators list and end them.

use std::sync::Arc;

use actix::{Handler, Message, MessageResult, Recipient};
use uacsta_schema::{phone_id::PhoneId, sip::Transport};

use super::Registrar;

/// A connected client, as it logged on.
#[derive(Debug)]
pub struct ConnectedClient {
    /// The user that logged on, truncated.
    pub user: Box<str>,
    /// Whether a trusted front end named the user.
    pub by_front_end: bool,
    /// The address of its connection.
    pub peer: std::net::SocketAddr,
    /// `None` where no messages are recorded.
    pub transport: Option<Transport>,
    /// When it logged on, in seconds since 1970-01-01T00:00:00Z.
    pub since: u64,
}

/// Requests all connected clients, those that logged on first at the front.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Vec<ListedClient>")]
pub struct ListClients;

/// A connected client, and how it is asked and ended.
#[derive(Clone, Debug)]
pub struct ListedClient {
    /// No other client has it, also after a restart of the server.
    pub number: u64,
    /// How it logged on.
    pub client: Arc<ConnectedClient>,
    /// Asks the client.
    pub describe: Recipient<DescribeClient>,
    /// Ends the client.
    pub end: Recipient<EndClient>,
}

/// Asks a client for its sessions and monitors.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "ClientState")]
pub struct DescribeClient {
    /// The most sessions and the most monitored lines that are listed; all are counted.
    pub most: usize,
}

/// What a client does.
#[derive(Clone, Debug, Default)]
pub struct ClientState {
    /// Open CSTA sessions.
    pub sessions: usize,
    /// Monitors in all sessions.
    pub monitors: usize,
    /// Requests without a response.
    pub pending: usize,
    /// Requests since the log-on.
    pub requests: u64,
    /// Some of the sessions.
    pub open: Vec<OpenClientSession>,
    /// The names of some of the monitored lines, each once.
    pub lines: Vec<String>,
}

/// A session of a client.
#[derive(Clone, Debug)]
pub struct OpenClientSession {
    /// The client's name for the line; `None` for a session with the server.
    pub line: Option<String>,
    /// The phone of the line.
    pub phone: Option<PhoneId>,
}

/// Ends a client in order: its registrations, its sessions, then its connection, unless that carries others too.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct EndClient {
    /// Why, for the log.
    pub reason: Box<str>,
}

impl Handler<ListClients> for Registrar {
    type Result = MessageResult<ListClients>;

    fn handle(&mut self, _: ListClients, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.clients.listed())
    }
}
