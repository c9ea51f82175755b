//! The counters of the metrics: they only grow, and every thread can read them.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use uacsta_schema::{
    csta::ServiceId,
    sip::{Excess, FrameError},
};

use crate::{histogram::Histogram, refusal::Refusal, sip::incident::Incident};

/// The counters and histograms since the server's start.
#[derive(Debug)]
pub struct Counters {
    events: [AtomicU64; Counter::ALL.len()],
    requests: [[AtomicU64; RequestResult::ALL.len()]; ServiceId::ALL.len()],
    /// From sending a request to a phone to its answer, unless a SIP status refused it.
    pub answer_time: Histogram,
    /// From a REGISTER with credentials to its final response.
    pub register_time: Histogram,
    client_sessions: AtomicU64,
}

/// The result of a request to a phone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RequestResult {
    /// The phone carried it out.
    Done,
    /// The phone answered with a CSTA error.
    CstaError,
    /// The phone refused it in SIP.
    Refused,
    /// The phone did not answer in time.
    TimedOut,
    /// The session ended, or the answer is of no use.
    Failed,
}

/// A session of a client, which counts as open until this is dropped.
#[derive(Debug)]
pub struct CountedSession(Arc<Counters>);

impl Default for Counters {
    fn default() -> Self {
        Self {
            events: [const { AtomicU64::new(0) }; Counter::ALL.len()],
            requests: [const { [const { AtomicU64::new(0) }; RequestResult::ALL.len()] };
                ServiceId::ALL.len()],
            answer_time: Histogram::default(),
            register_time: Histogram::default(),
            client_sessions: AtomicU64::new(0),
        }
    }
}

impl RequestResult {
    /// All results.
    pub const ALL: [Self; 5] = [
        Self::Done,
        Self::CstaError,
        Self::Refused,
        Self::TimedOut,
        Self::Failed,
    ];

    /// The value of the label `result`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::CstaError => "csta_error",
            Self::Refused => "refused",
            Self::TimedOut => "timed_out",
            Self::Failed => "failed",
        }
    }

    /// The result of a phone's answer.
    pub fn of<T>(result: &Result<T, Refusal>) -> Self {
        match result {
            Ok(_) => Self::Done,
            Err(Refusal::Failed { .. }) => Self::CstaError,
            Err(Refusal::Refused(_)) => Self::Refused,
            Err(Refusal::TimedOut) => Self::TimedOut,
            Err(_) => Self::Failed,
        }
    }
}

impl Drop for CountedSession {
    fn drop(&mut self) {
        self.0.client_sessions.fetch_sub(1, Relaxed);
    }
}

/// Declares the counters, each with its Prometheus name and label, and its help text.
macro_rules! events {
    ($($(#[doc = $meaning:literal])+ $event:ident = $name:literal $label:literal,)+) => {
        /// A counter.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Counter {
            $($(#[doc = $meaning])+ $event,)+
        }

        impl Counter {
            /// All counters; those of one name are adjacent.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$event),+];

            /// The Prometheus name; counters of one name differ by their label.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$event => $name,)+
                }
            }

            /// The value of the label `limit`, empty if the counter has none.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$event => $label,)+
                }
            }

            /// The help text.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$event => concat!($($meaning),+).trim_ascii(),)+
                }
            }
        }
    };
}

