//! Describes a line and its phone (ECMA-269, Get Logical and Get Physical Device Information).

use uacsta_schema::csta::{
    AppearanceType, Capability, DeviceCategory, DeviceId, DeviceIds, FeatureNames, Features,
    GetLogicalDeviceInformationResponse, GetPhysicalDeviceInformationResponse,
};

use super::outcome::PhoneView;

/// A line: a station with one appearance, and the services and events that work on it.
pub(super) fn logical(phone: &PhoneView<'_>) -> GetLogicalDeviceInformationResponse {
    let (services, events) = phone.capabilities.listed();
    GetLogicalDeviceInformationResponse {
        device_category: Some(DeviceCategory::STATION),
        has_physical_element: true,
        appearance_addressable: false,
        appearance_type: AppearanceType::SELECTED_STANDARD,
        log_dev_serv_list: lists(services.filter(is_logical)),
        log_dev_evts_list: lists(events.filter(is_logical)),
        ..GetLogicalDeviceInformationResponse::default()
    }
}

/// A phone: its model, its other visible lines, and the services and events that work on it.
pub(super) fn physical(phone: &PhoneView<'_>) -> GetPhysicalDeviceInformationResponse {
    let (services, events) = phone.capabilities.listed();
    let others: Vec<DeviceId> = phone
        .lines
        .iter()
        .filter(|other| *other != phone.line && !phone.hidden.contains(other))
        .cloned()
        .collect();
    GetPhysicalDeviceInformationResponse {
        device_category: DeviceCategory::STATION,
        has_logical_element: true,
        other_logical_device_list: (!others.is_empty()).then_some(DeviceIds(others)),
        device_model_name: phone.capabilities.model(phone.user_agent),
        phys_dev_serv_list: names(services.filter(|known| known.list == "physDevServList")),
        phys_dev_evts_list: names(events.filter(|known| known.list == "physDevEvtsList")),
        ..GetPhysicalDeviceInformationResponse::default()
    }
}

/// Whether a service or event belongs to a line, not to the phone or the system.
fn is_logical(known: &Capability) -> bool {
    let groups = ["callControl", "callAssociated", "logical"];
    groups.iter().any(|group| known.list.starts_with(group))
}

fn lists(capabilities: impl Iterator<Item = Capability>) -> Option<Features> {
    let lists: Features = capabilities.collect();
    (!lists.0.is_empty()).then_some(lists)
}

fn names(capabilities: impl Iterator<Item = Capability>) -> Option<FeatureNames> {
    let names: Vec<_> = capabilities.map(|known| known.name.to_owned()).collect();
    (!names.is_empty()).then_some(FeatureNames(names))
}
