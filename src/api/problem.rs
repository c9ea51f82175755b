//! Why the API refuses a request, as `application/problem+json` (RFC 9457).

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        Method, StatusCode,
        header::{ALLOW, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};
use serde::Serialize;
use utoipa::ToSchema;

use super::time::Time;
use crate::{
    data_dir::LastChange,
    texts::{Language, Text},
};

/// Where the types of problems are described.
pub(super) const TYPES: &str = "/api/v1/problems/";

/// A refusal.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    /// `None` where the status says all.
    kind: Option<Kind>,
    status: StatusCode,
    /// `None` where the violations say all.
    detail: Option<Text>,
    /// Pointers, and what is wrong with each.
    violations: Box<[(String, Text)]>,
    changed: Option<Box<Changed>>,
    /// Further fields of the answer's head.
    headers: Vec<(HeaderName, HeaderValue)>,
    closes: bool,
}

/// The body of a refusal.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub(super) struct ProblemBody {
    /// The kind of problem, a path below `/api/v1/problems/`, which describes it; `about:blank` where the status says all.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference")]
    kind: String,
    /// The kind in words.
    title: String,
    /// The status of the answer.
    status: u16,
    /// What is wrong and what to do.
    detail: String,
    /// The CSTA error, if a CSTA service failed.
    csta: Option<CstaError>,
    /// Who refused.
    by: By,
    /// The value of the answer's `Request-Id`.
    request_id: String,
    /// The members and parameters that are wrong.
    violations: Vec<Violation>,
    /// Of `changed-meanwhile`, the last change of the resource; null where it is not known.
    changed: Option<Changed>,
}

/// Who changed a resource last, and when.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Changed {
    /// The name of the log-on; `SIGHUP` for a signal.
    by: String,
    at: Time,
}

/// Who refused a request.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum By {
    Server,
}

/// A CSTA error (ECMA-269, section 12.2).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct CstaError {
    category: String,
    value: String,
}

/// A member or parameter that is wrong.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Violation {
    /// A JSON pointer (RFC 6901) into the body, or `?` and the name of a parameter.
    pointer: String,
    /// What is wrong with it.
    detail: String,
}

/// A kind of problem. Its texts have its name, with `-title` and `-description`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// The last part of its type.
    pub(super) name: &'static str,
    status: u16,
}

/// A kind of problem, described.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Kind)]
pub(super) struct KindShown {
    /// The last part of its type.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    name: &'static str,
    /// The kind in words.
    title: String,
    /// The status of such answers.
    status: u16,
    /// When it is given, and what to do.
    description: String,
}

impl Kind {
    const fn new(name: &'static str, status: u16) -> Self {
        Self { name, status }
    }

    pub(super) const UNREADABLE: Self = Self::new("unreadable", 400);
    pub(super) const INVALID: Self = Self::new("invalid", 422);
    pub(super) const NOT_LOGGED_ON: Self = Self::new("not-logged-on", 401);
    pub(super) const NO_RIGHT: Self = Self::new("no-right", 403);
    pub(super) const NOT_FOUND: Self = Self::new("not-found", 404);
    pub(super) const NO_SUCH_LINE: Self = Self::new("no-such-line", 404);
    pub(super) const AMBIGUOUS_LINE: Self = Self::new("ambiguous-line", 409);
    pub(super) const INVALID_STATE: Self = Self::new("invalid-state", 409);
    pub(super) const LINE_OUT_OF_SERVICE: Self = Self::new("line-out-of-service", 409);
    pub(super) const REQUEST_IN_PROGRESS: Self = Self::new("request-in-progress", 409);
    pub(super) const KEY_REUSED: Self = Self::new("key-reused", 422);
    pub(super) const CHANGED_MEANWHILE: Self = Self::new("changed-meanwhile", 412);
    pub(super) const IF_MATCH_NEEDED: Self = Self::new("if-match-needed", 428);
    pub(super) const TOO_MANY: Self = Self::new("too-many", 429);
    pub(super) const UNAVAILABLE: Self = Self::new("unavailable", 503);

    /// All kinds that have a type of their own.
    pub(super) const ALL: [Self; 15] = [
        Self::UNREADABLE,
        Self::INVALID,
        Self::NOT_LOGGED_ON,
        Self::NO_RIGHT,
        Self::NOT_FOUND,
        Self::NO_SUCH_LINE,
        Self::AMBIGUOUS_LINE,
        Self::INVALID_STATE,
        Self::LINE_OUT_OF_SERVICE,
        Self::REQUEST_IN_PROGRESS,
        Self::KEY_REUSED,
        Self::CHANGED_MEANWHILE,
        Self::IF_MATCH_NEEDED,
        Self::TOO_MANY,
        Self::UNAVAILABLE,
    ];

    fn title(self, language: Language) -> String {
        language.text(&format!("{}-title", self.name))
    }

    pub(super) fn shown(self, language: Language) -> KindShown {
        KindShown {
            name: self.name,
            title: self.title(language),
            status: self.status,
            description: language.text(&format!("{}-description", self.name)),
        }
    }
}

impl Problem {
    pub(super) fn new(kind: Kind, detail: Text) -> Self {
        let status = StatusCode::from_u16(kind.status);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self {
            kind: Some(kind),
            ..Self::blank(status, detail)
        }
    }

