//! A CTI client with the server's session open: sends requests and returns the events of watched lines in order.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use uacsta_connect::ServerAddress;
//! use uacsta_console::{Console, event_text};
//!
//! let mut console = Console::connect(&ServerAddress::new("127.0.0.1:5070", None)?, "ecsta", "secret").await?;
//! console.watch("215").await?;
//! console.dial("215", "216").await?;
//! let event = console.next().await?;
//! println!("{}", event_text(&event.event, event.line.as_ref()).text);
//! # Ok(())
//! # }
//! ```

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use actix::{Actor, Addr};
use bytes::Bytes;
use tokio::sync::mpsc;
use uacsta_actors::sip::{
    connection::{Shut, SipConnection},
    session::{Close, Invoke, Login, Open, RequestError, SessionId},
};
use uacsta_connect::{ServerAddress, SystemClock};
use uacsta_schema::{csta::*, escape_controls, sip::Status};

use crate::{
    ConsoleError,
    listener::{ConsoleEvent, ConsoleUas, Listener},
};

/// A client that is logged on, with the server's session open.
pub struct Console {
    link: Addr<SipConnection<ConsoleUas>>,
    session: SessionId,
    events: mpsc::Receiver<ConsoleEvent>,
    /// Documents that arrived while a response was awaited.
    waiting: VecDeque<Bytes>,
    watched: HashMap<MonitorCrossRefId, DeviceId>,
    tickets: u64,
    /// The lines of the last list.
    listed: Vec<DeviceId>,
}

/// An event of a watched line.
#[derive(Clone, Debug)]
pub struct LineEvent {
    /// The line as given to [`Console::watch`]; `None` once its monitor is stopped.
    pub line: Option<DeviceId>,
    /// The event.
    pub event: Event,
    /// The document as received.
    pub document: Document,
}

/// How many events may be queued.
const EVENT_QUEUE: usize = 8192;
/// How long [`Console::log_off`] may take.
const LOG_OFF_TIME: Duration = Duration::from_secs(2);
/// The session interval requested (RFC 4028).
const INTERVAL: Duration = Duration::from_secs(1800);

impl Console {
    /// Connects, logs on and opens the server's session.
    ///
    /// # Errors
    /// The server cannot be reached, or does not accept the user.
    pub async fn connect(
        server: &ServerAddress,
        user: &str,
        password: &str,
    ) -> Result<Self, ConsoleError> {
        let (queue, mut events) = mpsc::channel(EVENT_QUEUE);
        let listener = Listener { queue, link: None }.start();
        let agent: Arc<str> = concat!("uacsta-client/", env!("CARGO_PKG_VERSION")).into();
        let uas = |link: &Arc<Addr<_>>| ConsoleUas::new(listener.clone(), link);
        let clock = Arc::new(SystemClock::start());
        let link = server.connect(uas, agent, clock).await?;
        link.do_send(Open {
            owner: listener.recipient(),
            key: 0,
            target: server.uri().into(),
            to: format!("<{}>", server.uri()).into(),
            from: format!("<sip:{user}@{}>", server.host()).into(),
            routes: Box::default(),
            edition: Edition::default(),
            interval: INTERVAL,
            login: Some(Arc::new(Login {
                user: user.into(),
                password: password.into(),
            })),
        });
        match events.recv().await {
            Some(ConsoleEvent::Opened(session)) => Ok(Self {
                link,
                session,
                events,
                waiting: VecDeque::new(),
                watched: HashMap::new(),
                tickets: 0,
                listed: Vec::new(),
            }),
            Some(ConsoleEvent::Refused(RequestError::Refused {
                status: Status::UNAUTHORIZED | Status::FORBIDDEN,
                ..
            })) => Err(ConsoleError::LogOn),
            Some(ConsoleEvent::Refused(why)) => Err(ConsoleError::NoSession(why)),
            Some(ConsoleEvent::Lost(reason)) => Err(ConsoleError::Over(reason.into())),
            _ => Err(ConsoleError::NoSession(RequestError::Ended)),
        }
    }

    /// Sends a request and waits for its response.
    ///
    /// # Errors
    /// The server or the phone rejects the request, or the session ends first.
    pub async fn invoke<S: Service>(&mut self, request: S) -> Result<S::Response, ConsoleError> {
        self.tickets += 1;
        let own = self.tickets;
        let request: Request = request.into();
        self.link.do_send(Invoke {
            session: self.session,
            ticket: own,
            content: write(&request.into(), &Dialect::default()).into(),
        });
        loop {
            match self.next_event().await? {
                ConsoleEvent::Document(document) => self.waiting.push_back(document),
                ConsoleEvent::Answered(ticket, answer) if ticket == own => {
                    return read_response::<S>(answer);
                }
                // The response to a request whose future was dropped.
                _ => {}
            }
        }
    }

