//! Limits how long one message may take to arrive.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Sleep, sleep};

/// The deadline of a message that has begun to arrive. Between messages it holds no timer.
pub(super) struct MessageDeadline {
    /// How long a message may take after no more octets of it have arrived.
    patience: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl MessageDeadline {
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            patience,
            timer: None,
        }
    }

    /// No message is arriving, or it is left unread.
    pub(super) fn clear(&mut self) {
        self.timer = None;
    }

    /// Part of a message has arrived. Ready if it took too long.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep(self.patience)));
        timer.as_mut().poll(cx)
    }
}
