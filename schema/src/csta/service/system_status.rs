//! System status and registration services (ECMA-269): RequestSystemStatus, SystemStatus, SystemRegister ...

use crate::csta::{enumeration::SystemStatusValue, member::sequence, types::SysStatRegisterId};

sequence! {
    /// Asks how the other side is; the keep-alive of a session.
    pub struct RequestSystemStatus {
        /// The registration that it belongs to.
        sys_stat_register_id: Option<SysStatRegisterId> = "sysStatRegisterID",
    }

    /// How the system is.
    pub struct RequestSystemStatusResponse {
        /// `normal` when all is well.
        system_status: SystemStatusValue = "systemStatus",
    }

    /// Tells the other side how the system is.
    pub struct SystemStatus {
        /// The registration that it belongs to.
        sys_stat_register_id: Option<SysStatRegisterId> = "sysStatRegisterID",
        /// `normal` when all is well.
        system_status: SystemStatusValue = "systemStatus",
    }

    /// Takes note of the status.
    pub struct SystemStatusResponse {}

    /// Asks to be told of changes.
    pub struct SystemRegister {
        /// Changes of what.
        request_types: RequestTypes = "requestTypes",
        /// Status values not to be told of.
        requested_status_filter: Option<StatusFilter> = "requestedStatusFilter",
    }

    /// Changes will be told.
    pub struct SystemRegisterResponse {
        sys_stat_register_id: SysStatRegisterId = "sysStatRegisterID",
        /// Status values that are not told of.
        actual_status_filter: Option<StatusFilter> = "actualStatusFilter",
    }

    /// Ends a registration.
    pub struct SystemRegisterCancel {
        sys_stat_register_id: SysStatRegisterId = "sysStatRegisterID",
    }

    /// The registration has ended.
    pub struct SystemRegisterCancelResponse {}

    /// The side that tells has ended a registration (a notification).
    pub struct SystemRegisterAbort {
        sys_stat_register_id: Option<SysStatRegisterId> = "sysStatRegisterID",
    }

    /// The list of devices has changed and should be asked for anew (a notification).
    pub struct SwFunctionDevicesChanged {
        sys_stat_register_id: Option<SysStatRegisterId> = "sysStatRegisterID",
    }

    /// What to be told of; `None` is as good as `false`.
    pub struct RequestTypes {
        /// SystemStatus.
        system_status: Option<bool> = "systemStatus",
        /// RequestSystemStatus.
        request_system_status: Option<bool> = "requestSystemStatus",
        /// SwFunctionCapsChanged.
        switching_function_caps_changed: Option<bool> = "switchingFunctionCapsChanged",
        /// SwFunctionDevicesChanged.
        switching_function_devices_changed: Option<bool> = "switchingFunctionDevicesChanged",
    }

    /// Status values that are left out; `None` is as good as `false`.
    pub struct StatusFilter {
        initializing: Option<bool> = "initializing",
        enabled: Option<bool> = "enabled",
        normal: Option<bool> = "normal",
        /// `messagesLost`, which is spelled without the s here.
        message_lost: Option<bool> = "messageLost",
        disabled: Option<bool> = "disabled",
        partially_disabled: Option<bool> = "partiallyDisabled",
        overload_imminent: Option<bool> = "overloadImminent",
        overload_reached: Option<bool> = "overloadReached",
        overload_relieved: Option<bool> = "overloadRelieved",
    }
}
