//! Who sends the requests of a certification: the command line over the API, or the server itself.

use std::{pin::Pin, time::Duration};

use uacsta_connect::{CommandError, ProbeResult};
use uacsta_schema::phone_id::PhoneId;

/// Sends the requests of a certification to phones, and waits.
pub trait Asker {
    /// Sends a CSTA request to a phone as it is.
    ///
    /// The error says why the phone cannot be asked.
    fn ask(&self, phone: PhoneId, request: String) -> Later<'_, Result<ProbeResult, CommandError>>;

    /// Waits so long, unless the certification is to be broken off; returns whether it is.
    fn wait(&self, time: Duration) -> Later<'_, bool>;
}

/// A result that comes later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