    /// All lines that the server lists to this user.
    ///
    /// # Errors
    /// As [`Self::invoke`].
    pub async fn lines(&mut self) -> Result<Vec<ListedDevice>, ConsoleError> {
        let promised = self.invoke(GetSwitchingFunctionDevices::default()).await?;
        let mut lines = Vec::new();
        let mut others = VecDeque::new();
        loop {
            let document = match self.waiting.pop_front() {
                Some(document) => document,
                None => match self.next_event().await? {
                    ConsoleEvent::Document(document) => document,
                    _ => continue,
                },
            };
            let part = match read(document.clone()) {
                Ok((_, Message::Notification(Notification::SwitchingFunctionDevices(part))))
                    if part.service_cross_ref_id == promised.service_cross_ref_id =>
                {
                    part
                }
                _ => {
                    others.push_back(document);
                    continue;
                }
            };
            lines.extend(part.device_list);
            if part.last_segment {
                self.waiting = others;
                let listed = lines.iter().filter_map(|line| line.device_id.clone());
                self.listed = listed.collect();
                return Ok(lines);
            }
        }
    }

    /// The numbers of the lines that [`Self::lines`] returned last.
    pub fn known_lines(&self) -> Vec<String> {
        let lines = self.listed.iter();
        let names = lines.map(|line| escape_controls(line.user(), &[]).into_owned());
        names.collect()
    }

    /// Whether the line's phone is away or disabled.
    ///
    /// # Errors
    /// The session is over.
    pub async fn is_away(&mut self, line: &DeviceId) -> Result<bool, ConsoleError> {
        let snapshot_object = line.clone();
        match self.invoke(SnapshotDevice { snapshot_object }).await {
            Err(ConsoleError::Failed(failure)) => Ok(failure == Failure::DEVICE_OUT_OF_SERVICE),
            Err(error @ ConsoleError::Over(_)) => Err(error),
            _ => Ok(false),
        }
    }

    /// Whether the line is watched.
    pub fn is_watched(&self, line: &str) -> bool {
        self.watched
            .values()
            .any(|watched| watched.as_str() == line)
    }

    /// Starts a monitor on a line; [`Self::next`] returns its events.
    ///
    /// # Errors
    /// As [`Self::invoke`].
    pub async fn watch(&mut self, line: &str) -> Result<(), ConsoleError> {
        let started = self
            .invoke(MonitorStart {
                monitor_object: MonitorObject::Device(line.into()),
                ..MonitorStart::default()
            })
            .await?;
        self.watched
            .insert(started.monitor_cross_ref_id, line.into());
        Ok(())
    }

    /// Stops the monitor of a line.
    ///
    /// # Errors
    /// It is not watched, or as [`Self::invoke`].
    pub async fn unwatch(&mut self, line: &str) -> Result<(), ConsoleError> {
        let watched = self
            .watched
            .iter()
            .find(|(_, watched)| watched.as_str() == line);
        let Some(monitor_cross_ref_id) = watched.map(|(cross_ref, _)| cross_ref.clone()) else {
            return Err(ConsoleError::NotWatched(line.to_owned()));
        };
        self.watched.remove(&monitor_cross_ref_id);
        self.invoke(MonitorStop {
            monitor_cross_ref_id,
        })
        .await
        .map(drop)
    }

    /// Waits for the next event of a watched line. Cancel safe.
    ///
    /// # Errors
    /// The session is over.
    pub async fn next(&mut self) -> Result<LineEvent, ConsoleError> {
        loop {
            while let Some(document) = self.waiting.pop_front() {
                if let Ok((document, Message::Event(reported))) = read(document) {
                    let monitor = reported.monitor_cross_ref_id.as_ref();
                    let line = monitor.and_then(|monitor| self.watched.get(monitor));
                    return Ok(LineEvent {
                        line: line.cloned(),
                        event: reported.event,
                        document,
                    });
                }
            }
            if let ConsoleEvent::Document(document) = self.next_event().await? {
                self.waiting.push_back(document);
            }
        }
    }

