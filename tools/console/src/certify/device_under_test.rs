//! The phone under test: sends it one service request after another and keeps the best result of each service.

use std::time::{Duration, Instant};

use uacsta_connect::{CommandError, ProbeOutcome, ProbeResult};
use uacsta_schema::{
    csta::{
        self, CallState, ClearConnection, ConnectionId, DeviceCall, DeviceId, Document, Edition,
        Failure as Refused, LocalConnectionState, Message, Request, Response, Service, ServiceId,
        Snapshot, SnapshotDevice,
    },
    phone_id::PhoneId,
};

use super::{
    asker::Asker,
    unfinished::{ROUNDS, Unfinished},
};

/// A line of a phone, and the results so far.
pub(super) struct DeviceUnderTest<'a> {
    asker: &'a dyn Asker,
    phone: PhoneId,
    line: DeviceId,
    /// In the order of the first attempts.
    results: Vec<ProbeResult>,
    /// Services that were not tried, with reasons.
    skipped: Vec<(ServiceId, &'static str)>,
    /// The phone rejects requests for a nonexistent call with `serviceNotSupported`, so such a rejection proves nothing.
    ambiguous: bool,
    pub(super) unfinished: Unfinished,
}

/// Reason given for services that an ambiguous phone rejected.
const AMBIGUOUS: &str = "it refuses this like a call that does not exist; a real one tells: give a number to call, and a caller";

/// State of the line's call after a wait.
pub(super) enum Observation {
    /// The call is there; its connection at the line.
    Call(ConnectionId),
    /// The call did not reach the state in time.
    TimedOut,
    /// The phone does not report its calls.
    Unknown,
}

/// How long a call may take to reach a state.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How often the calls are polled meanwhile.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

impl<'a> DeviceUnderTest<'a> {
    pub(super) fn new(asker: &'a dyn Asker, phone: PhoneId, line: DeviceId) -> Self {
        Self {
            asker,
            phone,
            line,
            results: Vec::new(),
            skipped: Vec::new(),
            ambiguous: false,
            unfinished: Unfinished::default(),
        }
    }

    /// The line under test.
    pub(super) fn line(&self) -> &DeviceId {
        &self.line
    }

