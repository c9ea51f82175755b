//! `/phones/{phone}/trace` and `/clients/{client}/trace`: the last SIP messages, as JSON, diagram or capture, and live.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse, get,
    http::{
        StatusCode,
        header::{Accept, Header as _},
    },
    web,
};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{sync::mpsc::Receiver, time::timeout};
use uacsta_actors::ladder::{self, Followed, Party, RecordedMessage, Start};
use uacsta_schema::phone_id::PhoneId;
use utoipa::{IntoParams, ToSchema};

use super::{
    Administrator, Api, Kind, List, Problem, StreamPermit, Streams, Time, clients, phones::found,
};
use crate::{
    api::access::LogOn,
    ladder::{diagram::Diagram, pcap::Capture},
    operators::Right,
    texts::Text,
};

/// A SIP message between a phone or client and the server.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct TracedMessage {
    at: Option<Time>,
    direction: Direction,
    /// UDP, TCP or TLS.
    transport: &'static str,
    /// Address and port of the server.
    local: String,
    /// Address and port of the phone or client.
    peer: String,
    /// The method of a request.
    method: Option<String>,
    /// The status of a response.
    status: Option<u16>,
    /// Why the message is not valid.
    invalid: Option<String>,
    call_id: String,
    cseq: String,
    /// The root element of its CSTA document, such as `MakeCall`.
    csta: Option<String>,
    /// The CSTA error in a negative response.
    csta_error: Option<String>,
    /// The length of the message in octets.
    length: usize,
    /// Whether `text` is only the start of the message.
    truncated: bool,
    /// The message, with digest responses and passwords replaced by asterisks.
    text: String,
}

/// Who sent a message.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) enum Direction {
    /// The phone or client.
    Received,
    /// The server.
    Sent,
}

/// How messages are answered.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct TraceParams {
    /// Whether the answer goes on with each message that comes: as JSON, a message a line, and `{"missed": n}` where the
    /// reader was too slow. Empty lines show that the connection stands.
    #[serde(default)]
    follow: bool,
}

/// How long a stream is silent before an empty line shows that the connection stands.
const SILENCE: Duration = Duration::from_secs(15);

impl TracedMessage {
    pub(in crate::api) fn of(message: &RecordedMessage) -> Self {
        let summary = message.summary();
        let (method, status, invalid) = match summary.start {
            Start::Request(method) => (Some(method.as_str().to_owned()), None, None),
            Start::Response(status, _) => (None, Some(status.code()), None),
            Start::Invalid(why) => (None, None, Some(why)),
        };
        let (csta, csta_error) = summary
            .csta
            .map_or((None, None), |csta| (Some(csta.name), csta.error));
        Self {
            at: Time::from_epoch(message.at),
            direction: match message.direction {
                ladder::Direction::Received => Direction::Received,
                ladder::Direction::Sent => Direction::Sent,
            },
            transport: message.path.transport.as_str(),
            local: message.path.local.to_string(),
            peer: message.path.peer.to_string(),
            method,
            status,
            invalid,
            call_id: summary.call_id,
            cseq: summary.cseq,
            csta,
            csta_error,
            length: message.length,
            truncated: message.is_truncated(),
            text: String::from_utf8_lossy(&message.masked()).into_owned(),
        }
    }
}

/// Shows the last messages of a phone.
///
/// `Accept` chooses the form: JSON, `text/plain` for a ladder diagram, `application/vnd.tcpdump.pcap` for a capture. Also
/// for a phone that could not log on yet. A ring of a phone survives its connections and ends when the phone is removed.
#[utoipa::path(
    operation_id = "getPhoneTrace", tag = "phones",
    params(("phone" = String, Path, description = "MAC address or extension."), TraceParams),
    responses((status = 200, description = "The messages, the oldest first.", content(
        (List<TracedMessage> = "application/json"),
        (TracedMessage = "application/jsonl"),
        (String = "application/vnd.tcpdump.pcap"),
        (String = "text/plain"),
    ))),
    extensions(("x-effect" = json!("read")))
)]
#[get("/phones/{phone}/trace")]
pub(in crate::api) async fn phone(
    Administrator(log_on): Administrator,
    api: web::Data<Api>,
    streams: web::Data<Streams>,
    request: HttpRequest,
    name: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let Ok(phone) = name.parse::<PhoneId>() else {
        // Says how phones are named.
        found(&api, &name).await?;
        return Err(Problem::new(Kind::NOT_FOUND, Text::new("no-such-phone")));
    };
    let party = Party::Phone(phone);
    let trace = Trace::of(&api, &streams, &request, &log_on, party).await?;
    if trace.is_empty() {
        found(&api, &name).await?;
    }
    Ok(trace.answer(&streams, &request))
}

/// Shows the last messages of a client.
///
/// A client is named by its user, one that is connected also by its id. `Accept` chooses the form, as for phones.
#[utoipa::path(
    operation_id = "getClientTrace", tag = "clients",
    params(("client" = String, Path, description = "The user that logged on, or was named by a front end."), TraceParams),
    responses((status = 200, description = "The messages, the oldest first.", content(
        (List<TracedMessage> = "application/json"),
        (TracedMessage = "application/jsonl"),
        (String = "application/vnd.tcpdump.pcap"),
        (String = "text/plain"),
    ))),
    extensions(("x-effect" = json!("read")))
)]
#[get("/clients/{client}/trace")]
pub(in crate::api) async fn client(
    Administrator(log_on): Administrator,
    api: web::Data<Api>,
    streams: web::Data<Streams>,
    request: HttpRequest,
    user: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let named = clients::user_of(&api, &user).await?;
    let user = named.unwrap_or_else(|| user.into_inner());
    let party = Party::Client(user.as_str().into());
    let trace = Trace::of(&api, &streams, &request, &log_on, party).await?;
    if trace.is_empty() {
        let detail = Text::new("no-messages-of-client").with("user", user.as_str());
        return Err(Problem::new(Kind::NOT_FOUND, detail));
    }
    Ok(trace.answer(&streams, &request))
}

