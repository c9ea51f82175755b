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
    /// Requests the events of a device or call. `requestedMonitorMediaClass` has no type.
    pub struct MonitorStart {
        /// The device or call to monitor.
        monitor_object: MonitorObject = "monitorObject",
        /// The events to suppress.
        requested_monitor_filter: Option<MonitorFilter> = "requestedMonitorFilter",
        /// Whether to monitor the device or the call.
        monitor_type: Option<MonitorType> = "monitorType",
    }

    /// The monitor is active. `actualMonitorMediaClass` has no type.
    pub struct MonitorStartResponse {
        /// The cross reference in the monitor's events.
        monitor_cross_ref_id: MonitorCrossRefId = "monitorCrossRefID",
        /// The suppressed events.
        actual_monitor_filter: Option<MonitorFilter> = "actualMonitorFilter",
        /// Whether the monitor also covers calls that exist already.
        monitor_existing_calls: Option<bool> = "monitorExistingCalls",
    }

    /// Stops a monitor; either side may send it.
    pub struct MonitorStop {
        monitor_cross_ref_id: MonitorCrossRefId = "monitorCrossRefID",
    }

    /// The monitor stopped.
    pub struct MonitorStopResponse {}

    /// Replaces the filter of a monitor.
    pub struct ChangeMonitorFilter {
        monitor_cross_ref_id: MonitorCrossRefId = "monitorCrossRefID",
        /// The events to suppress from now on.
        requested_filter_list: MonitorFilter = "requestedFilterList",
    }

    /// The new filter is active.
    pub struct ChangeMonitorFilterResponse {
        /// The events suppressed from now on.
        actual_filter_list: Option<MonitorFilter> = "actualFilterList",
    }
}

/// The object of a monitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MonitorObject {
    /// A device-type monitor object.
    Device(DeviceId),
    /// A call-type monitor object.
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
