//! The phone that is examined: asked for one service after another, with the best that it did kept for each.

use std::thread;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use uacsta_connect::{ApiArgs, CommandError, ProbeOutcome, ProbeResult};
use uacsta_schema::csta::{
    self, CallState, ClearConnection, ConnectionId, DeviceCall, DeviceId, Document, Edition,
    Failure as Refused, LocalConnectionState, Message, Response, Service, Snapshot, SnapshotDevice,
};
use uacsta_schema::phone_id::PhoneId;

/// A line of a phone, and what the phone did so far.
pub(super) struct Subject<'a> {
    server: &'a ApiArgs,
    mac: PhoneId,
    line: DeviceId,
    /// In the order in which they were first tried.
    trials: Vec<ProbeResult>,
    /// Services that were not tried, and why.
    left_out: Vec<(&'static str, &'static str)>,
    /// Whether it is asked for calls that do not exist, and refuses those like services that it lacks.
    untelling: bool,
}

/// What a refusal by a phone is worth that refuses everything alike.
const UNTOLD: &str =
    "it refuses this like a call that does not exist; a real one tells: --call, --caller";

/// What was seen of a call.
pub(super) enum Seen {
    /// It is there; its connection at the line.
    Call(ConnectionId),
    /// It has not come to that in time.
    Nothing,
    /// The phone does not tell its calls.
    Untold,
}

/// How long a call may take to get where it should.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often is looked meanwhile.
const LOOK: Duration = Duration::from_millis(100);

impl<'a> Subject<'a> {
    pub(super) fn new(server: &'a ApiArgs, mac: PhoneId, line: DeviceId) -> Self {
        Self {
            server,
            mac,
            line,
            trials: Vec::new(),
            left_out: Vec::new(),
            untelling: false,
        }
    }

    /// The line that is examined.
    pub(super) fn line(&self) -> &DeviceId {
        &self.line
    }

    /// What came of each service, and which were left out.
    pub(super) fn into_results(
        self,
    ) -> (
        DeviceId,
        Vec<ProbeResult>,
        Vec<(&'static str, &'static str)>,
    ) {
        (self.line, self.trials, self.left_out)
    }

    /// Leaves a service out.
    pub(super) fn leave_out(&mut self, service: &'static str, why: &'static str) {
        self.left_out.push((service, why));
    }

    /// Asks for a service; its response if the phone did it.
    pub(super) fn ask<S: Service>(
        &mut self,
        request: S,
    ) -> Result<Option<S::Response>, CommandError> {
        let (trial, response) = self.trial(request)?;
        if self.untelling && trial.outcome == ProbeOutcome::Lacking {
            if self.trials.iter().all(|known| known.service != S::NAME) {
                self.leave_out(S::NAME, UNTOLD);
            }
        } else {
            self.keep(trial);
        }
        Ok(response)
    }

    /// From here on it is asked for `call`, which does not exist. Every phone can clear a call: one that seems to lack even
    /// that tells nothing by refusing.
    pub(super) fn expects_refusals(&mut self, call: &ConnectionId) -> Result<(), CommandError> {
        let (trial, _) = self.trial(ClearConnection {
            connection_to_be_cleared: call.clone(),
            ..ClearConnection::default()
        })?;
        self.untelling = trial.outcome == ProbeOutcome::Lacking;
        Ok(())
    }

    /// Asks for a service without keeping what came of it.
    fn trial<S: Service>(
        &self,
        request: S,
    ) -> Result<(ProbeResult, Option<S::Response>), CommandError> {
        let message = Message::Request(request.into());
        let request = csta::write(&message, &Edition::Ed3.into());
        let body = json!({ "request": String::from_utf8_lossy(&request) });
        let path = format!("/api/phones/{}/csta", self.mac.bare());
        let mut trial: ProbeResult = self.server.request(Method::POST, &path, Some(&body))?;
        if trial.outcome == ProbeOutcome::NotAsked {
            let reason = trial.reason.unwrap_or_default();
            return Err(CommandError::Failed(format!(
                "{} cannot be asked for {}: {reason}",
                self.mac,
                S::NAME
            )));
        }
        let response = match trial.outcome {
            ProbeOutcome::Done => match response(trial.document.clone().unwrap_or_default()) {
                Ok(response) => S::Response::try_from(response).ok(),
                Err(error) => {
                    trial.outcome = ProbeOutcome::Useless;
                    trial.reason = Some(error);
                    None
                }
            },
            _ => None,
        };
        Ok((trial, response))
    }

    /// A service may be tried several times: that it was done once says most.
    fn keep(&mut self, trial: ProbeResult) {
        let known = self
            .trials
            .iter_mut()
            .find(|known| known.service == trial.service);
        match known {
            None => self.trials.push(trial),
            Some(known) if worth(trial.outcome) > worth(known.outcome) => *known = trial,
            Some(_) => {}
        }
    }

    /// Makes sure that the phone is in no call, which a trial could disturb.
    pub(super) fn is_idle(&mut self) -> Result<(), CommandError> {
        let calls = self.calls()?.unwrap_or_default();
        match calls.is_empty() {
            true => Ok(()),
            false => Err(CommandError::Failed(format!(
                "{} is in a call; certify it when it is idle",
                self.mac
            ))),
        }
    }

    /// The line's calls; none where the phone does not tell.
    pub(super) fn calls(&mut self) -> Result<Option<Vec<DeviceCall>>, CommandError> {
        let snapshot_object = self.line.clone();
        let response = self.ask(SnapshotDevice { snapshot_object })?;
        Ok(response.map(|response| match response.data {
            Snapshot::Data(calls) => calls,
            Snapshot::Follows(_) => Vec::new(),
        }))
    }

    /// Waits for a call whose connections are in these states, the line's own first. A phone that does not tell its calls
    /// is given a moment.
    pub(super) fn until(&mut self, states: &[LocalConnectionState]) -> Result<Seen, CommandError> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let Some(calls) = self.calls()? else {
                thread::sleep(PATIENCE / 3);
                return Ok(Seen::Untold);
            };
            let now = |call: &DeviceCall| match &call.local_call_state {
                Some(CallState::Compound(now)) => now.clone(),
                _ => Vec::new(),
            };
            if let Some(call) = calls.iter().find(|call| now(call).starts_with(states)) {
                return Ok(call.connection.clone().map_or(Seen::Untold, Seen::Call));
            }
            let failed = [LocalConnectionState::FAIL];
            if calls.iter().any(|call| now(call).starts_with(&failed)) {
                break;
            }
            thread::sleep(LOOK);
        }
        Ok(Seen::Nothing)
    }

    /// Ends the line's calls. One more than a line can have would be a phone that does not end them.
    pub(super) fn hang_up(&mut self) -> Result<(), CommandError> {
        for _ in 0..4 {
            let calls = self.calls()?.unwrap_or_default();
            if calls.is_empty() {
                break;
            }
            for call in calls {
                if let Some(connection_to_be_cleared) = call.connection {
                    self.ask(ClearConnection {
                        connection_to_be_cleared,
                        ..ClearConnection::default()
                    })?;
                }
            }
        }
        Ok(())
    }
}

/// How much an outcome says.
fn worth(outcome: ProbeOutcome) -> u8 {
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