/// The messages of a party in the form that was asked for.
struct Trace {
    form: Form,
    kept: Vec<RecordedMessage>,
    /// Those that come.
    following: Option<(Receiver<Followed>, StreamPermit)>,
}

/// The form of an answer.
enum Form {
    Json,
    Diagram(Diagram),
    Capture(Capture),
}

impl Trace {
    async fn of(
        api: &Api,
        streams: &Streams,
        request: &HttpRequest,
        log_on: &LogOn,
        party: Party,
    ) -> Result<Self, Problem> {
        let query = web::Query::<TraceParams>::from_query(request.query_string());
        let query = query.map_err(|_| Problem::parameter("follow", Text::new("true-or-false")))?;
        let form = Form::accepted(request, &party)?;
        let ladder = &api.context.ladder;
        let (kept, following) = if query.follow {
            let permit = streams.messages.admit(log_on)?;
            let (kept, following) = ladder.follow(&party).await;
            if following.is_closed() {
                let detail = Text::new("messages-followed");
                return Err(Problem::too_many(detail, SILENCE.as_secs()));
            }
            (kept, Some((following, permit)))
        } else {
            (ladder.read(&party).await, None)
        };
        Ok(Self {
            form,
            kept,
            following,
        })
    }

    /// Whether there is nothing to show, now or later.
    fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.following.is_none()
    }

    fn answer(self, streams: &Streams, request: &HttpRequest) -> HttpResponse {
        let Self {
            mut form,
            kept,
            following,
        } = self;
        let mut response = HttpResponse::Ok();
        let Some((following, permit)) = following else {
            return match form {
                Form::Json => {
                    let items: Vec<_> = kept.iter().map(TracedMessage::of).collect();
                    let total = Some(items.len());
                    response.json(List {
                        items,
                        next: None,
                        total,
                    })
                }
                _ => response
                    .content_type(form.content_type())
                    .body(form.all(&kept)),
            };
        };
        let kept = form.all(&kept);
        response.content_type(form.content_type());
        let streamed = stream::unfold(
            (form, following, Some(kept)),
            |(mut form, mut following, kept)| async {
                let written = match kept {
                    Some(kept) => kept,
                    None => form.next(&mut following).await?,
                };
                Some((written, (form, following, None)))
            },
        );
        streams.answer(response, request, Right::Admin, permit, streamed)
    }
}

impl Form {
    /// The first form that the request accepts.
    fn accepted(request: &HttpRequest, party: &Party) -> Result<Self, Problem> {
        let accepted = Accept::parse(request).map(|accept| accept.ranked());
        let accepted = accepted.unwrap_or_default();
        if accepted.is_empty() {
            return Ok(Self::Json);
        }
        let known = accepted.iter().find_map(|kind| match kind.essence_str() {
            "application/json" | "application/jsonl" | "application/*" | "*/*" => Some(Self::Json),
            "text/plain" | "text/*" => Some(Self::Diagram(Diagram::new(party))),
            "application/vnd.tcpdump.pcap" => Some(Self::Capture(Capture::default())),
            _ => None,
        });
        known.ok_or_else(|| {
            let known = "application/json, text/plain, application/vnd.tcpdump.pcap";
            let detail = Text::new("known-forms").with("known", known);
            Problem::blank(StatusCode::NOT_ACCEPTABLE, detail)
        })
    }

    fn content_type(&self) -> &'static str {
        match self {
            Self::Json => "application/jsonl",
            Self::Diagram(_) => "text/plain; charset=utf-8",
            Self::Capture(_) => "application/vnd.tcpdump.pcap",
        }
    }

    fn all(&mut self, messages: &[RecordedMessage]) -> Vec<u8> {
        match self {
            // The start of a stream is never empty, so that the reader sees that it has begun.
            Self::Json if messages.is_empty() => b"\n".to_vec(),
            Self::Diagram(diagram) if messages.is_empty() => diagram.none().into_bytes(),
            // The header of the file, also without messages.
            Self::Capture(capture) if messages.is_empty() => capture.take(),
            _ => messages
                .iter()
                .flat_map(|message| self.message(message))
                .collect(),
        }
    }

    fn message(&mut self, message: &RecordedMessage) -> Vec<u8> {
        match self {
            Self::Json => line(&TracedMessage::of(message)),
            Self::Diagram(diagram) => diagram.message(message).into_bytes(),
            Self::Capture(capture) => {
                capture.add(message);
                capture.take()
            }
        }
    }

    /// What is written next; `None` when the server stops.
    async fn next(&mut self, following: &mut Receiver<Followed>) -> Option<Vec<u8>> {
        loop {
            let followed = match timeout(SILENCE, following.recv()).await {
                Ok(followed) => followed?,
                Err(_) if matches!(self, Self::Capture(_)) => continue,
                Err(_) => return Some(b"\n".to_vec()),
            };
            match (followed, &*self) {
                (Followed::Message(message), _) => return Some(self.message(&message)),
                (Followed::Missed(_), Self::Capture(_)) => {}
                (Followed::Missed(number), Self::Json) => {
                    return Some(line(&json!({ "missed": number })));
                }
                (Followed::Missed(number), Self::Diagram(_)) => {
                    return Some(format!("{number} messages missed\n").into_bytes());
                }
            }
        }
    }
}

fn line(value: &impl Serialize) -> Vec<u8> {
    // Values of ours always have a JSON form.
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}
