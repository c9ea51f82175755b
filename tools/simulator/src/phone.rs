//! A handle to a simulated phone: presses its buttons and waits for its state.

use std::{sync::Arc, time::Instant};

use actix::Addr;
use tokio::sync::{oneshot, watch};
use uacsta_schema::{
    csta::{DeviceId, LocalConnectionState},
    mac::Mac,
};

use super::{
    Button, FleetError, Sent, Stage,
    handset::{AddLine, Cut, Handset, Record, RemoveLine, SetPlugged, Status},
    pbx::{
        CallView, LineId,
        actor::{Await, Calls, PbxActor, Press},
    },
};

/// A handle to one line of a simulated phone.
#[derive(Clone)]
pub struct Phone {
    mac: Mac,
    handset: Addr<Handset>,
    pbx: Addr<PbxActor>,
    status: watch::Receiver<Status>,
    lines: Vec<(LineId, DeviceId)>,
    /// Index of the handle's line.
    line: usize,
}

impl Phone {
    pub(super) fn new(
        mac: Mac,
        handset: Addr<Handset>,
        pbx: Addr<PbxActor>,
        status: watch::Receiver<Status>,
        lines: Vec<(LineId, DeviceId)>,
    ) -> Self {
        Self {
            mac,
            handset,
            pbx,
            status,
            lines,
            line: 0,
        }
    }

    /// MAC address of the phone.
    pub fn mac(&self) -> Mac {
        self.mac
    }

    /// DeviceID of the line.
    pub fn device(&self) -> &DeviceId {
        &self.lines[self.line].1
    }

    /// A handle to the phone's line with this number.
    pub fn on(&self, number: &str) -> Option<Self> {
        let own = |(_, device): &(LineId, DeviceId)| device.user() == number;
        let lines = self.status.borrow().lines.clone();
        let line = lines.iter().position(own)?;
        Some(Self {
            line,
            lines,
            ..self.clone()
        })
    }

    /// Adds a line to the phone; [`Self::on`] returns its handle.
    ///
    /// # Errors
    /// Another phone has the number, or the phones have stopped.
    pub async fn add_line(&self, number: &str) -> Result<(), FleetError> {
        let added = self.handset.send(AddLine(number.into())).await;
        added.map_err(|_| FleetError::Stopped)?
    }

    /// Removes a line from the phone. Its calls end.
    ///
    /// # Errors
    /// The phone has no such line, or the phones have stopped.
    pub async fn remove_line(&self, number: &str) -> Result<(), FleetError> {
        let removed = self.handset.send(RemoveLine(number.into())).await;
        removed.map_err(|_| FleetError::Stopped)?
    }

    /// How far the phone has come with its server.
    pub fn stage(&self) -> Stage {
        self.status.borrow().stage
    }

    /// When the phone failed last, and why, as long as it is not registered.
    pub fn trouble(&self) -> Option<(Instant, Arc<str>)> {
        self.status.borrow().trouble.clone()
    }

    /// Waits until the phone has reached this stage.
    pub async fn is(&self, stage: Stage) {
        self.comes_to(|seen| seen >= stage).await;
    }

    /// Waits until the phone is disconnected.
    pub async fn is_away(&self) {
        self.comes_to(|seen| seen == Stage::Away).await;
    }

    async fn comes_to(&self, wanted: impl Fn(Stage) -> bool) {
        let mut seen = self.status.clone();
        // The phones have stopped: the stage cannot change any more.
        if seen.wait_for(|seen| wanted(seen.stage)).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Dials a number.
    ///
    /// # Errors
    /// As [`Self::press`].
    pub async fn dial(&self, number: &str) -> Result<(), FleetError> {
        self.press(Button::Dial(number.into())).await
    }

    /// Answers the call that rings.
    ///
    /// # Errors
    /// As [`Self::press`].
    pub async fn answer(&self) -> Result<(), FleetError> {
        self.press(Button::Answer).await
    }

    /// Ends the call.
    ///
    /// # Errors
    /// As [`Self::press`].
    pub async fn hang_up(&self) -> Result<(), FleetError> {
        self.press(Button::HangUp).await
    }

    /// Holds the call.
    ///
    /// # Errors
    /// As [`Self::press`].
    pub async fn hold(&self) -> Result<(), FleetError> {
        self.press(Button::Hold).await
    }

    /// Retrieves the held call.
    ///
    /// # Errors
    /// As [`Self::press`].
    pub async fn retrieve(&self) -> Result<(), FleetError> {
        self.press(Button::Retrieve).await
    }

    /// Presses digits during a call.
    ///
    /// # Errors
    /// As [`Self::press`].
    pub async fn digits(&self, digits: &str) -> Result<(), FleetError> {
        self.press(Button::Digits(digits.into())).await
    }

    /// Presses a button.
    ///
    /// # Errors
    /// The phone rejects it, with the failure of the CSTA request, or the phones have stopped.
    pub async fn press(&self, button: Button) -> Result<(), FleetError> {
        let line = self.lines[self.line].0;
        let pressed = self.pbx.send(Press { line, button }).await;
        Ok(pressed.map_err(|_| FleetError::Stopped)??)
    }

    /// Waits until the line rings.
    pub async fn rings(&self) {
        self.until(Some(LocalConnectionState::ALERTING)).await;
    }

    /// Waits until the line has a connected call, or is calling.
    pub async fn talks(&self) {
        self.until(Some(LocalConnectionState::CONNECTED)).await;
    }

    /// Waits until the line has no call.
    pub async fn is_idle(&self) {
        self.until(None).await;
    }

    /// Waits until the line has a call in `state`; with `None`, until it has no call.
    pub async fn until(&self, state: Option<LocalConnectionState>) {
        let line = self.lines[self.line].0;
        let (told, waits) = oneshot::channel();
        self.pbx.do_send(Await { line, state, told });
        if waits.await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// The line's calls, oldest first; empty once the phones have stopped.
    pub async fn calls(&self) -> Vec<CallView> {
        let line = self.lines[self.line].0;
        self.pbx.send(Calls(line)).await.unwrap_or_default()
    }

    /// Unplugs the phone. Its calls and its connection end.
    pub fn go_away(&self) {
        self.handset.do_send(SetPlugged(false));
    }

    /// Plugs the phone in again.
    pub fn come_back(&self) {
        self.handset.do_send(SetPlugged(true));
    }

    /// Closes the phone's connection. Its calls continue, and it reconnects.
    pub fn cut(&self) {
        self.handset.do_send(Cut);
    }

    /// All events that the phone has sent, in order, if the fleet is [`recorded`](super::FleetOptions::recorded).
    pub async fn record(&self) -> Vec<Sent> {
        self.handset.send(Record).await.unwrap_or_default()
    }
}
