//! System status and system registration services (ECMA-269).

use crate::csta::{enumeration::SystemStatusValue, member::sequence, types::SysStatRegisterId};

sequence! {
    /// Queries the status of the other side; serves as the keep-alive of a session.
    pub struct RequestSystemStatus {
        /// The system status registration.
        sys_stat_register_id: Option<SysStatRegisterId> = "sysStatRegisterID",
    }

    /// The status of the system.
    pub struct RequestSystemStatusResponse {
        /// `normal` if the system is in order.
        system_status: SystemStatusValue = "systemStatus",
    }

    /// Reports the status of the system.
    pub struct SystemStatus {
        /// The system status registration.
        sys_stat_register_id: Option<SysStatRegisterId> = "sysStatRegisterID",
        /// `normal` if the system is in order.
        system_status: SystemStatusValue = "systemStatus",
    }

    /// Acknowledges the status.
    pub struct SystemStatusResponse {}

    /// Registers for system status reports.
    pub struct SystemRegister {
        /// The reports to register for.
        request_types: RequestTypes = "requestTypes",
        /// The status values to suppress.
        requested_status_filter: Option<StatusFilter> = "requestedStatusFilter",
    }

    /// The registration is active.
    pub struct SystemRegisterResponse {
        sys_stat_register_id: SysStatRegisterId = "sysStatRegisterID",
        /// The suppressed status values.
        actual_status_filter: Option<StatusFilter> = "actualStatusFilter",
    }

    /// Cancels a registration.
    pub struct SystemRegisterCancel {
        sys_stat_register_id: SysStatRegisterId = "sysStatRegisterID",
    }

    /// The registration is cancelled.
    pub struct SystemRegisterCancelResponse {}

    /// The reporting side has ended a registration (a notification).
    pub struct SystemRegisterAbort {
        sys_stat_register_id: Option<SysStatRegisterId> = "sysStatRegisterID",
    }

    /// The list of devices changed; the receiver should query it again (a notification).
    pub struct SwFunctionDevicesChanged {
        sys_stat_register_id: Option<SysStatRegisterId> = "sysStatRegisterID",
    }

    /// The reports to register for; `None` equals `false`.
    pub struct RequestTypes {
        /// `SystemStatus` reports.
        system_status: Option<bool> = "systemStatus",
        /// `RequestSystemStatus` requests.
        request_system_status: Option<bool> = "requestSystemStatus",
        /// `SwFunctionCapsChanged` notifications.
        switching_function_caps_changed: Option<bool> = "switchingFunctionCapsChanged",
        /// `SwFunctionDevicesChanged` notifications.
        switching_function_devices_changed: Option<bool> = "switchingFunctionDevicesChanged",
    }

    /// The suppressed status values; `None` equals `false`.
    pub struct StatusFilter {
        initializing: Option<bool> = "initializing",
        enabled: Option<bool> = "enabled",
        normal: Option<bool> = "normal",
        /// The status value `messagesLost`; ECMA-323 spells this member without the s.
        message_lost: Option<bool> = "messageLost",
        disabled: Option<bool> = "disabled",
        partially_disabled: Option<bool> = "partiallyDisabled",
        overload_imminent: Option<bool> = "overloadImminent",
        overload_reached: Option<bool> = "overloadReached",
        overload_relieved: Option<bool> = "overloadRelieved",
    }
}
