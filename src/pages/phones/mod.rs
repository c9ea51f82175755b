//! Telephones: the list of all, with search, order and filters, and the page of one.

pub(super) mod one;
mod view;

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

pub(super) use self::view::Phone;
use super::{
    frame::{Frame, answer},
    shared::{List, query},
    status::Status,
};
use crate::api::{Shown, Visitor};

/// What is asked of the list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    q: String,
    sort: String,
    after: String,
    show: String,
    reason: String,
}

#[derive(Template)]
#[template(path = "phones.html")]
struct Page {
    frame: Frame,
    asked: Asked,
    list: List<Phone>,
    status: Status,
    /// Where phones register, as the settings have it: TCP, then TLS.
    interfaces: Vec<(&'static str, String)>,
}

/// A column of the list: the member that it is sorted by, and the key of its heading.
struct Column {
    member: &'static str,
    key: &'static str,
}

const COLUMNS: [Column; 8] = [
    Column {
        member: "state",
        key: "phone-state",
    },
    Column {
        member: "displayName",
        key: "phone-name",
    },
    Column {
        member: "maker",
        key: "phone-maker",
    },
    Column {
        member: "id",
        key: "phone-mac",
    },
    Column {
        member: "address",
        key: "phone-address",
    },
    Column {
        member: "",
        key: "phone-identity",
    },
    Column {
        member: "lastLogOnAt",
        key: "phone-last-log-on",
    },
    Column {
        member: "inOperation",
        key: "phone-in-operation",
    },
];

/// Shows the list.
pub(super) async fn list(visitor: Visitor, asked: web::Query<Asked>) -> HttpResponse {
    let page = page(&visitor, asked.into_inner()).await;
    answer(&visitor, "telephones", page)
}

async fn page(visitor: &Visitor, asked: Asked) -> Shown<Page> {
    let (state, in_operation) = match asked.show.as_str() {
        "red" => ("registered", "true"),
        "away" => ("away", "true"),
        "off" => ("", "false"),
        _ => ("", ""),
    };
    let wanted = query(&[
        ("limit", "100"),
        ("q", &asked.q),
        ("sort", &asked.sort),
        ("after", &asked.after),
        ("state", state),
        ("inOperation", in_operation),
        ("reason", &asked.reason),
    ]);
    Ok(Page {
        frame: Frame::new(visitor, "telephones", "phones"),
        list: visitor.phones(&wanted).await?,
        status: visitor.status().await?,
        interfaces: super::settings::interfaces(visitor, "phones")?,
        asked,
    })
}

impl Page {
    fn columns(&self) -> &'static [Column] {
        &COLUMNS
    }

    /// The address of this list with another order: that of the column, or its reverse.
    fn sorted(&self, column: &Column) -> String {
        let reversed = format!("-{}", column.member);
        let sort = match self.asked.sort == column.member {
            true => reversed.as_str(),
            false => column.member,
        };
        self.link(&Asked {
            sort: sort.to_owned(),
            after: String::new(),
            ..self.asked.clone()
        })
    }

    /// How the list is sorted by a column, as `aria-sort` has it.
    fn order(&self, column: &Column) -> &'static str {
        match self.asked.sort.strip_prefix('-') {
            Some(member) if member == column.member => "descending",
            None if !column.member.is_empty() && self.asked.sort == column.member => "ascending",
            _ => "none",
        }
    }

    /// The address of this list with another filter.
    fn filtered(&self, show: &str) -> String {
        let (show, after) = (show.to_owned(), String::new());
        self.link(&Asked {
            show,
            after,
            reason: String::new(),
            ..self.asked.clone()
        })
    }

    /// The address of the next page.
    fn following(&self, next: &str) -> String {
        self.link(&Asked {
            after: next.to_owned(),
            ..self.asked.clone()
        })
    }

    fn link(&self, asked: &Asked) -> String {
        let written = query(&[
            ("q", &asked.q),
            ("sort", &asked.sort),
            ("show", &asked.show),
            ("reason", &asked.reason),
            ("after", &asked.after),
        ]);
        format!("/telephones?{written}")
    }

    /// Whether the list has no phone at all, and not for its filters.
    fn is_unused(&self) -> bool {
        self.status.phones.listed == 0
    }
}
