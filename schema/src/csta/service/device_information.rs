//! Device information services (ECMA-269, capability exchange): what one device is, as a line and as an apparatus.

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
    /// Asks what a device is as a line.
    pub struct GetLogicalDeviceInformation {
        device: DeviceId = "device",
    }

    /// What it is as a line. Attributes of groups, log-on models, media, rates, channels and miscellaneous capabilities have no type.
    pub struct GetLogicalDeviceInformationResponse {
        /// What it is; a station, where left out.
        device_category: Option<DeviceCategory> = "deviceCategory",
        /// What kind of number it has.
        named_device_types: Option<NamedDeviceTypes> = "namedDeviceTypes",
        /// Its number, where its identifier is long.
        short_form_device_id: Option<DeviceId> = "shortFormDeviceID",
        /// Whether it is an apparatus too.
        has_physical_element: bool = "hasPhysicalElement",
        /// How automatic call distribution shows its devices.
        acd_models: Option<AcdModels> = "acdModels",
        /// Whether its appearances have identifiers of their own.
        appearance_addressable: bool = "appearanceAddressable",
        /// What its appearances are.
        appearance_type: AppearanceType = "appearanceType",
        /// The suffixes of its appearances.
        appearance_list: Option<Vec<Appearance>> = "appearanceList",
        /// Further apparatus that the line is at.
        other_physical_device_list: Option<DeviceIds> = "otherPhysicalDeviceList",
        /// Groups that it belongs to.
        associated_group_list: Option<DeviceIds> = "associatedGroupList",
        /// The most calls back that it may ask for.
        max_callbacks: Option<u32> = "maxCallbacks",
        /// The most rings before it answers by itself.
        max_auto_answer_rings: Option<u32> = "maxAutoAnswerRings",
        /// The most calls that are spoken on.
        max_active_calls: Option<u32> = "maxActiveCalls",
        /// The most calls that are held.
        max_held_calls: Option<u32> = "maxHeldCalls",
        /// The most forwardings.
        max_fwd_settings: Option<u32> = "maxFwdSettings",
        /// The most devices in a conference.
        max_devices_in_conf: Option<u32> = "maxDevicesInConf",
        /// The events that a monitor on it leaves out whatever it is asked for.
        device_on_device_monitor_filter: Option<MonitorFilter> = "deviceOnDeviceMonitorFilter",
        /// Its services by group.
        log_dev_serv_list: Option<Features> = "logDevServList",
        /// Its events by group.
        log_dev_evts_list: Option<Features> = "logDevEvtsList",
    }

    /// Asks what a device is as an apparatus.
    pub struct GetPhysicalDeviceInformation {
        device: DeviceId = "device",
    }

    /// What it is as an apparatus. Attributes of groups have no type.
    pub struct GetPhysicalDeviceInformationResponse {
        device_category: DeviceCategory = "deviceCategory",
        /// What kind of number it has.
        named_device_types: Option<NamedDeviceTypes> = "namedDeviceTypes",
        /// Whether it is a line too.
        has_logical_element: bool = "hasLogicalElement",
        /// Further lines at the apparatus.
        other_logical_device_list: Option<DeviceIds> = "otherLogicalDeviceList",
        /// The maker's name for its model.
        device_model_name: Option<String> = "deviceModelName",
        /// The events that a monitor on it leaves out whatever it is asked for.
        device_on_device_monitor_filter: Option<MonitorFilter> = "deviceOnDeviceMonitorFilter",
        /// How many displays it has.
        max_displays: Option<u32> = "maxDisplays",
        /// How many buttons.
        max_buttons: Option<u32> = "maxButtons",
        /// How many lamps.
        max_lamps: Option<u32> = "maxLamps",
        /// How many ways of ringing.
        max_ring_patterns: Option<u32> = "maxRingPatterns",
        /// Its services.
        phys_dev_serv_list: Option<FeatureNames> = "physDevServList",
        /// Its events.
        phys_dev_evts_list: Option<FeatureNames> = "physDevEvtsList",
    }

    /// How automatic call distribution shows its devices.
    pub struct AcdModels {
        /// Devices of a distribution have identifiers.
        visible: Option<bool> = "visibleACDRelatedDevices",
        /// They have none.
        hidden: Option<bool> = "nonVisibleACDRelatedDevices",
    }
}

/// What distinguishes an appearance of a line from its others.
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

/// Devices of a list whose elements are called `deviceID`.
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