    /// The line, the result of each service, and the skipped services with reasons.
    pub(super) fn into_results(
        self,
    ) -> (DeviceId, Vec<ProbeResult>, Vec<(ServiceId, &'static str)>) {
        (self.line, self.results, self.skipped)
    }

    /// Notes that a service is not tried.
    pub(super) fn skip(&mut self, service: ServiceId, why: &'static str) {
        self.skipped.push((service, why));
    }

    /// Sends a request and keeps the result. Returns the response if the phone carried it out.
    ///
    /// # Errors
    /// The phone cannot be asked, or a signal has arrived.
    pub(super) async fn probe<S: Service>(
        &mut self,
        request: S,
    ) -> Result<Option<S::Response>, CommandError> {
        if self.asker.wait(Duration::ZERO).await {
            return Err(CommandError::Interrupted("interrupted".to_owned()));
        }
        let request = request.into();
        let in_doubt = self.ambiguous && needs_call(&request);
        let (result, response) = self.send::<S>(request).await?;
        if in_doubt && result.outcome == ProbeOutcome::Lacking {
            if self
                .results
                .iter()
                .all(|known| known.service != S::ID.name())
            {
                self.skip(S::ID, AMBIGUOUS);
            }
        } else {
            self.keep(result);
        }
        Ok(response)
    }

    /// Announces that `call`, used from here on, does not exist. Every phone can clear calls: one that answers
    /// `serviceNotSupported` even to that is ambiguous.
    pub(super) async fn use_nonexistent_call(
        &mut self,
        call: &ConnectionId,
    ) -> Result<(), CommandError> {
        let request = ClearConnection {
            connection_to_be_cleared: call.clone(),
            ..ClearConnection::default()
        };
        let (result, _) = self.send::<ClearConnection>(request.into()).await?;
        self.ambiguous = result.outcome == ProbeOutcome::Lacking;
        Ok(())
    }

    /// Sends a request without keeping the result, also after a signal.
    pub(super) async fn send<S: Service>(
        &self,
        request: Request,
    ) -> Result<(ProbeResult, Option<S::Response>), CommandError> {
        let message = Message::Request(request);
        let request = csta::write(&message, &Edition::Ed3.into());
        let request = String::from_utf8_lossy(&request).into_owned();
        let mut result = self.asker.ask(self.phone, request).await?;
        if result.outcome == ProbeOutcome::NotAsked {
            let reason = result.reason.unwrap_or_default();
            return Err(CommandError::Failed(format!(
                "{} cannot be asked for {}: {reason}",
                self.phone,
                S::ID.name()
            )));
        }
        let response = match result.outcome {
            ProbeOutcome::Done => match response(result.document.clone().unwrap_or_default()) {
                Ok(response) => S::Response::try_from(response).ok(),
                Err(error) => {
                    result.outcome = ProbeOutcome::Useless;
                    result.reason = Some(error);
                    None
                }
            },
            _ => None,
        };
        Ok((result, response))
    }

    /// Keeps the most significant result of each service, since a service may be tried several times.
    fn keep(&mut self, result: ProbeResult) {
        let known = self
            .results
            .iter_mut()
            .find(|known| known.service == result.service);
        match known {
            None => self.results.push(result),
            Some(known) if weight(result.outcome) > weight(known.outcome) => *known = result,
            Some(_) => {}
        }
    }

    /// Fails if the phone is in a call, which the test would disturb.
    pub(super) async fn require_idle(&mut self) -> Result<(), CommandError> {
        let calls = self.calls().await?.unwrap_or_default();
        match calls.is_empty() {
            true => Ok(()),
            false => Err(CommandError::Failed(format!(
                "{} is in a call; certify it when it is idle",
                self.phone
            ))),
        }
    }

    /// The line's calls; `None` if the phone does not report them.
    pub(super) async fn calls(&mut self) -> Result<Option<Vec<DeviceCall>>, CommandError> {
        let snapshot_object = self.line.clone();
        let response = self.probe(SnapshotDevice { snapshot_object }).await?;
        Ok(response.map(|response| match response.data {
            Snapshot::Data(calls) => calls,
            Snapshot::Follows(_) | Snapshot::Missing => Vec::new(),
        }))
    }

    /// Waits for a call whose connections are in these states, the line's own first. If the phone does not report its
    /// calls, waits a third of the time and returns `Unknown`.
    pub(super) async fn wait_for_call(
        &mut self,
        states: &[LocalConnectionState],
    ) -> Result<Observation, CommandError> {
        let begun = Instant::now();
        while begun.elapsed() < CALL_TIMEOUT {
            let Some(calls) = self.calls().await? else {
                self.asker.wait(CALL_TIMEOUT / 3).await;
                return Ok(Observation::Unknown);
            };
            let now = |call: &DeviceCall| match &call.local_call_state {
                Some(CallState::Compound(now)) => now.clone(),
                _ => Vec::new(),
            };
            if let Some(call) = calls.iter().find(|call| now(call).starts_with(states)) {
                return Ok(call
                    .connection
                    .clone()
                    .map_or(Observation::Unknown, Observation::Call));
            }
            let failed = [LocalConnectionState::FAIL];
            if calls.iter().any(|call| now(call).starts_with(&failed)) {
                break;
            }
            self.asker.wait(POLL_INTERVAL).await;
        }
        Ok(Observation::TimedOut)
    }

    /// Clears the line's calls. Gives up after some rounds, since the phone may not clear them.
    pub(super) async fn hang_up(&mut self) -> Result<(), CommandError> {
        for _ in 0..ROUNDS {
            let Some(calls) = self.calls().await? else {
                for connection in self.unfinished.connections.clone() {
                    self.clear(connection).await?;
                }
                break;
            };
            if calls.is_empty() {
                break;
            }
            for connection in calls.into_iter().filter_map(|call| call.connection) {
                self.clear(connection).await?;
            }
        }
        self.unfinished.calls_are_over();
        Ok(())
    }

    async fn clear(&mut self, connection_to_be_cleared: ConnectionId) -> Result<(), CommandError> {
        self.probe(ClearConnection {
            connection_to_be_cleared,
            ..ClearConnection::default()
        })
        .await?;
        Ok(())
    }
}

/// Whether a service is tried on a call, as in `calls`; the others are tried in `features`.
fn needs_call(request: &Request) -> bool {
    match request {
        Request::SnapshotCall(_)
        | Request::MakeCall(_)
        | Request::AnswerCall(_)
        | Request::ClearConnection(_)
        | Request::HoldCall(_)
        | Request::RetrieveCall(_)
        | Request::AlternateCall(_)
        | Request::ReconnectCall(_)
        | Request::ConsultationCall(_)
        | Request::TransferCall(_)
        | Request::ConferenceCall(_)
        | Request::SingleStepTransferCall(_)
        | Request::SingleStepConferenceCall(_)
        | Request::DeflectCall(_)
        | Request::DirectedPickupCall(_)
        | Request::DialDigits(_)
        | Request::GenerateDigits(_) => true,
        Request::RequestSystemStatus(_)
        | Request::GetCSTAFeatures(_)
        | Request::GetSwitchingFunctionDevices(_)
        | Request::GetLogicalDeviceInformation(_)
        | Request::GetPhysicalDeviceInformation(_)
        | Request::SystemRegister(_)
        | Request::SystemRegisterCancel(_)
        | Request::MonitorStart(_)
        | Request::ChangeMonitorFilter(_)
        | Request::MonitorStop(_)
        | Request::SnapshotDevice(_)
        | Request::GetDoNotDisturb(_)
        | Request::SetDoNotDisturb(_)
        | Request::GetForwarding(_)
        | Request::SetForwarding(_)
        | Request::GetMessageWaitingIndicator(_)
        | Request::SetMessageWaitingIndicator(_)
        | Request::GetMicrophoneMute(_)
        | Request::SetMicrophoneMute(_)
        | Request::GetSpeakerMute(_)
        | Request::SetSpeakerMute(_)
        | Request::GetSpeakerVolume(_)
        | Request::SetSpeakerVolume(_) => false,
        // Not tried: no phone is known to have ClearCall, and the server never sends SystemStatus.
        Request::ClearCall(_) | Request::SystemStatus(_) => false,
    }
}

/// How significant an outcome is.
fn weight(outcome: ProbeOutcome) -> u8 {
    match outcome {
        ProbeOutcome::Done => 4,
        ProbeOutcome::Refused => 3,
        ProbeOutcome::Lacking => 2,
        ProbeOutcome::Useless => 1,
        ProbeOutcome::Silent | ProbeOutcome::NotAsked => 0,
    }
}

fn response(document: String) -> Result<Response, String> {
    let document =
        Document::read(document.into_bytes().into()).map_err(|error| error.to_string())?;
    match document.message().map_err(|error| error.to_string())? {
        Message::Response(response) => Ok(response),
        Message::Failure(failure) => Err(Refused::to_string(&failure)),
        other => Err(format!("{} is no response", other.name())),
    }
}
