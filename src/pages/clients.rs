//! The connected clients, with what each has open.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{
    frame::{Frame, answer},
    shared::{List, query},
};
use crate::api::{Shown, Visitor};

/// What is asked of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    q: String,
    after: String,
}

#[derive(Template)]
#[template(path = "clients.html")]
struct Page {
    frame: Frame,
    asked: Asked,
    list: List<Client>,
    interfaces: Vec<(&'static str, String)>,
}

/// A connected client.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Client {
    id: String,
    user: String,
    by_front_end: bool,
    address: String,
    transport: Option<String>,
    since: Option<String>,
    sessions: usize,
    monitors: usize,
    pending_requests: usize,
}

/// Shows the list.
pub(super) async fn show(visitor: Visitor, asked: web::Query<Asked>) -> HttpResponse {
    let page = page(&visitor, asked.into_inner()).await;
    answer(&visitor, "clients", page)
}

async fn page(visitor: &Visitor, asked: Asked) -> Shown<Page> {
    let wanted = query(&[
        ("limit", "100"),
        ("q", asked.q.trim()),
        ("after", &asked.after),
    ]);
    Ok(Page {
        frame: Frame::new(visitor, "clients", "clients"),
        list: visitor.clients(&wanted).await?,
        interfaces: super::settings::interfaces(visitor, "clients")?,
        asked,
    })
}

impl Page {
    fn following(&self, next: &str) -> String {
        format!(
            "/clients?{}",
            query(&[("q", &self.asked.q), ("after", next)])
        )
    }
}
