//! A handle on a simulated phone: a hand at its keys, and an eye on what it does.

use std::sync::Arc;

use actix::Addr;
use tokio::sync::{oneshot, watch};
use uacsta_schema::{
    csta::{DeviceId, LocalConnectionState},
    mac::Mac,
};

use super::{
    FleetError, Key, Sent, Standing,
    exchange::{CallView, LineId},
    handset::{AddLine, Cut, Handset, Record, RemoveLine, SetPlugged, Status},
    switchboard::{Await, Calls, Press, Switchboard},
};

/// A handle on one line of a simulated phone.
#[derive(Clone)]
pub struct Phone {
    mac: Mac,
    handset: Addr<Handset>,
    switchboard: Addr<Switchboard>,
    status: watch::Receiver<Status>,
    lines: Vec<(LineId, DeviceId)>,
    /// Which of `lines` the handle is on.
    line: usize,
}

impl Phone {
    pub(super) fn new(
        mac: Mac,
        handset: Addr<Handset>,
        switchboard: Addr<Switchboard>,
        status: watch::Receiver<Status>,
        lines: Vec<(LineId, DeviceId)>,
    ) -> Self {
        Self {
            mac,
            handset,
            switchboard,
            status,
            lines,
            line: 0,
        }
    }

    /// The phone's address.
    pub fn mac(&self) -> Mac {
        self.mac
    }

    /// The line's DeviceID.
    pub fn device(&self) -> &DeviceId {
        &self.lines[self.line].1
    }

    /// The handle on the phone's line with this number, if it has one.
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

    /// Gives the phone a line more; [`Self::on`] is the handle on it.
    ///
    /// # Errors
    /// Another phone has the number, or the phones have stopped.
    pub async fn add_line(&self, number: &str) -> Result<(), FleetError> {
        let added = self.handset.send(AddLine(number.into())).await;
        added.map_err(|_| FleetError::Stopped)?
    }

    /// Takes a line from the phone: its calls end.
    ///
    /// # Errors
    /// The phone has no such line, or the phones have stopped.
    pub async fn remove_line(&self, number: &str) -> Result<(), FleetError> {
        let removed = self.handset.send(RemoveLine(number.into())).await;
        removed.map_err(|_| FleetError::Stopped)?
    }

    /// How far the phone has got with its server.
    pub fn standing(&self) -> Standing {
        self.status.borrow().standing
    }

    /// What keeps the phone away from its server, if something does.
    pub fn trouble(&self) -> Option<Arc<str>> {
        self.status.borrow().trouble.clone()
    }

    /// Waits until the phone has got at least this far.
    pub async fn is(&self, standing: Standing) {
        self.comes_to(|seen| seen >= standing).await;
    }

    /// Waits until the phone has no connection.
    pub async fn is_away(&self) {
        self.comes_to(|seen| seen == Standing::Away).await;
    }

    async fn comes_to(&self, wanted: impl Fn(Standing) -> bool) {
        let mut seen = self.status.clone();
        // A phone that has stopped will not get any further: whoever waits has a bound on it.
        if seen.wait_for(|seen| wanted(seen.standing)).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Dials a number.
    ///
    /// # Errors
    /// As [`Self::press`], of which all that follow are short forms.
    pub async fn dial(&self, number: &str) -> Result<(), FleetError> {
        self.press(Key::Dial(number.into())).await
    }

    /// Answers the call that rings.
    ///
    /// # Errors
    /// As [`Self::press`].
    pub async fn answer(&self) -> Result<(), FleetError> {
        self.press(Key::Answer).await
    }

    /// Ends the call.
    ///
    /// # Errors
    /// As [`Self::press`].
    pub async fn hang_up(&self) -> Result<(), FleetError> {
        self.press(Key::HangUp).await
    }

    /// Holds the call.
    ///
    /// # Errors
    /// As [`Self::press`].
    pub async fn hold(&self) -> Result<(), FleetError> {
        self.press(Key::Hold).await
    }

    /// Retrieves the held call.
    ///
    /// # Errors
    /// As [`Self::press`].
    pub async fn retrieve(&self) -> Result<(), FleetError> {
        self.press(Key::Retrieve).await
    }

    /// Presses digits during a call.
    ///
    /// # Errors
    /// As [`Self::press`].
    pub async fn digits(&self, digits: &str) -> Result<(), FleetError> {
        self.press(Key::Digits(digits.into())).await
    }

    /// Presses a key.
    ///
    /// # Errors
    /// The phone refuses, with the failure that CSTA would get, or has stopped.
    pub async fn press(&self, key: Key) -> Result<(), FleetError> {
        let line = self.lines[self.line].0;
        let pressed = self.switchboard.send(Press { line, key }).await;
        Ok(pressed.map_err(|_| FleetError::Stopped)??)
    }

    /// Waits until the line rings.
    pub async fn rings(&self) {
        self.until(Some(LocalConnectionState::ALERTING)).await;
    }

    /// Waits until the line is in a call that was answered, or calls somebody.
    pub async fn talks(&self) {
        self.until(Some(LocalConnectionState::CONNECTED)).await;
    }

    /// Waits until the line has no call.
    pub async fn is_idle(&self) {
        self.until(None).await;
    }

    /// Waits until the line has a call in a state; with none, until it has no call.
    pub async fn until(&self, state: Option<LocalConnectionState>) {
        let line = self.lines[self.line].0;
        let (told, waits) = oneshot::channel();
        self.switchboard.do_send(Await { line, state, told });
        if waits.await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// The line's calls, the oldest first; none once the phones have stopped.
    pub async fn calls(&self) -> Vec<CallView> {
        let line = self.lines[self.line].0;
        self.switchboard.send(Calls(line)).await.unwrap_or_default()
    }

    /// Unplugs the phone: its calls and its connection end.
    pub fn go_away(&self) {
        self.handset.do_send(SetPlugged(false));
    }

    /// Plugs the phone in again.
    pub fn come_back(&self) {
        self.handset.do_send(SetPlugged(true));
    }

    /// Cuts the phone's connection. Its calls go on, and it connects again by itself.
    pub fn cut(&self) {
        self.handset.do_send(Cut);
    }

    /// Every event that the phone has sent, in order, where the fleet was [`recorded`](super::FleetOptions::recorded).
    pub async fn record(&self) -> Vec<Sent> {
        self.handset.send(Record).await.unwrap_or_default()
    }
}
