//! Who looks at the pages, and what they are shown: the answers of the API's own resources.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, dev::Payload, error::InternalError,
    http::header::LOCATION, web,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use uacsta_actors::ladder::Party;
use uacsta_schema::phone_id::PhoneId;

use super::{
    Api,
    access::{LogOn, granted, still_logged_on},
    page::Page,
    problem::Problem,
    resources::{
        audit, certificate, clients, licenses, lines, logs, operators, phones, settings, status,
        trace::TracedMessage,
    },
};
use crate::{operators::Right, texts::Language};

/// An operator who has logged on in a browser.
pub(crate) struct Visitor {
    log_on: LogOn,
    api: web::Data<Api>,
    readers: web::Data<logs::LogReaders>,
    /// The language of the pages.
    pub(crate) language: Language,
}

/// Why a page has nothing to show.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// The status of the answer.
    pub(crate) status: u16,
    /// What is wrong and what to do.
    pub(crate) detail: String,
}

/// What a page is shown.
pub(crate) type Shown<T> = Result<T, Refusal>;

/// Where the page to log on is.
pub(crate) const LOG_ON: &str = "/log-on";
/// The field of a request by which a page that is open refreshes itself, which does not prolong the session.
const REFRESH: &str = "uacsta-refresh";

impl FromRequest for Visitor {
    type Error = InternalError<&'static str>;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request).ok_or_else(|| {
            let to_log_on = HttpResponse::SeeOther()
                .insert_header((LOCATION, LOG_ON))
                .finish();
            InternalError::from_response("not logged on", to_log_on)
        }))
    }
}

impl Visitor {
    fn of(request: &HttpRequest) -> Option<Self> {
        let log_on = match request.headers().contains_key(REFRESH) {
            true => still_logged_on(request)?,
            false => granted(request, Some(Right::Read)).ok()?,
        };
        Some(Self {
            log_on,
            api: request.app_data::<web::Data<Api>>()?.clone(),
            readers: request.app_data::<web::Data<logs::LogReaders>>()?.clone(),
            language: Language::accepted(request.headers()),
        })
    }

    /// The name of the log-on.
    pub(crate) fn name(&self) -> &str {
        &self.log_on.name
    }

    /// Whether it may do what needs this right.
    pub(crate) fn may(&self, right: Right) -> bool {
        super::access::may(&self.log_on, right)
    }

    /// A page of the phones.
    pub(crate) async fn phones<T: DeserializeOwned>(&self, query: &str) -> Shown<T> {
        let page = self.page(query)?;
        self.shown(phones::page_of(&self.api, self.language, &page).await)
    }

    /// A phone.
    pub(crate) async fn phone<T: DeserializeOwned>(&self, name: &str) -> Shown<T> {
        let found = phones::found(&self.api, name).await;
        self.shown(found.map(|phone| phones::Phone::new(phone, self.language)))
    }

    /// A page of the lines.
    pub(crate) async fn lines<T: DeserializeOwned>(&self, query: &str) -> Shown<T> {
        let page = self.page(query)?;
        self.shown(lines::page_of(&self.api, &self.log_on, self.language, &page).await)
    }

    /// The last SIP messages of a phone, the oldest first.
    pub(crate) async fn trace<T: DeserializeOwned>(&self, phone: &str) -> Shown<T> {
        let Ok(phone) = phone.parse::<PhoneId>() else {
            return self.shown(Ok(Vec::<TracedMessage>::new()));
        };
        let kept = self.api.context.ladder.read(&Party::Phone(phone)).await;
        let kept: Vec<_> = kept.iter().map(TracedMessage::of).collect();
        self.shown(Ok(kept))
    }

    /// A page of the connected clients.
    pub(crate) async fn clients<T: DeserializeOwned>(&self, query: &str) -> Shown<T> {
        let page = self.page(query)?;
        self.shown(clients::page_of(&self.api, &page).await)
    }

    /// The server as a whole.
    pub(crate) async fn status<T: DeserializeOwned>(&self) -> Shown<T> {
        self.shown(status::of(&self.api, self.language).await)
    }

    /// The licences and what uses them.
    pub(crate) async fn licenses<T: DeserializeOwned>(&self) -> Shown<T> {
        self.shown(licenses::current(&self.api, self.language).await)
    }

    /// The TLS certificate in use.
    pub(crate) fn certificate<T: DeserializeOwned>(&self) -> Shown<T> {
        self.shown(Ok(certificate::of(&self.api, self.language)))
    }

    /// All settings.
    pub(crate) fn settings<T: DeserializeOwned>(&self) -> Shown<T> {
        self.shown(Ok(settings::all(&self.api)))
    }

    /// A page of the named operators.
    pub(crate) fn operators<T: DeserializeOwned>(&self, query: &str) -> Shown<T> {
        let page = self.page(query)?;
        self.shown(operators::page_of(&self.api, &page))
    }

    /// A page of the audit log.
    pub(crate) async fn audit<T: DeserializeOwned>(&self, query: &str) -> Shown<T> {
        let page = self.page(query)?;
        self.shown(audit::page_of(&self.api, &page).await)
    }

    /// A page of the lines of the log.
    pub(crate) async fn log<T: DeserializeOwned>(&self, query: &str) -> Shown<T> {
        let page = self.page(query)?;
        self.shown(logs::page_of(&self.api, &self.readers, &page).await)
    }

    fn page<F: DeserializeOwned>(&self, query: &str) -> Shown<Page<F>> {
        Page::read(query).map_err(|problem| self.refusal(&problem))
    }

    /// An answer of the API as the pages read it.
    fn shown<T: DeserializeOwned>(&self, answer: Result<impl Serialize, Problem>) -> Shown<T> {
        let answer = answer.map_err(|problem| self.refusal(&problem))?;
        let read = serde_json::to_value(answer).and_then(serde_json::from_value);
        read.map_err(|error| Refusal {
            status: 500,
            detail: error.to_string(),
        })
    }

    fn refusal(&self, problem: &Problem) -> Refusal {
        let body: Value =
            serde_json::from_slice(&problem.body(self.language, "")).unwrap_or_default();
        let status = body["status"].as_u64();
        Refusal {
            status: status
                .and_then(|status| status.try_into().ok())
                .unwrap_or(500),
            detail: body["detail"].as_str().unwrap_or_default().to_owned(),
        }
    }
}
