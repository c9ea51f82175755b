//! What GetCSTAFeatures tells in the server's session (ECMA-269 capability exchange): all that any line may have.

use uacsta_schema::csta::{EVENTS, Features, GetCSTAFeaturesResponse, SERVICES};

/// The services that the server does or carries, and the events that it tells; which of them a line has, its own session says.
pub(super) fn of_server() -> GetCSTAFeaturesResponse {
    GetCSTAFeaturesResponse {
        // No phone is known to end a call for its other party.
        supported_services: Some(Features::of(SERVICES, |service| service != "ClearCall")),
        supported_events: Some(Features::of(EVENTS, |_| true)),
    }
}
