//! The server: its version and running time, listeners, counts, and the service for telephones and clients.

use actix_web::HttpResponse;
use askama::Template;
use serde::Deserialize;

use super::{
    frame::{Frame, answer},
    settings::interfaces,
};
use crate::api::{Shown, Visitor};

/// The server as a whole.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    pub(super) version: String,
    pub(super) started_at: String,
    pub(super) service: Service,
    pub(super) phones: Phones,
    pub(super) monitored_lines: usize,
    pub(super) client_sessions: usize,
    pub(super) connections: Connections,
    pub(super) phone_list: PhoneList,
    pub(super) warnings: Vec<String>,
}

/// The service for telephones and clients.
#[derive(Debug, Deserialize)]
pub(super) struct Service {
    state: String,
    since: Option<String>,
    by: Option<String>,
}

/// Listed telephones by state.
#[derive(Debug, Deserialize)]
pub(super) struct Phones {
    pub(super) listed: usize,
    pub(super) away: usize,
    pub(super) registered: usize,
    pub(super) controlled: usize,
}

/// Open SIP connections.
#[derive(Debug, Deserialize)]
pub(super) struct Connections {
    pub(super) open: usize,
    pub(super) unauthenticated: usize,
}

/// Whether the telephone list is on disk.
#[derive(Debug, Deserialize)]
pub(super) struct PhoneList {
    pub(super) writable: bool,
    pub(super) unsaved: usize,
}

impl Service {
    pub(super) fn is_running(&self) -> bool {
        self.state == "running"
    }
}

#[derive(Template)]
#[template(path = "server.html")]
struct Page {
    frame: Frame,
    status: Status,
    phones: Vec<(&'static str, String)>,
    clients: Vec<(&'static str, String)>,
}

/// Shows the server.
pub(super) async fn show(visitor: Visitor) -> HttpResponse {
    let page = page(&visitor).await;
    answer(&visitor, "server", page)
}

async fn page(visitor: &Visitor) -> Shown<Page> {
    Ok(Page {
        frame: Frame::new(visitor, "server", "phones,clients,settings"),
        status: visitor.status().await?,
        phones: interfaces(visitor, "phones")?,
        clients: interfaces(visitor, "clients")?,
    })
}
