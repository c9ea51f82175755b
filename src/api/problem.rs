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

/// Where the types of problems are described.
pub(super) const TYPES: &str = "/api/v1/problems/";

/// A refusal.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    body: Box<ProblemBody>,
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

/// A kind of problem.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(super) struct Kind {
    /// The last part of its type.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub(super) name: &'static str,
    /// The kind in words.
    #[schema(value_type = String)]
    title: &'static str,
    /// The status of such answers.
    status: u16,
    /// When it is given, and what to do.
    #[schema(value_type = String)]
    description: &'static str,
}

impl Kind {
    const fn new(
        name: &'static str,
        status: u16,
        title: &'static str,
        description: &'static str,
    ) -> Self {
        Self {
            name,
            title,
            status,
            description,
        }
    }

    pub(super) const UNREADABLE: Self =
        Self::new("unreadable", 400, "Not readable", "The body is not JSON.");
    pub(super) const INVALID: Self = Self::new(
        "invalid",
        422,
        "Not valid",
        "A member or parameter is unknown, missing or has a wrong value; `violations` names each.",
    );
    pub(super) const NOT_LOGGED_ON: Self = Self::new(
        "not-logged-on",
        401,
        "Not logged on",
        "The request has no credentials, or wrong ones.",
    );
    pub(super) const NO_RIGHT: Self = Self::new(
        "no-right",
        403,
        "No right",
        "The log-on lacks the right that the operation needs, or a browser sent the request for another site.",
    );
    pub(super) const NOT_FOUND: Self =
        Self::new("not-found", 404, "Not found", "There is no such resource.");
    pub(super) const NO_SUCH_LINE: Self = Self::new(
        "no-such-line",
        404,
        "No such line",
        "No phone has this line.",
    );
    pub(super) const AMBIGUOUS_LINE: Self = Self::new(
        "ambiguous-line",
        409,
        "Ambiguous line",
        "Several phones have this line; `;mac=` after it chooses one.",
    );
    pub(super) const INVALID_STATE: Self = Self::new(
        "invalid-state",
        409,
        "Not in this state",
        "The resource is in a state that does not allow the operation; `detail` says which.",
    );
    pub(super) const LINE_OUT_OF_SERVICE: Self = Self::new(
        "line-out-of-service",
        409,
        "Line out of service",
        "The phone is away, disabled or has no session; the phone's `reason` says why.",
    );
    pub(super) const REQUEST_IN_PROGRESS: Self = Self::new(
        "request-in-progress",
        409,
        "Request in progress",
        "The first request with this `Idempotency-Key` is still being carried out; repeat it later for its answer.",
    );
    pub(super) const KEY_REUSED: Self = Self::new(
        "key-reused",
        422,
        "Key reused",
        "The `Idempotency-Key` was sent with another body or to another path; each request needs a key of its own.",
    );
    pub(super) const CHANGED_MEANWHILE: Self = Self::new(
        "changed-meanwhile",
        412,
        "Changed meanwhile",
        "The resource is no longer as `If-Match` says; read it again, and repeat the change with its ETag.",
    );
    pub(super) const IF_MATCH_NEEDED: Self = Self::new(
        "if-match-needed",
        428,
        "If-Match needed",
        "The change must say by `If-Match` which state of the resource it is for: the ETag of a GET.",
    );
    pub(super) const TOO_MANY: Self = Self::new(
        "too-many",
        429,
        "Too many requests",
        "Too many requests or failed log-ons; repeat after the seconds of `Retry-After`.",
    );
    pub(super) const UNAVAILABLE: Self = Self::new(
        "unavailable",
        503,
        "Not available",
        "The server is stopping, or its disk is full; try again later.",
    );

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
}

impl Problem {
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        let mut problem = Self::of_status(kind.status, detail);
        problem.body.kind = format!("{TYPES}{}", kind.name);
        kind.title.clone_into(&mut problem.body.title);
        problem
    }

    /// A problem that its status describes.
    pub(super) fn blank(status: StatusCode, detail: impl Into<String>) -> Self {
        Self::of_status(status.as_u16(), detail)
    }

    fn of_status(status: u16, detail: impl Into<String>) -> Self {
        let reason = StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason());
        let body = ProblemBody {
            kind: "about:blank".to_owned(),
            title: reason.unwrap_or_default().to_owned(),
            status,
            detail: detail.into(),
            csta: None,
            by: By::Server,
            request_id: String::new(),
            violations: Vec::new(),
        };
        Self {
            body: Box::new(body),
            headers: Vec::new(),
            closes: false,
        }
    }

    /// Members or parameters are wrong: pointer and what is wrong, for each.
    pub(super) fn invalid(violations: impl IntoIterator<Item = (String, String)>) -> Self {
        let violations: Vec<Violation> = violations
            .into_iter()
            .map(|(pointer, detail)| Violation { pointer, detail })
            .collect();
        let told = violations.iter().map(|wrong| {
            let name = wrong.pointer.trim_start_matches(['/', '?']);
            if name.is_empty() {
                wrong.detail.clone()
            } else {
                format!("{name}: {}", wrong.detail)
            }
        });
        let detail = told.collect::<Vec<_>>().join("; ");
        let mut problem = Self::new(Kind::INVALID, detail);
        problem.body.violations = violations;
        problem
    }

    /// A parameter is wrong.
    pub(super) fn parameter(name: &str, detail: impl Into<String>) -> Self {
        Self::invalid([(format!("?{name}"), detail.into())])
    }

    /// A member of the body is wrong.
    pub(super) fn member(name: &str, detail: impl Into<String>) -> Self {
        Self::invalid([(format!("/{name}"), detail.into())])
    }

    pub(super) fn not_logged_on() -> Self {
        let mut problem = Self::new(
            Kind::NOT_LOGGED_ON,
            "log on with a bearer token, such as that in cli.token, or begin a session with name and password (POST /api/v1/session)",
        );
        // RFC 9110, section 11.6.1, and RFC 6750, section 3.
        let challenge = HeaderValue::from_static("Bearer realm=\"uacsta\"");
        problem.headers.push((WWW_AUTHENTICATE, challenge));
        problem
    }

    /// The same problem, in other words.
    pub(super) fn because(mut self, detail: &str) -> Self {
        detail.clone_into(&mut self.body.detail);
        self
    }

    /// Too many requests or log-ons; RFC 6585, section 4.
    pub(super) fn too_many(detail: impl Into<String>, seconds: u64) -> Self {
        Self::new(Kind::TOO_MANY, detail).with(RETRY_AFTER, &seconds.to_string())
    }

    /// RFC 9110, section 15.5.6.
    pub(super) fn method(method: &Method, allow: &str) -> Self {
        let detail = format!("method {method} not allowed (allowed: {allow})");
        Self::blank(StatusCode::METHOD_NOT_ALLOWED, detail).with(ALLOW, allow)
    }

    pub(super) fn unavailable(detail: impl Into<String>) -> Self {
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

    /// It as a part of an answer.
    pub(super) fn described(&self) -> ProblemBody {
        (*self.body).clone()
    }

    /// The body of the answer to the request with this `Request-Id`.
    pub(super) fn body(&self, request_id: &str) -> Vec<u8> {
        let mut body = self.body.clone();
        request_id.clone_into(&mut body.request_id);
        // Strings and numbers always have a JSON form.
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.body.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.body.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
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