events! {
    /// Connections that were accepted.
    Connected = "uacsta_connections_accepted_total" "",
    /// Connections that were refused because of a limit.
    TooManyConnections = "uacsta_connections_refused_total" "limits.connections",
    /// Connections that were refused because of a limit.
    TooManyFromAddress = "uacsta_connections_refused_total" "limits.connections_per_address",
    /// Connections that were refused because of a limit.
    TooManyUnauthenticated = "uacsta_connections_refused_total" "limits.unauthenticated_connections",
    /// Times that the system gave no connection, mostly for want of file descriptors.
    NotAccepted = "uacsta_accept_errors_total" "",
    /// Connections that the server ended because of a limit.
    NeverLoggedOn = "uacsta_connections_ended_total" "limits.unauthenticated_time",
    /// Connections that the server ended because of a limit.
    CrowdedOut = "uacsta_connections_ended_total" "limits.unauthenticated_memory",
    /// Connections that the server ended because of a limit.
    SlowMessage = "uacsta_connections_ended_total" "limits.message_time",
    /// Connections that the server ended because of a limit.
    SlowHandshake = "uacsta_connections_ended_total" "limits.tls_handshake",
    /// Connections that the server ended because of a limit.
    Unread = "uacsta_connections_ended_total" "limits.client_queue",
    /// Connections that the server ended because of a limit.
    Unanswered = "uacsta_connections_ended_total" "limits.client_unanswered",
    /// Connections that the server ended since events came faster than the thread of the connection took them.
    LeftBehind = "uacsta_connections_left_behind_total" "",
    /// Connections of front ends that were refused: their PROXY header is wrong or not there.
    RefusedFront = "uacsta_proxy_headers_refused_total" "",
    /// TLS handshakes that failed.
    FailedHandshake = "uacsta_tls_handshakes_failed_total" "",
    /// Messages that broke the grammar of SIP and were refused.
    Malformed = "uacsta_messages_malformed_total" "",
    /// Messages that were refused because of a limit.
    LongHead = "uacsta_messages_refused_total" "limits.message_head",
    /// Messages that were refused because of a limit.
    LongLine = "uacsta_messages_refused_total" "limits.message_line",
    /// Messages that were refused because of a limit.
    ManyHeaders = "uacsta_messages_refused_total" "limits.message_headers",
    /// Messages that were refused because of a limit.
    LongBody = "uacsta_messages_refused_total" "limits.message_body",
    /// Streams on which what came was not SIP, so that the connection ended.
    NoSip = "uacsta_framing_errors_total" "",
    /// CSTA documents that were refused because of a limit.
    TooDeep = "uacsta_documents_refused_total" "limits.xml_depth",
    /// CSTA documents that were refused because of a limit.
    TooManyAttributes = "uacsta_documents_refused_total" "limits.xml_attributes",
    /// Log-ons that failed: a wrong password, an unknown user, or credentials for another request.
    FailedLogOn = "uacsta_log_ons_failed_total" "",
    /// Log-ons that were held back unread because too many had failed.
    LogOnRateLimited = "uacsta_log_ons_held_back_total" "limits.failed_log_ons",
    /// Credentials whose nonce was too old, of another connection, used before, or forged.
    StaleNonce = "uacsta_nonces_stale_total" "",
    /// Datagrams of phones that were dropped since too many waited: a phone repeats what was a request.
    DroppedDatagram = "uacsta_datagrams_dropped_total" "",
    /// REGISTERs that were refused because they name no phone.
    RefusedRegister = "uacsta_registers_refused_total" "",
    /// New phones that were refused because of a limit.
    TooManyPhones = "uacsta_phones_refused_total" "limits.unknown_phones",
    /// SIP requests that were refused because too many of their connection are unanswered.
    TooManyRequests = "uacsta_transactions_refused_total" "",
    /// Requests that were refused because too many wait.
    TooManyForPhone = "uacsta_requests_refused_total" "limits.pending_requests_per_phone",
    /// Requests that were refused because too many wait.
    TooManyOfClient = "uacsta_requests_refused_total" "limits.pending_requests_per_client",
    /// Sessions, and users of a front end, that were refused because a connection has too many.
    TooManySessions = "uacsta_sessions_refused_total" "limits.sessions_per_connection",
    /// Requests to the API that were refused because a log-on sends too many.
    TooManyApiRequests = "uacsta_api_requests_refused_total" "limits.api_requests",
    /// Requests to the API that were refused because a log-on, or all together, have too many under way.
    ApiConnectionsInUse = "uacsta_api_requests_refused_total" "limits.api_connections",
    /// Monitors that were refused because a client has too many.
    TooManyMonitors = "uacsta_monitors_refused_total" "limits.monitors_per_client",
    /// CSTA events that belong to no monitor.
    StrayEvent = "uacsta_events_of_no_monitor_total" "",
    /// Lines of the log that were lost: they could not be written, or nobody reads standard error.
    LostLogLine = "uacsta_log_lines_lost_total" "",
    /// Tasks that failed: each ended what it served, and nothing else.
    Panicked = "uacsta_panics_total" "",
}

