//! Monitoring services (ECMA-269): MonitorStart, MonitorStop, ChangeMonitorFilter.

use crate::csta::{
    device::DeviceId,
    element::Element,
    enumeration::MonitorType,
    error::ReadError,
    filter::MonitorFilter,
    member::{Member, sequence},
    types::{ConnectionId, MonitorCrossRefId},
    writer::Writer,
};

sequence! {
    /// Asks for the events of a device or call. `requestedMonitorMediaClass` has no type.
    pub struct MonitorStart {
        /// What to monitor.
        monitor_object: MonitorObject = "monitorObject",
        /// Events to be left out.
        requested_monitor_filter: Option<MonitorFilter> = "requestedMonitorFilter",
        /// Whether to follow the device or its calls.
        monitor_type: Option<MonitorType> = "monitorType",
    }

    /// Events will follow. `actualMonitorMediaClass` has no type.
    pub struct MonitorStartResponse {
        /// What the events will carry.
        monitor_cross_ref_id: MonitorCrossRefId = "monitorCrossRefID",
        /// Events that are left out.
        actual_monitor_filter: Option<MonitorFilter> = "actualMonitorFilter",
        /// Whether calls that exist already are monitored too.
        monitor_existing_calls: Option<bool> = "monitorExistingCalls",
    }

    /// Ends a monitor; either side may send it.
    pub struct MonitorStop {
        monitor_cross_ref_id: MonitorCrossRefId = "monitorCrossRefID",
    }

    /// The monitor has ended.
    pub struct MonitorStopResponse {}

    /// Asks for other events to be left out.
    pub struct ChangeMonitorFilter {
        monitor_cross_ref_id: MonitorCrossRefId = "monitorCrossRefID",
        /// Events to be left out from now on.
        requested_filter_list: MonitorFilter = "requestedFilterList",
    }

    /// The filter has changed.
    pub struct ChangeMonitorFilterResponse {
        /// Events that are left out from now on.
        actual_filter_list: Option<MonitorFilter> = "actualFilterList",
    }
}

/// What a monitor watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MonitorObject {
    /// A device.
    Device(DeviceId),
    /// A call.
    Call(ConnectionId),
}

impl Default for MonitorObject {
    fn default() -> Self {
        Self::Device(DeviceId::default())
    }
}

impl Member for MonitorObject {
    fn read(element: &Element<'_>) -> Result<Self, ReadError> {
        match element.child("callObject") {
            Some(call) => ConnectionId::read(call).map(Self::Call),
            None => element.member("deviceObject").map(Self::Device),
        }
    }

    fn write(&self, out: &mut Writer<'_>, name: &str) {
        out.open(name);
        match self {
            Self::Device(device) => device.write(out, "deviceObject"),
            Self::Call(call) => call.write(out, "callObject"),
        }
        out.close(name);
    }
}