    /// Calls a number from a line, without prompting the user to go off hook. Returns the line's connection.
    ///
    /// # Errors
    /// As [`Self::invoke`].
    pub async fn dial(&mut self, line: &str, number: &str) -> Result<ConnectionId, ConsoleError> {
        let request = MakeCall {
            calling_device: line.into(),
            called_directory_number: number.into(),
            auto_originate: Some(AutoOriginate::DO_NOT_PROMPT),
            ..MakeCall::default()
        };
        Ok(self.invoke(request).await?.calling_device)
    }

    /// The calls of a line.
    ///
    /// # Errors
    /// As [`Self::invoke`], or the phone sends the calls in later segments, which is not supported.
    pub async fn calls(&mut self, line: &str) -> Result<Vec<DeviceCall>, ConsoleError> {
        let snapshot_object = line.into();
        match self.invoke(SnapshotDevice { snapshot_object }).await?.data {
            Snapshot::Data(calls) => Ok(calls),
            Snapshot::Missing => Ok(Vec::new()),
            Snapshot::Follows(_) => Err(ConsoleError::NotCsta {
                service: SnapshotDevice::ID.name(),
                reason: "the calls are to follow later".to_owned(),
            }),
        }
    }

    /// The line's connection in one of these states; earlier states take precedence.
    ///
    /// # Errors
    /// As [`Self::calls`], or no connection is in these states; `which` describes them for the message.
    pub async fn connection(
        &mut self,
        line: &str,
        states: &[LocalConnectionState],
        which: &'static str,
    ) -> Result<ConnectionId, ConsoleError> {
        let calls = self.calls(line).await.map_err(|error| match error {
            ConsoleError::Failed(failure) if failure == Failure::INVALID_DEVICE_ID => {
                ConsoleError::NoLine(line.to_owned())
            }
            error => error,
        })?;
        let of = |state: &LocalConnectionState| {
            calls
                .iter()
                .find(|call| own_state(call) == Some(state))
                .and_then(|call| call.connection.clone())
        };
        states.iter().find_map(of).ok_or(ConsoleError::NoCall {
            line: line.to_owned(),
            which,
        })
    }

    /// Ends the session by BYE, and waits until the connection is closed.
    pub async fn log_off(mut self) {
        let session = self.session;
        self.link.do_send(Close { session });
        self.link.do_send(Shut {
            reason: "the console is closed".into(),
        });
        let closed = async { while self.next_event().await.is_ok() {} };
        // The program may end without the server's part in it.
        let _ = tokio::time::timeout(LOG_OFF_TIME, closed).await;
    }

    async fn next_event(&mut self) -> Result<ConsoleEvent, ConsoleError> {
        match self.events.recv().await {
            Some(ConsoleEvent::Ended(why)) => Err(ConsoleError::Over(why.to_string())),
            Some(ConsoleEvent::Lost(reason)) => Err(ConsoleError::Over(reason.into())),
            Some(event) => Ok(event),
            None => Err(ConsoleError::Over("the connection has ended".to_owned())),
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.link.do_send(Shut {
            reason: "the console is closed".into(),
        });
    }
}

/// The state of a call at its own line, if the snapshot contains it.
pub(super) fn own_state(call: &DeviceCall) -> Option<&LocalConnectionState> {
    match &call.local_call_state {
        Some(CallState::Compound(states)) => states.first(),
        _ => None,
    }
}

fn read(body: Bytes) -> Result<(Document, Message), ReadError> {
    let document = Document::read(body)?;
    let message = document.message()?;
    Ok((document, message))
}

fn read_response<S: Service>(
    answer: Result<Bytes, RequestError>,
) -> Result<S::Response, ConsoleError> {
    let service = S::ID.name();
    let (body, why) = match answer {
        Ok(body) => (body, None),
        // The body of an error response may contain a CSTA error.
        Err(RequestError::Refused {
            status,
            body,
            retry_after,
        }) => {
            let why = RequestError::Refused {
                status,
                body: body.clone(),
                retry_after,
            };
            (body, Some(why))
        }
        Err(why) => return Err(ConsoleError::RequestError { service, why }),
    };
    let not_csta = |reason: String| ConsoleError::NotCsta { service, reason };
    match (read(body), why) {
        (Ok((_, Message::Failure(failure))), _) => Err(failure.into()),
        (_, Some(why)) => Err(ConsoleError::RequestError { service, why }),
        (Ok((document, Message::Response(response))), None) => S::Response::try_from(response)
            .map_err(|_| not_csta(format!("{} came", document.name()))),
        (Ok((document, _)), None) => Err(not_csta(format!("{} came", document.name()))),
        (Err(error), None) => Err(not_csta(error.to_string())),
    }
}
