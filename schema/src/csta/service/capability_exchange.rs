//! Capability exchange services (ECMA-269): the features and devices of the switching function.

use crate::csta::{
    catalogue::{Capability, EventId, ServiceId},
    device::DeviceId,
    element::Element,
    enumeration::{DeviceCategory, NamedDeviceTypes, RequestedDeviceCategory},
    error::ReadError,
    member::{Item, Member, sequence},
    types::ServiceCrossRefId,
    writer::Writer,
};

sequence! {
    /// Queries the supported services and events.
    pub struct GetCSTAFeatures {}

    /// The supported services and events.
    pub struct GetCSTAFeaturesResponse {
        /// Services by group, such as `makeCall` in `callControlServList`.
        supported_services: Option<Features> = "supportedServices",
        /// Events by group, such as `delivered` in `callControlEvtsList`.
        supported_events: Option<Features> = "supportedEvents",
    }

    /// Queries the list of devices.
    pub struct GetSwitchingFunctionDevices {
        /// Restricts the list to this device.
        requested_device_id: Option<DeviceId> = "requestedDeviceID",
        /// Restricts the list to this category.
        requested_device_category: Option<RequestedDeviceCategory> = "requestedDeviceCategory",
    }

    /// The list follows in [`SwitchingFunctionDevices`].
    pub struct GetSwitchingFunctionDevicesResponse {
        /// The cross reference of the list's notifications.
        service_cross_ref_id: ServiceCrossRefId = "serviceCrossRefID",
    }

    /// The list of devices, or a segment of it (a notification).
    pub struct SwitchingFunctionDevices {
        /// The cross reference from the response.
        service_cross_ref_id: ServiceCrossRefId = "serviceCrossRefID",
        /// The number of the segment.
        segment_id: Option<u32> = "segmentID",
        /// Whether this is the last segment.
        last_segment: bool = "lastSegment",
        device_list: Vec<ListedDevice> = "deviceList",
    }

    /// A device in the list. `deviceAttributes` has no type.
    pub struct ListedDevice {
        /// The device identifier; absent for a phone's unused line slots.
        device_id: Option<DeviceId> = "deviceID",
        /// The category; a station if absent.
        device_category: Option<DeviceCategory> = "deviceCategory",
        /// The kind of its number.
        named_device_types: Option<NamedDeviceTypes> = "namedDeviceTypes",
        /// The vendor's model name.
        device_model_name: Option<String> = "deviceModelName",
        /// The group of network interfaces with this device.
        nid_group: Option<DeviceId> = "nidGroup",
    }
}

impl Item for ListedDevice {
    const NAME: &'static str = "device";
}

/// Names of services or events by group, in the order of the document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features(pub Vec<FeatureGroup>);

/// A group with its names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeatureGroup {
    /// The list, such as `callControlServList`.
    pub name: String,
    /// The entries, such as `makeCall`. The details of a feature have no type.
    pub features: Vec<String>,
}

impl Features {
    /// Adds the group `name` with `features`.
    #[must_use]
    pub fn with(mut self, name: &str, features: &[&str]) -> Self {
        let features = features.iter().copied().map(str::to_owned).collect();
        self.0.push(FeatureGroup {
            name: name.to_owned(),
            features,
        });
        self
    }

    /// Whether the group `group` contains `feature`.
    pub fn has(&self, group: &str, feature: &str) -> bool {
        self.0.iter().any(|listed| {
            listed.name == group && listed.features.iter().any(|name| name == feature)
        })
    }
}

impl Features {
    /// The listed services that the catalogue contains.
    pub fn services(&self) -> impl Iterator<Item = ServiceId> {
        let all = ServiceId::ALL.iter().copied();
        all.filter(|service| self.lists(service.capability()))
    }

    /// The listed events that the catalogue contains.
    pub fn events(&self) -> impl Iterator<Item = EventId> {
        let all = EventId::ALL.iter().copied();
        all.filter(|event| self.lists(event.capability()))
    }

    fn lists(&self, capability: Option<Capability>) -> bool {
        capability.is_some_and(|capability| self.has(capability.list, capability.name))
    }
}

/// Groups capabilities in the order of the catalogue, which yields the order of the schema.
impl FromIterator<Capability> for Features {
    fn from_iter<T: IntoIterator<Item = Capability>>(capabilities: T) -> Self {
        let mut groups: Vec<FeatureGroup> = Vec::new();
        for Capability { list, name } in capabilities {
            match groups.last_mut() {
                Some(group) if group.name == list => group.features.push(name.to_owned()),
                _ => groups.push(FeatureGroup {
                    name: list.to_owned(),
                    features: vec![name.to_owned()],
                }),
            }
        }
        Self(groups)
    }
}

impl Member for Features {
    fn read(element: &Element<'_>) -> Result<Self, ReadError> {
        let group = |element: &Element<'_>| FeatureGroup {
            name: element.name.to_owned(),
            features: names(element),
        };
        Ok(Self(element.children().iter().map(group).collect()))
    }

    fn write(&self, out: &mut Writer<'_>, name: &str) {
        out.open(name);
        for group in &self.0 {
            write_names(&group.features, out, &group.name);
        }
        out.close(name);
    }

    fn says_nothing(&self) -> bool {
        self.0.is_empty()
    }
}

/// Names of services or events without groups, in the order of the document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeatureNames(pub Vec<String>);

impl Member for FeatureNames {
    fn read(element: &Element<'_>) -> Result<Self, ReadError> {
        Ok(Self(names(element)))
    }

    fn write(&self, out: &mut Writer<'_>, name: &str) {
        write_names(&self.0, out, name);
    }

    fn says_nothing(&self) -> bool {
        self.0.is_empty()
    }
}

fn names(element: &Element<'_>) -> Vec<String> {
    let children = element.children().iter();
    children.map(|child| child.name.to_owned()).collect()
}

fn write_names(features: &[String], out: &mut Writer<'_>, name: &str) {
    out.open(name);
    for feature in features {
        out.open(feature);
        // The only mandatory member of MakeCallCaps: a device without calls can make a call.
        if feature == "makeCall" {
            true.write(out, "null");
        }
        out.close(feature);
    }
    out.close(name);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capability_lists_and_service_ids_convert_both_ways() {
        use ServiceId::{HoldCall, SetDoNotDisturb, SetForwarding};
        let services = [HoldCall, SetDoNotDisturb, SetForwarding];
        let lists: Features = services
            .iter()
            .filter_map(|service| service.capability())
            .collect();
        let expected = Features::default()
            .with("callControlServList", &["holdCall"])
            .with("logicalServList", &["setDoNotDisturb", "setForwarding"]);
        assert_eq!(lists, expected);
        assert_eq!(lists.services().collect::<Vec<_>>(), services);
        assert_eq!(lists.events().count(), 0);
    }
}
