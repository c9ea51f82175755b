//! A requester that waits until its change of the phone list is on disk.

use tokio::sync::oneshot;
use uacsta_schema::phone_id::PhoneId;

use super::messages::ChangeError;
use crate::{
    registration::{Flow, RegisterOutcome, Rejection},
    sip::responder::Responder,
};

/// The requester of a change.
#[derive(Default)]
pub(super) enum Waiter {
    #[default]
    Nobody,
    /// A REGISTER. The registrar applies the outcome once the change is on disk.
    Phone {
        outcome: RegisterOutcome<Flow>,
        responder: Responder,
        /// Whether the phone was not listed before.
        is_new: bool,
    },
    Operator(oneshot::Sender<Result<(), ChangeError>>),
}

impl Waiter {
    /// Rejects the request: another change removed the entry before it was written.
    pub(super) fn reject(self, phone: PhoneId) {
        match self {
            Self::Nobody => {}
            Self::Phone { responder, .. } => responder.with(Rejection::NotStored),
            Self::Operator(_) => self.tell(Err(ChangeError::Unknown(phone))),
        }
    }

    /// Sends the result to an operator.
    pub(super) fn tell(self, done: Result<(), ChangeError>) {
        if let Self::Operator(operator) = self {
            // The operator may be gone.
            let _ = operator.send(done);
        }
    }
}
