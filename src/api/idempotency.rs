//! `Idempotency-Key`: a POST that is repeated gets the first answer, and is carried out once.

use std::{
    collections::HashMap,
    rc::Rc,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use actix_http::h1;
use actix_web::{
    Error, HttpMessage as _, HttpRequest, HttpResponse,
    body::{self, BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::{self, Bytes},
};
use sha2::{Digest as _, Sha256};

use super::{
    access::{self, LogOn, Needed},
    connection::Peer,
    language,
    problem::{Kind, Problem},
};
use crate::texts::{Language, Text};

/// The field that names a request.
pub(super) const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The most characters of a key.
pub(super) const LONGEST: usize = 255;
/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(600);
/// How many requests of a log-on are kept.
const MOST: usize = 256;
/// The most octets of all answers.
const OCTETS: usize = 16 << 20;

/// The answers that are kept, by log-on and key.
#[derive(Default)]
pub(super) struct Answers(Mutex<HashMap<(String, String), Entry>>);

/// A request with a key.
struct Entry {
    /// A hash of all that was asked for.
    request: [u8; 32],
    at: Instant,
    /// `None` while it is carried out.
    answer: Option<Kept>,
}

/// An answer, for those who have the right that its request needed.
#[derive(Clone)]
struct Kept {
    needed: Option<Needed>,
    answer: Answer,
}

#[derive(Clone)]
enum Answer {
    Done(StatusCode, HeaderMap, Bytes),
    Refused(Problem),
}

/// Marks a request whose first answer was sent again.
pub(super) struct Replayed;

impl Answers {
    /// Begins a request; the answer if it was carried out before.
    fn begin(&self, key: &(String, String), request: [u8; 32]) -> Result<Option<Kept>, Problem> {
        let mut all = self.lock();
        all.retain(|_, entry| entry.answer.is_none() || entry.at.elapsed() < KEPT);
        if let Some(entry) = all.get(key) {
            if entry.request != request {
                let detail = Text::new("key-of-another-request");
                return Err(Problem::new(Kind::KEY_REUSED, detail));
            }
            let answer = entry.answer.clone();
            let detail = Text::new("still-in-progress");
            return answer
                .map(Some)
                .ok_or_else(|| Problem::new(Kind::REQUEST_IN_PROGRESS, detail));
        }
        let own = |(log_on, _): &&(String, String)| *log_on == key.0;
        if all.keys().filter(own).count() >= MOST {
            remove_oldest(&mut all, |(log_on, _)| *log_on == key.0);
        }
        let entry = Entry {
            request,
            at: Instant::now(),
            answer: None,
        };
        all.insert(key.clone(), entry);
        Ok(None)
    }

    /// The request was carried out; without an answer to keep it may be repeated.
    fn end(&self, key: &(String, String), answer: Option<Kept>) {
        let mut all = self.lock();
        match (answer, all.get_mut(key)) {
            (Some(answer), Some(entry)) => entry.answer = Some(answer),
            _ => drop(all.remove(key)),
        }
        while all.values().map(Entry::octets).sum::<usize>() > OCTETS {
            remove_oldest(&mut all, |_| true);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String), Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn octets(&self) -> usize {
        match self.answer.as_ref().map(|kept| &kept.answer) {
            Some(Answer::Done(_, _, body)) => body.len(),
            _ => 0,
        }
    }
}

fn remove_oldest(
    all: &mut HashMap<(String, String), Entry>,
    is_one: impl Fn(&(String, String)) -> bool,
) {
    let over = all
        .iter()
        .filter(|(key, entry)| is_one(key) && entry.answer.is_some());
    let oldest = over.min_by_key(|(_, entry)| entry.at);
    let oldest = oldest.map(|(key, _)| key.clone());
    oldest.map(|key| all.remove(&key));
}

/// A request that is carried out. It may be repeated if this is dropped before its end.
struct Begun {
    answers: web::Data<Answers>,
    key: (String, String),
    answer: Option<Kept>,
}

impl Begun {
    /// Keeps the answer, unless a repetition could have another outcome.
    fn keep(&mut self, request: &HttpRequest, status: StatusCode, answer: impl FnOnce() -> Answer) {
        let may_differ = [
            StatusCode::UNAUTHORIZED,
            StatusCode::FORBIDDEN,
            StatusCode::TOO_MANY_REQUESTS,
        ];
        if !status.is_server_error() && !may_differ.contains(&status) {
            self.answer = Some(Kept {
                needed: access::needed(request),
                answer: answer(),
            });
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.answers.end(&self.key, self.answer.take());
    }
}

/// Answers a repeated POST as the first one.
pub(super) async fn replay(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(key) = asked(&request) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let key = match key {
        Ok(key) => key,
        Err(problem) => return Ok(request.error_response(problem)),
    };
    let body = match read(&mut request).await {
        Ok(body) => body,
        Err(error) => return Ok(request.error_response(error)),
    };
    let answers = request.app_data::<web::Data<Answers>>().cloned();
    // The log-on may have ended before the body came.
    let log_on = access::still_logged_on(request.request());
    let (Some(answers), Some(log_on)) = (answers, log_on) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let key = (log_on.party(), key);
    match answers.begin(&key, hash(&request, &body)) {
        Ok(None) => {}
        Ok(Some(kept)) if kept.needed.is_none_or(|needed| needed.is_held_by(&log_on)) => {
            return Ok(replayed(request, &log_on, kept.answer));
        }
        // Refused by its handler.
        Ok(Some(_)) => return Ok(next.call(request).await?.map_into_boxed_body()),
        Err(problem) => return Ok(request.error_response(problem)),
    }
    let mut begun = Begun {
        answers,
        key,
        answer: None,
    };
    let response = next.call(request).await?;
    let (request, response) = response.into_parts();
    let refusal = response
        .error()
        .and_then(|error| error.as_error::<Problem>());
    if let Some(problem) = refusal {
        begun.keep(&request, response.status(), || {
            Answer::Refused(problem.clone())
        });
        return Ok(ServiceResponse::new(
            request,
            response.map_into_boxed_body(),
        ));
    }
    let (mut head, body) = response.into_parts();
    if let Some(language) = request.extensions().get::<Language>() {
        language::tell(*language, head.headers_mut());
    }
    let body = body::to_bytes(body).await.unwrap_or_default();
    begun.keep(&request, head.status(), || {
        Answer::Done(head.status(), head.headers().clone(), body.clone())
    });
    let response = head.set_body(BoxBody::new(body));
    Ok(ServiceResponse::new(request, response))
}

/// The key of a request; `None` if it has none, or is not carried out for anybody.
fn asked(request: &ServiceRequest) -> Option<Result<String, Problem>> {
    let key = request
        .headers()
        .get(&KEY)
        .filter(|_| request.method() == Method::POST)?;
    // The answer to a log-on is a secret that nobody needs twice.
    access::asker(request.request()).filter(|_| !request.path().ends_with("/session"))?;
    let text = key
        .to_str()
        .ok()
        .filter(|key| !key.is_empty() && key.len() <= LONGEST);
    let wrong = || {
        let detail = Text::new("key-length").with("most", LONGEST);
        Problem::new(Kind::INVALID, detail)
    };
    Some(text.map(str::to_owned).ok_or_else(wrong))
}

/// Reads the body, and leaves it to be read again.
async fn read(request: &mut ServiceRequest) -> Result<Bytes, Error> {
    let peer = request.request().conn_data::<Rc<Peer>>().cloned();
    if let Some(peer) = &peer {
        peer.authenticated();
        peer.set_answering(false);
    }
    let body = request.extract::<Bytes>().await;
    if let Some(peer) = &peer {
        peer.set_answering(true);
    }
    let body = body?;
    let (_, mut payload) = h1::Payload::create(true);
    payload.unread_data(body.clone());
    request.set_payload(Payload::from(payload));
    Ok(body)
}

fn hash(request: &ServiceRequest, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(request.uri().to_string().as_bytes());
    hash.update(b"\n");
    hash.update(body);
    hash.finalize().into()
}

fn replayed(request: ServiceRequest, log_on: &LogOn, answer: Answer) -> ServiceResponse<BoxBody> {
    if let Err(problem) = access::admit(request.request(), log_on) {
        return request.error_response(problem);
    }
    request.extensions_mut().insert(Replayed);
    let mut response = match answer {
        Answer::Refused(problem) => request.error_response(problem),
        Answer::Done(status, headers, body) => {
            let mut response = HttpResponse::new(status).set_body(BoxBody::new(body));
            *response.headers_mut() = headers;
            request.into_response(response)
        }
    };
    let is = HeaderValue::from_static("true");
    response.headers_mut().insert(REPLAYED, is);
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn key(log_on: &str, key: usize) -> (String, String) {
        (log_on.to_owned(), key.to_string())
    }

    fn done(octets: usize) -> Option<Kept> {
        let body = Bytes::from(vec![0; octets]);
        let answer = Answer::Done(StatusCode::CREATED, HeaderMap::new(), body);
        Some(Kept {
            needed: None,
            answer,
        })
    }

    #[test]
    fn key_is_refused_while_its_request_runs_and_free_if_that_has_no_answer() {
        let answers = Answers::default();
        let one = key("anna", 1);
        assert!(answers.begin(&one, [1; 32]).unwrap().is_none());
        for (request, status) in [([1; 32], 409), ([2; 32], 422)] {
            let problem = answers
                .begin(&one, request)
                .err()
                .unwrap()
                .body(Language::English, "");
            let problem: serde_json::Value = serde_json::from_slice(&problem).unwrap();
            assert_eq!(problem["status"], status, "{problem}");
        }
        answers.end(&one, None);
        assert!(answers.begin(&one, [2; 32]).unwrap().is_none());
        answers.end(&one, done(1));
        assert!(answers.begin(&one, [2; 32]).unwrap().is_some());
    }

    #[test]
    fn answers_are_bounded_by_log_on_and_octets() {
        let answers = Answers::default();
        for number in 0..=MOST {
            let one = key("anna", number);
            answers.begin(&one, [1; 32]).unwrap();
            answers.end(&one, done(0));
        }
        assert_eq!(answers.lock().len(), MOST);
        for number in 0..40 {
            let one = key("bert", number);
            answers.begin(&one, [1; 32]).unwrap();
            answers.end(&one, done(1 << 20));
        }
        let octets: usize = answers.lock().values().map(Entry::octets).sum();
        assert!(octets <= OCTETS, "{octets}");
        assert!(answers.lock().contains_key(&key("bert", 39)));
    }
}
