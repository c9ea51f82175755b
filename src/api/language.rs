//! The language of an answer, by the request's Accept-Language.

use std::{
    convert::Infallible,
    future::{Ready, ready},
};

use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest,
    dev::Payload,
    http::header::{ACCEPT_LANGUAGE, CONTENT_LANGUAGE, HeaderMap, HeaderValue, VARY},
};

use crate::texts::Language;

/// An operation that takes it has an answer that differs by language.
impl FromRequest for Language {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let language = Self::accepted(request.headers());
        request.extensions_mut().insert(language);
        ready(Ok(language))
    }
}

/// Says in the head of an answer that it is in this language, and why (RFC 9110, sections 8.5 and 12.5.5).
pub(super) fn tell(language: Language, headers: &mut HeaderMap) {
    let tag = HeaderValue::from_static(language.tag());
    headers.insert(CONTENT_LANGUAGE, tag);
    headers.insert(VARY, ACCEPT_LANGUAGE.into());
}
