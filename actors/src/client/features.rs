//! The response to GetCSTAFeatures in the server's session (ECMA-269, capability exchange).

use uacsta_schema::csta::{EventId, GetCSTAFeaturesResponse, ServiceId};

/// All services and events that any line may have; a session with a line lists those of the line.
pub(super) fn of_server() -> GetCSTAFeaturesResponse {
    // No known phone can clear a call for all parties.
    let services = ServiceId::ALL
        .iter()
        .filter(|service| **service != ServiceId::ClearCall);
    let events = EventId::ALL.iter();
    GetCSTAFeaturesResponse {
        supported_services: Some(services.filter_map(|known| known.capability()).collect()),
        supported_events: Some(events.filter_map(|known| known.capability()).collect()),
    }
}