    /// A problem that its status describes.
    pub(super) fn blank(status: StatusCode, detail: Text) -> Self {
        Self {
            kind: None,
            status,
            detail: Some(detail),
            violations: Box::default(),
            changed: None,
            headers: Vec::new(),
            closes: false,
        }
    }

    /// Members or parameters are wrong: pointer and what is wrong, for each.
    pub(super) fn invalid(violations: impl IntoIterator<Item = (String, Text)>) -> Self {
        Self {
            detail: None,
            violations: violations.into_iter().collect(),
            ..Self::new(Kind::INVALID, Text::new("invalid-title"))
        }
    }

    /// A parameter is wrong.
    pub(super) fn parameter(name: &str, detail: Text) -> Self {
        Self::invalid([(format!("?{name}"), detail)])
    }

    /// A member of the body is wrong.
    pub(super) fn member(name: &str, detail: Text) -> Self {
        Self::invalid([(format!("/{name}"), detail)])
    }

    pub(super) fn not_logged_on() -> Self {
        let mut problem = Self::new(Kind::NOT_LOGGED_ON, Text::new("log-on-needed"));
        // RFC 9110, section 11.6.1, and RFC 6750, section 3.
        let challenge = HeaderValue::from_static("Bearer realm=\"uacsta\"");
        problem.headers.push((WWW_AUTHENTICATE, challenge));
        problem
    }

    /// The same problem, in other words.
    pub(super) fn because(self, detail: Text) -> Self {
        Self {
            detail: Some(detail),
            ..self
        }
    }

    /// The same problem, with the change that caused it.
    pub(super) fn changed(mut self, last: Option<LastChange>) -> Self {
        self.changed = last.map(|LastChange { by, at }| Box::new(Changed { by, at: Time(at) }));
        self
    }

    /// Too many requests or log-ons; RFC 6585, section 4.
    pub(super) fn too_many(detail: Text, seconds: u64) -> Self {
        Self::new(Kind::TOO_MANY, detail).with(RETRY_AFTER, &seconds.to_string())
    }

    /// RFC 9110, section 15.5.6.
    pub(super) fn method(method: &Method, allow: &str) -> Self {
        let detail = Text::new("method-not-allowed").with("method", method.as_str());
        let detail = detail.with("allow", allow);
        Self::blank(StatusCode::METHOD_NOT_ALLOWED, detail).with(ALLOW, allow)
    }

    pub(super) fn unavailable(detail: Text) -> Self {
        Self::new(Kind::UNAVAILABLE, detail)
    }

    /// Adds a field to the head of the answer.
    pub(super) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// Has the answer close the connection.
    pub(super) fn closing(self) -> Self {
        Self {
            closes: true,
            ..self
        }
    }

    /// What is wrong, in a language.
    fn detail(&self, language: Language) -> String {
        if let Some(detail) = &self.detail {
            return detail.written(language);
        }
        let each = self.violations.iter().map(|(pointer, wrong)| {
            let name = pointer.trim_start_matches(['/', '?']);
            let wrong = wrong.written(language);
            match name {
                "" => wrong,
                name => format!("{name}: {wrong}"),
            }
        });
        each.collect::<Vec<_>>().join("; ")
    }

    /// It in a language, as the answer to the request with this `Request-Id`.
    pub(super) fn written(&self, language: Language, request_id: &str) -> ProblemBody {
        let kind = self.kind.map(|kind| format!("{TYPES}{}", kind.name));
        let title = self.kind.map(|kind| kind.title(language));
        let violations = self.violations.iter().map(|(pointer, wrong)| Violation {
            pointer: pointer.clone(),
            detail: wrong.written(language),
        });
        ProblemBody {
            kind: kind.unwrap_or_else(|| "about:blank".to_owned()),
            title: title.unwrap_or_else(|| title_of_status(self.status, language)),
            status: self.status.as_u16(),
            detail: self.detail(language),
            csta: None,
            by: By::Server,
            request_id: request_id.to_owned(),
            violations: violations.collect(),
            changed: self.changed.as_deref().cloned(),
        }
    }

    /// The body of the answer to the request with this `Request-Id`.
    pub(super) fn body(&self, language: Language, request_id: &str) -> Vec<u8> {
        // Strings and numbers always have a JSON form.
        serde_json::to_vec(&self.written(language, request_id)).unwrap_or_default()
    }
}

/// What is wrong with a value, in the words of its parser.
pub(super) fn wrong_value(error: impl ToString) -> Text {
    Text::new("wrong-value").with("error", error.to_string())
}

/// The title of a problem that its status describes.
fn title_of_status(status: StatusCode, language: Language) -> String {
    match status.as_u16() {
        400 | 405 | 406 | 413 | 415 | 416 | 421 | 426 | 500 => {
            language.text(&format!("status-{}-title", status.as_u16()))
        }
        _ => status.canonical_reason().unwrap_or_default().to_owned(),
    }
}

/// In English, for the audit log.
impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.detail(Language::English))
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    /// Status and head; [`super::answer::finish`] writes the body.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if self.closes {
            response.force_close();
        }
        for (name, value) in &self.headers {
            response.append_header((name.clone(), value.clone()));
        }
        response.finish()
    }
}
