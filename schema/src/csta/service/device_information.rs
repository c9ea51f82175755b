//! Logical and physical device information services (ECMA-269, capability exchange).

use crate::csta::{
    device::DeviceId,
    element::Element,
    enumeration::{AppearanceType, DeviceCategory, NamedDeviceTypes},
    error::ReadError,
    filter::MonitorFilter,
    member::{Item, Member, sequence},
    service::{FeatureNames, Features},
    writer::Writer,
};

sequence! {
    /// Queries the logical element of a device: the line.
    pub struct GetLogicalDeviceInformation {
        device: DeviceId = "device",
    }

    /// The logical element. Group attributes, log-on models, media, rates, channels and miscellaneous capabilities have no
    /// type.
    pub struct GetLogicalDeviceInformationResponse {
        /// The category; a station if absent.
        device_category: Option<DeviceCategory> = "deviceCategory",
        /// The kind of its number.
        named_device_types: Option<NamedDeviceTypes> = "namedDeviceTypes",
        /// The short form of the device identifier, such as an extension number.
        short_form_device_id: Option<DeviceId> = "shortFormDeviceID",
        /// Whether the device also has a physical element.
        has_physical_element: bool = "hasPhysicalElement",
        /// The visibility of devices in automatic call distribution (ACD).
        acd_models: Option<AcdModels> = "acdModels",
        /// Whether appearances have identifiers of their own.
        appearance_addressable: bool = "appearanceAddressable",
        /// The kind of its appearances.
        appearance_type: AppearanceType = "appearanceType",
        /// The suffixes of its appearances.
        appearance_list: Option<Vec<Appearance>> = "appearanceList",
        /// Other physical devices with this line.
        other_physical_device_list: Option<DeviceIds> = "otherPhysicalDeviceList",
        /// The groups with this device as a member.
        associated_group_list: Option<DeviceIds> = "associatedGroupList",
        /// The maximum number of call-back requests.
        max_callbacks: Option<u32> = "maxCallbacks",
        /// The maximum number of rings before automatic answer.
        max_auto_answer_rings: Option<u32> = "maxAutoAnswerRings",
        /// The maximum number of active calls.
        max_active_calls: Option<u32> = "maxActiveCalls",
        /// The maximum number of held calls.
        max_held_calls: Option<u32> = "maxHeldCalls",
        /// The maximum number of forwardings.
        max_fwd_settings: Option<u32> = "maxFwdSettings",
        /// The maximum number of devices in a conference.
        max_devices_in_conf: Option<u32> = "maxDevicesInConf",
        /// The events that monitors of this device never report.
        device_on_device_monitor_filter: Option<MonitorFilter> = "deviceOnDeviceMonitorFilter",
        /// Its services by group.
        log_dev_serv_list: Option<Features> = "logDevServList",
        /// Its events by group.
        log_dev_evts_list: Option<Features> = "logDevEvtsList",
    }

    /// Queries the physical element of a device: the apparatus.
    pub struct GetPhysicalDeviceInformation {
        device: DeviceId = "device",
    }

    /// The physical element. Group attributes have no type.
    pub struct GetPhysicalDeviceInformationResponse {
        device_category: DeviceCategory = "deviceCategory",
        /// The kind of its number.
        named_device_types: Option<NamedDeviceTypes> = "namedDeviceTypes",
        /// Whether the device also has a logical element.
        has_logical_element: bool = "hasLogicalElement",
        /// Other lines at the apparatus.
        other_logical_device_list: Option<DeviceIds> = "otherLogicalDeviceList",
        /// The vendor's model name.
        device_model_name: Option<String> = "deviceModelName",
        /// The events that monitors of this device never report.
        device_on_device_monitor_filter: Option<MonitorFilter> = "deviceOnDeviceMonitorFilter",
        /// The number of displays.
        max_displays: Option<u32> = "maxDisplays",
        /// The number of buttons.
        max_buttons: Option<u32> = "maxButtons",
        /// The number of lamps.
        max_lamps: Option<u32> = "maxLamps",
        /// The number of ring patterns.
        max_ring_patterns: Option<u32> = "maxRingPatterns",
        /// Its services.
        phys_dev_serv_list: Option<FeatureNames> = "physDevServList",
        /// Its events.
        phys_dev_evts_list: Option<FeatureNames> = "physDevEvtsList",
    }

    /// The visibility of devices in automatic call distribution (ACD).
    pub struct AcdModels {
        /// ACD devices have identifiers.
        visible: Option<bool> = "visibleACDRelatedDevices",
        /// ACD devices have no identifiers.
        hidden: Option<bool> = "nonVisibleACDRelatedDevices",
    }
}

/// The suffix that distinguishes one appearance of a line from the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appearance(pub String);

impl Member for Appearance {
    fn read(element: &Element<'_>) -> Result<Self, ReadError> {
        String::read(element).map(Self)
    }

    fn write(&self, out: &mut Writer<'_>, name: &str) {
        self.0.write(out, name);
    }
}

impl Item for Appearance {
    const NAME: &'static str = "appearance";
}

/// A list of devices with `deviceID` elements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceIds(pub Vec<DeviceId>);

impl Member for DeviceIds {
    fn read(element: &Element<'_>) -> Result<Self, ReadError> {
        let children = element.children().iter();
        let devices = children.filter(|child| child.name == "deviceID");
        devices
            .map(DeviceId::read)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn write(&self, out: &mut Writer<'_>, name: &str) {
        out.open(name);
        for device in &self.0 {
            device.write(out, "deviceID");
        }
        out.close(name);
    }

    fn says_nothing(&self) -> bool {
        self.0.is_empty()
    }
}
