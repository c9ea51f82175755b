//! What a test that is broken off has left at a phone: clears its calls, stops its monitor, and says so.

use uacsta_connect::{CommandError, ProbeOutcome};
use uacsta_schema::csta::*;

use super::device_under_test::DeviceUnderTest;

/// What the test has begun and not ended on a line.
#[derive(Default)]
pub(super) struct Unfinished {
    /// Whether the line may have calls of the test.
    pub(super) has_calls: bool,
    /// The line's connections in these calls, for a phone that does not report its calls.
    pub(super) connections: Vec<ConnectionId>,
    /// The monitor that runs.
    pub(super) monitor: Option<MonitorCrossRefId>,
}

/// How often the calls of a line are listed and cleared: the phone may clear only some at once.
pub(super) const ROUNDS: usize = 4;

impl Unfinished {
    pub(super) fn calls_are_over(&mut self) {
        self.has_calls = false;
        self.connections.clear();
    }
}

/// Ends what a test that broke off has left at the phones; returns the error with what became of it.
pub(super) async fn broken_off<'a>(
    error: CommandError,
    tested: impl IntoIterator<Item = &'a DeviceUnderTest<'a>>,
) -> CommandError {
    let (mut ended, mut left) = (Vec::new(), Vec::new());
    for dut in tested {
        let number = dut.line().user();
        let Unfinished {
            has_calls, monitor, ..
        } = &dut.unfinished;
        if *has_calls {
            match clear_calls(dut).await {
                Ok(true) => ended.push(format!("the calls of {number} are cleared")),
                Ok(false) | Err(_) => left.push(format!("calls of {number}")),
            }
        }
        if let Some(monitor) = monitor {
            match stop_monitor(dut, monitor).await {
                Ok(true) => ended.push(format!("the monitor of {number} is stopped")),
                Ok(false) | Err(_) => left.push(format!("the monitor {monitor} of {number}")),
            }
        }
    }
    if !left.is_empty() {
        ended.push(format!("left at the phone: {}", left.join(", ")));
    }
    ended
        .iter()
        .fold(error, |error, more| error.and(&format!("; {more}")))
}

/// Whether all calls of the line are cleared.
async fn clear_calls(dut: &DeviceUnderTest<'_>) -> Result<bool, CommandError> {
    for _ in 0..ROUNDS {
        let snapshot_object = dut.line().clone();
        let (_, listed) = dut
            .send::<SnapshotDevice>(SnapshotDevice { snapshot_object }.into())
            .await?;
        let calls = match listed.map(|listed| listed.data) {
            None => return clear(dut, dut.unfinished.connections.clone()).await,
            Some(Snapshot::Data(calls)) => calls,
            Some(Snapshot::Follows(_) | Snapshot::Missing) => Vec::new(),
        };
        if calls.is_empty() {
            return Ok(true);
        }
        clear(dut, calls.into_iter().filter_map(|call| call.connection)).await?;
    }
    Ok(false)
}

/// Whether there are connections, and the phone has cleared them all.
async fn clear(
    dut: &DeviceUnderTest<'_>,
    connections: impl IntoIterator<Item = ConnectionId>,
) -> Result<bool, CommandError> {
    let mut outcomes = Vec::new();
    for connection_to_be_cleared in connections {
        let request = ClearConnection {
            connection_to_be_cleared,
            ..ClearConnection::default()
        };
        outcomes.push(dut.send::<ClearConnection>(request.into()).await?.0.outcome);
    }
    Ok(!outcomes.is_empty()
        && outcomes
            .iter()
            .all(|outcome| *outcome == ProbeOutcome::Done))
}

/// Whether the phone has stopped the monitor.
async fn stop_monitor(
    dut: &DeviceUnderTest<'_>,
    monitor: &MonitorCrossRefId,
) -> Result<bool, CommandError> {
    let request = MonitorStop {
        monitor_cross_ref_id: monitor.clone(),
    };
    let (result, _) = dut.send::<MonitorStop>(request.into()).await?;
    Ok(result.outcome == ProbeOutcome::Done)
}
