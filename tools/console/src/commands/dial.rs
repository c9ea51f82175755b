//! The command `dial`: makes a call and tells whether it reaches somebody.

use std::time::Duration;

use uacsta_schema::csta::*;

use super::{RunError, unknown};
use crate::{Console, console::own_state, event_text, output::Output};

/// How long `dial` waits for the called party to be reached.
const DIAL_TIME: Duration = Duration::from_secs(5);

/// The causes of a call to a number that nobody has.
const NO_SUCH_NUMBER: [EventCause; 3] = [
    EventCause::NUMBER_UNALLOCATED,
    EventCause::DEST_NOT_OBTAINABLE,
    EventCause::INVALID_NUMBER_FORMAT,
];

/// The states of a line whose call goes nowhere.
const STUCK: [LocalConnectionState; 2] =
    [LocalConnectionState::INITIATED, LocalConnectionState::FAIL];

/// Makes a call and waits a moment whether it reaches somebody.
pub(super) async fn dial(
    console: &mut Console,
    output: &mut Output<'_>,
    line: &str,
    number: &str,
) -> Result<(), RunError> {
    let was_watched = console.is_watched(line);
    // Without a monitor the end of the call stays unknown, which is no reason to make none.
    let is_watched = was_watched || console.watch(line).await.is_ok();
    let made = console.dial(line, number).await.map_err(unknown(line));
    let outcome = match made {
        Ok(connection) => {
            output.call(&connection)?;
            let why = match is_watched {
                true => failure(console, output, line, &connection, was_watched).await?,
                false => None,
            };
            match why {
                None => Ok(()),
                Some(why) => Err(RunError::Unreachable {
                    number: number.to_owned(),
                    why,
                    is_cleared: clear(console, connection).await,
                }),
            }
        }
        Err(error) => Err(error.into()),
    };
    if is_watched && !was_watched {
        // The monitor may have ended with the phone.
        let _ = console.unwatch(line).await;
    }
    outcome
}

/// Clears what is left of a call; `false` if nothing is left, or the phone does not do it.
async fn clear(console: &mut Console, connection_to_be_cleared: ConnectionId) -> bool {
    let request = ClearConnection {
        connection_to_be_cleared,
        ..ClearConnection::default()
    };
    console.invoke(request).await.is_ok()
}

/// Waits until the call rings, fails or ends, but not for long; why it failed. Prints the events of watched lines meanwhile.
async fn failure(
    console: &mut Console,
    output: &mut Output<'_>,
    line: &str,
    made: &ConnectionId,
    was_watched: bool,
) -> Result<Option<String>, RunError> {
    let end = tokio::time::Instant::now() + DIAL_TIME;
    while let Ok(event) = tokio::time::timeout_at(end, console.next()).await {
        let event = event?;
        let is_own = event.line.as_ref().is_some_and(|own| own.as_str() == line);
        if was_watched || !is_own {
            output.event(&event)?;
        }
        let described = event_text(&event.event, event.line.as_ref());
        if !is_own || described.call != made.call_id {
            continue;
        }
        match &event.event {
            Event::DeliveredEvent(_)
            | Event::EstablishedEvent(_)
            | Event::QueuedEvent(_)
            | Event::DivertedEvent(_) => return Ok(None),
            Event::FailedEvent(e) if NO_SUCH_NUMBER.contains(&e.tail.cause) => {
                return Ok(Some("the number does not exist".to_owned()));
            }
            Event::FailedEvent(e) => return Ok(Some(e.tail.cause.to_string())),
            Event::ConnectionClearedEvent(_) | Event::CallClearedEvent(_) => {
                return Ok(Some("the call has ended".to_owned()));
            }
            _ => {}
        }
    }
    // A phone may send no event although it calls: its snapshot shows whether it does.
    let is_stuck = console.calls(line).await.is_ok_and(|calls| {
        let mut own = calls
            .iter()
            .filter(|call| call.connection.as_ref() == Some(made));
        own.any(|call| own_state(call).is_some_and(|state| STUCK.contains(state)))
    });
    let seconds = DIAL_TIME.as_secs();
    Ok(is_stuck.then(|| format!("the call has not left the phone after {seconds} s")))
}
