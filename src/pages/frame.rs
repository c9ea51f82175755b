//! What all pages have: navigation, who has logged on, and the texts in the reader's language.

use std::borrow::Borrow;

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{CONTENT_LANGUAGE, HeaderValue, VARY},
    },
};
use askama::Template;

use crate::{
    api::{Refusal, Shown, Visitor, file},
    operators::Right,
    texts::{Language, Value},
};

/// The frame of a page.
pub(super) struct Frame {
    /// The first part of the page's path.
    active: &'static str,
    /// The topics whose changes the page shows, separated by commas.
    pub(super) topics: &'static str,
    /// The name of the log-on.
    pub(super) name: String,
    right: Right,
    language: Language,
}

/// Something in the navigation: path, and key of its text.
pub(super) struct Place {
    pub(super) path: &'static str,
    pub(super) key: &'static str,
}

const PLACES: [Place; 10] = [
    Place::new("overview", "page-overview"),
    Place::new("telephones", "page-telephones"),
    Place::new("clients", "page-clients"),
    Place::new("settings/phones", "page-phone-connection"),
    Place::new("settings/clients", "page-client-connection"),
    Place::new("settings/advanced", "page-advanced"),
    Place::new("licences", "page-licences"),
    Place::new("log", "page-log"),
    Place::new("server", "page-server"),
    Place::new("operators", "page-operators"),
];

impl Place {
    const fn new(path: &'static str, key: &'static str) -> Self {
        Self { path, key }
    }
}

impl Frame {
    pub(super) fn new(visitor: &Visitor, active: &'static str, topics: &'static str) -> Self {
        let rights = [Right::Admin, Right::Operate];
        let right = rights.into_iter().find(|right| visitor.may(*right));
        Self {
            active,
            topics,
            name: visitor.name().to_owned(),
            right: right.unwrap_or(Right::Read),
            language: visitor.language,
        }
    }

    pub(super) fn lang(&self) -> &'static str {
        self.language.tag()
    }

    /// The text of a key.
    pub(super) fn t(&self, key: &str) -> String {
        self.language.text(key)
    }

    /// The text of a key with `$count`.
    pub(super) fn count(&self, key: &str, count: impl Borrow<usize>) -> String {
        self.language
            .text_with(key, &[("count", (*count.borrow()).into())])
    }

    /// The text of a key with `$name`.
    pub(super) fn of(&self, key: &str, name: impl AsRef<str>) -> String {
        self.language
            .text_with(key, &[("name", Value::from(name.as_ref()))])
    }

    pub(super) fn places(&self) -> impl Iterator<Item = &'static Place> {
        let is_admin = self.may_administer();
        PLACES
            .iter()
            .filter(move |place| is_admin || place.path != "operators")
    }

    pub(super) fn is_active(&self, place: &Place) -> bool {
        place.path == self.active
    }

    pub(super) fn may_operate(&self) -> bool {
        self.right >= Right::Operate
    }

    pub(super) fn may_administer(&self) -> bool {
        self.right >= Right::Admin
    }
}

/// A page that says why there is nothing to show.
#[derive(Template)]
#[template(path = "refused.html")]
struct Refused {
    frame: Frame,
    detail: String,
}

/// Answers a page, or why it cannot be shown.
pub(super) fn answer<T: Template>(
    visitor: &Visitor,
    active: &'static str,
    page: Shown<T>,
) -> HttpResponse {
    let (status, written) = match page {
        Ok(page) => (200, page.render()),
        Err(Refusal { status, detail }) => {
            let frame = Frame::new(visitor, active, "");
            (status, Refused { frame, detail }.render())
        }
    };
    match written {
        Ok(html) => {
            let mut response = file("text/html; charset=utf-8", html.into());
            *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
            let headers = response.headers_mut();
            headers.insert(CONTENT_LANGUAGE, language_header(visitor.language));
            headers.insert(VARY, VARIES);
            response
        }
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}

const VARIES: HeaderValue = HeaderValue::from_static("Accept-Language, Cookie");

fn language_header(language: Language) -> HeaderValue {
    HeaderValue::from_static(language.tag())
}
