//! The session timer (RFC 4028) as pure functions: the intervals to propose and to grant, and when to refresh.

use std::time::Duration;

use uacsta_schema::sip::{
    Head, HeaderName,
    header::{Refresher, SessionExpires},
};

/// The smallest session interval that RFC 4028, section 4 allows, which is also the smallest that we grant.
pub const MIN_SE: Duration = Duration::from_secs(90);

/// How often a refresh that crosses a request of the peer's is sent again (491).
pub const CROSSINGS: u8 = 3;

/// The wait before a refresh that crossed a request of the peer's is sent again (RFC 3261, section 14.1): "a randomly chosen
/// value between 2.1 and 4 seconds in units of 10 ms" for the end that made the Call-ID, else one "between 0 and 2 seconds".
pub fn after_crossing(made_call_id: bool) -> Duration {
    let (least, steps) = if made_call_id { (210, 191) } else { (0, 201) };
    // Without random numbers both ends still wait differently.
    let random = getrandom::u64().unwrap_or_default();
    Duration::from_millis((least + random % steps) * 10)
}

/// An agreed session interval.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SessionTimer {
    /// The session ends so long after its last refresh.
    pub interval: Duration,
    /// Whether we send the refreshes.
    pub ours: bool,
    /// The `Min-SE` of our requests: [`MIN_SE`], or that of the peer's 422 (RFC 4028, section 7.4).
    pub least: Duration,
}

impl SessionTimer {
    /// Whether the session interval that a peer proposes is below [`MIN_SE`]: 422 with `Min-SE` (RFC 4028, section 9).
    pub fn is_too_small(request: &Head) -> bool {
        request
            .session_expires()
            .is_some_and(|asked| u64::from(asked.interval) < MIN_SE.as_secs())
    }

    /// The timer that a server grants to a request; `fallback` is the interval if the request proposes none.
    ///
    /// A peer that supports timers refreshes by itself unless it asks us to (RFC 4028, table 2).
    pub fn granted(request: &Head, fallback: Duration) -> Self {
        let peer_can = request
            .list(HeaderName::Supported)
            .any(|tag| tag.eq_ignore_ascii_case("timer"));
        let asked = request.session_expires();
        let interval = asked
            .as_ref()
            .map_or(fallback, |asked| Duration::from_secs(asked.interval.into()));
        let least = request
            .min_se()
            .map_or(MIN_SE, |seconds| Duration::from_secs(seconds.into()));
        let interval = interval.max(least).max(MIN_SE);
        let ours = !peer_can || asked.is_some_and(|asked| asked.refresher == Some(Refresher::Uas));
        Self {
            interval,
            ours,
            least: MIN_SE,
        }
    }

    /// The timer of the 2xx to a request of ours; `None` if the peer uses none.
    pub fn agreed(response: &Head) -> Option<Self> {
        let answered = response.session_expires()?;
        Some(Self {
            interval: Duration::from_secs(answered.interval.into()).max(MIN_SE),
            ours: answered.refresher != Some(Refresher::Uas),
            least: MIN_SE,
        })
    }

    /// The `Session-Expires` of this timer: in a request of ours if `asking`, else in a response.
    pub fn header(&self, asking: bool) -> SessionExpires {
        SessionExpires {
            interval: u32::try_from(self.interval.as_secs()).unwrap_or(u32::MAX),
            refresher: Some(if self.ours == asking {
                Refresher::Uac
            } else {
                Refresher::Uas
            }),
        }
    }

    /// The time from a refresh to the next step: half the interval for the refresher; for the other end, when it sends BYE: the
    /// interval less `min(32 s, interval / 3)` (RFC 4028, section 10).
    pub fn due(&self) -> Duration {
        if self.ours {
            self.interval / 2
        } else {
            self.expiry()
        }
    }

    /// The time from a refresh to the BYE that ends the session without another one (RFC 4028, section 10).
    pub fn expiry(&self) -> Duration {
        self.interval - Duration::from_secs(32).min(self.interval / 3)
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use tokio_util::codec::Decoder;
    use uacsta_schema::sip::{
        codec::{Codec, Frame, MessageLimits},
        message::SipMessage,
    };

    use super::*;

    #[test]
    fn rfc_3261_14_1_the_ends_wait_differently() {
        for _ in 0..100 {
            let (ours, theirs) = (after_crossing(true), after_crossing(false));
            assert!(ours >= Duration::from_millis(2100) && ours <= Duration::from_secs(4));
            assert!(theirs <= Duration::from_secs(2));
            assert_eq!(ours.subsec_millis() % 10, 0);
        }
    }

    fn head(lines: &str) -> Head {
        let text = format!(
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP a\r\nCSeq: 1 INVITE\r\nFrom: <sip:a@b>\r\nTo: <sip:a@b>\r\nCall-ID: x\r\n{lines}Content-Length: 0\r\n\r\n"
        );
        let frame = Codec::new(MessageLimits::default())
            .decode(&mut BytesMut::from(text.as_str()))
            .expect("framed")
            .expect("whole");
        let Frame::Message(SipMessage::Response(response)) = frame else {
            panic!("not a response: {frame:?}")
        };
        response.head().clone()
    }

    #[track_caller]
    fn grants(lines: &str, expected: Option<(u64, bool)>) {
        let head = head(lines);
        let granted = (!SessionTimer::is_too_small(&head))
            .then(|| SessionTimer::granted(&head, Duration::from_secs(1800)));
        assert_eq!(
            granted.map(|timer| (timer.interval.as_secs(), timer.ours)),
            expected,
            "{lines}"
        );
    }

    #[test]
    fn rfc_4028_9_the_server_grants_the_proposed_interval() {
        grants("", Some((1800, true)));
        grants("Supported: timer\r\n", Some((1800, false)));
        grants(
            "Supported: 100rel, timer\r\nSession-Expires: 90\r\n",
            Some((90, false)),
        );
        grants("k: timer\r\nx: 600;refresher=uas\r\n", Some((600, true)));
        grants(
            "Supported: timer\r\nSession-Expires: 600;refresher=uac\r\n",
            Some((600, false)),
        );
        grants("Session-Expires: 600\r\n", Some((600, true)));
        grants("Supported: timer\r\nSession-Expires: 89\r\n", None);
        grants(
            "Supported: timer\r\nSession-Expires: 300\r\nMin-SE: 400\r\n",
            Some((400, false)),
        );
    }

    #[test]
    fn rfc_4028_10_refresh_at_half_or_end_early() {
        let due = |interval, ours| {
            SessionTimer {
                interval: Duration::from_secs(interval),
                ours,
                least: MIN_SE,
            }
            .due()
            .as_secs()
        };
        assert_eq!(due(300, true), 150);
        assert_eq!(due(300, false), 268);
        assert_eq!(due(90, false), 60);
    }

    #[test]
    fn the_refresher_depends_on_who_sends_the_request() {
        let timer = |ours| SessionTimer {
            interval: Duration::from_secs(300),
            ours,
            least: MIN_SE,
        };
        assert_eq!(timer(true).header(true).refresher, Some(Refresher::Uac));
        assert_eq!(timer(true).header(false).refresher, Some(Refresher::Uas));
        assert_eq!(timer(false).header(false).refresher, Some(Refresher::Uac));
        assert_eq!(
            SessionTimer::agreed(&head("Session-Expires: 300;refresher=uas\r\n")),
            Some(timer(false))
        );
        assert_eq!(SessionTimer::agreed(&head("")), None);
    }
}
