//! What GetCSTAFeatures tells in the server's session (ECMA-269 capability exchange): all that any line may have.

use uacsta_schema::csta::{EventId, GetCSTAFeaturesResponse, ServiceId};

/// The services that the server does or carries, and the events that it tells; which of them a line has, its own session says.
pub(super) fn of_server() -> GetCSTAFeaturesResponse {
    // No phone is known to end a call for its other party.
    let services = ServiceId::ALL
        .iter()
        .filter(|service| **service != ServiceId::ClearCall);
    let events = EventId::ALL.iter();
    GetCSTAFeaturesResponse {
        supported_services: Some(services.filter_map(|known| known.capability()).collect()),
        supported_events: Some(events.filter_map(|known| known.capability()).collect()),
    }
}
