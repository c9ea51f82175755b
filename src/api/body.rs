//! Bodies of requests: JSON, every member of which is known.

use std::{pin::Pin, rc::Rc};

use actix_web::{
    Error, FromRequest, HttpMessage as _, HttpRequest,
    dev::Payload,
    http::{Method, StatusCode},
    web::Bytes,
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use super::{
    access, audit,
    connection::Peer,
    problem::{Kind, Problem, wrong_value},
};
use crate::texts::Text;

/// A JSON body. A PATCH may be a merge patch (RFC 7396).
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = is_json(request);
        let octets = Bytes::from_request(request, payload);
        let peer = request.conn_data::<Rc<Peer>>().cloned();
        let request = request.clone();
        Box::pin(async move {
            if !is_json {
                let detail = Text::new("body-not-json");
                return Err(Problem::blank(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail).into());
            }
            // The rest of the body may not have arrived, and is read also from somebody who has not logged on.
            if let Some(peer) = &peer {
                peer.set_answering(false);
            }
            let octets = octets.await;
            if let Some(peer) = &peer {
                peer.set_answering(true);
            }
            let octets = octets?;
            access::check_again(&request)?;
            let value = json(&octets)?;
            audit::note_after(&request, &value);
            Ok(Self(typed(value)?))
        })
    }
}

fn is_json(request: &HttpRequest) -> bool {
    match request.content_type() {
        "application/json" => true,
        "application/merge-patch+json" => request.method() == Method::PATCH,
        _ => false,
    }
}

fn json(octets: &[u8]) -> Result<Value, Problem> {
    let value: Value = serde_json::from_slice(octets).map_err(|error| {
        let detail = Text::new("body-unreadable").with("error", error.to_string());
        Problem::new(Kind::UNREADABLE, detail)
    })?;
    if !value.is_object() {
        let detail = Text::new("body-no-object");
        return Err(Problem::invalid([(String::new(), detail)]));
    }
    Ok(value)
}

fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let mut pointer = String::new();
        for name in path.split(['.', '[', ']']).filter(|name| !name.is_empty()) {
            pointer.push('/');
            pointer.push_str(name);
        }
        let error = error.into_inner().to_string();
        if pointer == "/" || path == "." {
            pointer.clear();
        }
        // An unknown or missing member is named in the text alone, before those that are known.
        let mut names = error.split('`').skip(1).step_by(2);
        let name = names.next().unwrap_or_default();
        let wrong = if error.starts_with("unknown field `") {
            let known = names.collect::<Vec<_>>().join(", ");
            let known = if known.is_empty() { "none" } else { &known };
            Text::new("unknown-member").with("known", known)
        } else if error.starts_with("missing field `") {
            Text::new("missing-member")
        } else {
            return Problem::invalid([(pointer, wrong_value(error))]);
        };
        if !pointer.ends_with(&format!("/{name}")) {
            pointer = format!("{pointer}/{name}");
        }
        Problem::invalid([(pointer, wrong)])
    })
}

/// Reads a member of a merge patch that may be left out, but not be null.
pub(super) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::texts::Language;

    fn read<T: DeserializeOwned>(octets: &[u8]) -> Result<T, Problem> {
        typed(json(octets)?)
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Change {
        #[serde(default, deserialize_with = "present")]
        in_operation: Option<bool>,
        #[serde(default)]
        rights: Vec<Right>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Right {
        level: u8,
    }

    #[test]
    fn wrong_member_is_named_by_its_pointer() {
        for (body, status, pointer) in [
            ("{", 400, ""),
            ("", 400, ""),
            ("[]", 422, ""),
            ("{\"inOperation\": 1}", 422, "/inOperation"),
            ("{\"inOperation\": null}", 422, "/inOperation"),
            ("{\"in_operation\": true}", 422, "/in_operation"),
            ("{\"rights\": [{\"level\": 1}, {}]}", 422, "/rights/1/level"),
            (
                "{\"rights\": [{\"level\": 1, \"x\": 1}]}",
                422,
                "/rights/0/x",
            ),
        ] {
            let problem = read::<Change>(body.as_bytes())
                .unwrap_err()
                .body(Language::English, "");
            let told: Value = serde_json::from_slice(&problem).unwrap();
            assert_eq!(told["status"], status, "{body}: {told}");
            let named = told["violations"][0]["pointer"].as_str();
            assert_eq!(named.unwrap_or_default(), pointer, "{body}: {told}");
        }
        let change: Change = read(b"{\"rights\": [{\"level\": 3}]}").unwrap();
        assert_eq!((change.in_operation, change.rights[0].level), (None, 3));
    }
}
