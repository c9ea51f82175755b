//! What all answers have: `Request-Id`, problems as JSON, and `ETag` for single resources.

use std::fmt;

use actix_web::{
    Error, HttpMessage as _, HttpRequest, HttpResponse, Responder,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH,
        },
    },
    middleware::Next,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{
    language,
    problem::{Kind, Problem},
    rates::Standing,
};
use crate::{
    data_dir::LastChange,
    texts::{Language, Text},
};

/// The number of a request, in its answer, in the log and in the audit log.
#[derive(Clone, Debug)]
pub(super) struct RequestId(String);

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

impl RequestId {
    fn new() -> Self {
        // Without randomness the number tells nothing, and all else works.
        Self(format!("{:08x}", getrandom::u32().unwrap_or_default()))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Numbers the request, and writes the body of a refusal in the language that the request prefers.
pub(super) async fn finish(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = RequestId::new();
    request.extensions_mut().insert(id.clone());
    let mut response = next.call(request).await?.map_into_boxed_body();
    let mut language = response.request().extensions().get::<Language>().copied();
    if let Some(problem) = refusal(&response) {
        let accepted = Language::accepted(response.request().headers());
        language = Some(accepted);
        let body = problem.body(accepted, &id.0);
        response = response.map_body(|_, _| BoxBody::new(body));
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(CONTENT_TYPE, json);
    }
    let status = response.status().as_u16();
    let asked = response.request();
    tracing::debug!(request = %id, method = %asked.method(), path = asked.path(), status, "API request answered");
    let standing = asked.extensions().get::<Standing>().copied();
    let headers = response.headers_mut();
    if let Some(standing) = standing {
        standing.tell(headers);
    }
    if let Some(language) = language {
        language::tell(language, headers);
    }
    if !headers.contains_key(CACHE_CONTROL) {
        let private = HeaderValue::from_static("private, no-cache");
        headers.insert(CACHE_CONTROL, private);
    }
    if let Ok(id) = HeaderValue::from_str(&id.0) {
        headers.insert(REQUEST_ID, id);
    }
    Ok(response)
}

/// The problem of a response that is an error.
fn refusal(response: &ServiceResponse) -> Option<Problem> {
    let error = response.response().error()?;
    Some(match error.as_error::<Problem>() {
        Some(problem) => problem.clone(),
        None => Problem::blank(response.status(), Text::verbatim(error)),
    })
}

/// A single resource: answered with its ETag, or 304 if the client has it (RFC 9110, section 13.1.2).
#[derive(Debug)]
pub(super) struct Tagged<T>(pub(super) T);

impl<T: Serialize> Responder for Tagged<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let body = json(&self.0);
        let tag = tag_of_json(&body);
        if names(&tags(request, &IF_NONE_MATCH), &tag) {
            return HttpResponse::NotModified()
                .insert_header((ETAG, tag))
                .finish();
        }
        HttpResponse::Ok()
            .insert_header((ETAG, tag))
            .content_type("application/json")
            .body(body)
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    // Values of ours always have a JSON form.
    serde_json::to_vec(value).unwrap_or_default()
}

/// The ETag of a value as [`Tagged`] answers it.
fn tag_of(value: &impl Serialize) -> String {
    tag_of_json(&json(value))
}

fn tag_of_json(body: &[u8]) -> String {
    let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(body));
    format!("\"{}\"", hash.get(..16).unwrap_or_default())
}

/// The states of a resource for which a change is: those that `If-Match` names (RFC 9110, section 13.1.1).
#[derive(Clone, Debug)]
pub(super) struct IfMatch(Option<Vec<String>>);

impl IfMatch {
    /// Any state if the request names none.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let is_there = request.headers().contains_key(IF_MATCH);
        Self(is_there.then(|| tags(request, &IF_MATCH)))
    }

    /// That of a request that must name one (RFC 6585, section 3).
    pub(super) fn needed(request: &HttpRequest) -> Result<Self, Problem> {
        let detail = Text::new("name-the-state");
        let named = Self::of(request);
        match named.0 {
            Some(_) => Ok(named),
            None => Err(Problem::new(Kind::IF_MATCH_NEEDED, detail)),
        }
    }

    /// Checks the `current` state, to which the `last` change led; nothing may change it before the change is made.
    pub(super) fn check(
        &self,
        current: &impl Serialize,
        last: Option<LastChange>,
    ) -> Result<(), Problem> {
        let is_meant = |named: &Vec<String>| names(named, &tag_of(current));
        match self.0.as_ref().is_none_or(is_meant) {
            true => Ok(()),
            false => Err(changed_meanwhile(current, last)),
        }
    }
}

/// A change is for a former state of a resource that is in its `current` state since the `last` change.
pub(super) fn changed_meanwhile(current: &impl Serialize, last: Option<LastChange>) -> Problem {
    let detail = Text::new("changed-since");
    Problem::new(Kind::CHANGED_MEANWHILE, detail)
        .with(ETAG, &tag_of(current))
        .changed(last)
}

fn tags(request: &HttpRequest, field: &HeaderName) -> Vec<String> {
    let fields = request.headers().get_all(field);
    let fields = fields.filter_map(|field| field.to_str().ok());
    let tags = fields.flat_map(|field| field.split(','));
    tags.map(|tag| tag.trim().to_owned()).collect()
}

/// Whether a list of tags has this one. Tags are compared weakly, since proxies that compress make them weak.
fn names(tags: &[String], tag: &str) -> bool {
    let mut tags = tags.iter();
    tags.any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

/// 201 with the place of what was made.
pub(super) fn created(location: &str, body: &impl Serialize) -> HttpResponse {
    HttpResponse::build(StatusCode::CREATED)
        .insert_header(("Location", location))
        .json(body)
}

/// 202 with the place of the operation that goes on.
pub(super) fn accepted(location: &str, body: &impl Serialize) -> HttpResponse {
    HttpResponse::build(StatusCode::ACCEPTED)
        .insert_header(("Location", location))
        .json(body)
}
