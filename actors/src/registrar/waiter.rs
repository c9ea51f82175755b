//! Who waits for a change of the phone list to be on disk.

use tokio::sync::oneshot;
use uacsta_schema::phone_id::PhoneId;

use super::messages::ChangeError;
use crate::{
    registration::{Flow, RegisterIdentity, RegisterOutcome, Rejection},
    sip::responder::Responder,
};

/// Who waits for a change.
#[derive(Default)]
pub(super) enum Waiter {
    #[default]
    Nobody,
    /// A REGISTER, whose outcome is carried out then.
    Phone(RegisterIdentity, RegisterOutcome<Flow>, Responder),
    Operator(oneshot::Sender<Result<(), ChangeError>>),
}

impl Waiter {
    /// The entry was removed before it was written.
    pub(super) fn reject(self, phone: PhoneId) {
        match self {
            Self::Nobody => {}
            Self::Phone(_, _, responder) => responder.with(Rejection::NotStored),
            Self::Operator(_) => self.tell(Err(ChangeError::Unknown(phone))),
        }
    }

    /// Answers an operator.
    pub(super) fn tell(self, done: Result<(), ChangeError>) {
        if let Self::Operator(operator) = self {
            // The operator may be gone.
            let _ = operator.send(done);
        }
    }
}