impl From<Incident<'_>> for Counter {
    fn from(incident: Incident<'_>) -> Self {
        match incident {
            Incident::TooManyRequests => Self::TooManyRequests,
            Incident::Malformed => Self::Malformed,
            Incident::Framing(error) => error.into(),
            Incident::SlowMessage => Self::SlowMessage,
            Incident::BudgetExceeded => Self::CrowdedOut,
            Incident::Unread => Self::Unread,
            Incident::Unanswered => Self::Unanswered,
            Incident::EventQueueFull => Self::LeftBehind,
            Incident::NotAuthenticated => Self::NeverLoggedOn,
            Incident::Panicked => Self::Panicked,
        }
    }
}

impl From<&FrameError> for Counter {
    fn from(error: &FrameError) -> Self {
        match error {
            FrameError::Excess { excess, .. } => match excess {
                Excess::Head(_) => Self::LongHead,
                Excess::Line(_) => Self::LongLine,
                Excess::Headers(_) => Self::ManyHeaders,
                Excess::Body(_) => Self::LongBody,
            },
            _ => Self::NoSip,
        }
    }
}

impl Counters {
    /// Adds one.
    pub fn count(&self, event: Counter) {
        self.events[event as usize].fetch_add(1, Relaxed);
    }

    /// Counts the result of a request to a phone.
    pub fn count_request(&self, service: ServiceId, result: RequestResult) {
        self.requests[service as usize][result as usize].fetch_add(1, Relaxed);
    }

    /// How many requests of a service to phones had a result.
    pub fn requests(&self, service: ServiceId, result: RequestResult) -> u64 {
        self.requests[service as usize][result as usize].load(Relaxed)
    }

    /// Counts a session of a client.
    pub fn client_session(self: &Arc<Self>) -> CountedSession {
        self.client_sessions.fetch_add(1, Relaxed);
        CountedSession(Arc::clone(self))
    }

    /// How many sessions clients have open.
    pub fn client_sessions(&self) -> u64 {
        self.client_sessions.load(Relaxed)
    }

    /// The present value.
    pub fn total(&self, event: Counter) -> u64 {
        self.events[event as usize].load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_has_its_number() {
        let counters = Counters::default();
        counters.count(Counter::LogOnRateLimited);
        counters.count(Counter::LogOnRateLimited);
        for (index, event) in Counter::ALL.into_iter().enumerate() {
            assert_eq!(event as usize, index);
            let expected = if event == Counter::LogOnRateLimited {
                2
            } else {
                0
            };
            assert_eq!(counters.total(event), expected, "{event:?}");
            assert!(event.meaning().ends_with('.'), "{event:?}");
        }
    }

    #[test]
    fn no_family_mixes_labelled_and_unlabelled_series() {
        for event in Counter::ALL {
            let same_family = |other: &Counter| other.name() == event.name();
            let mut family = Counter::ALL.into_iter().filter(same_family);
            let is_bare = event.label().is_empty();
            assert!(
                family.all(|other| other.label().is_empty() == is_bare),
                "{event:?}"
            );
        }
    }

    #[test]
    fn a_name_and_a_label_are_one_event() {
        let mut known = std::collections::HashSet::new();
        for event in Counter::ALL {
            assert!(
                known.insert((event.name(), event.label())),
                "{event:?} has the name of another"
            );
        }
    }
}
