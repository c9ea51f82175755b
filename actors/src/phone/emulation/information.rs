//! Describes a line and its phone (ECMA-269, Get Logical and Get Physical Device Information).

use uacsta_schema::csta::{
    AppearanceType, DeviceCategory, DeviceId, DeviceIds, EVENTS, Feature, FeatureNames, Features,
    GetLogicalDeviceInformationResponse, GetPhysicalDeviceInformationResponse, SERVICES,
};

use super::PhoneView;

/// A line: a station with one appearance, and what works on it.
pub(super) fn logical(phone: &PhoneView<'_>) -> GetLogicalDeviceInformationResponse {
    let capabilities = phone.capabilities;
    GetLogicalDeviceInformationResponse {
        device_category: Some(DeviceCategory::STATION),
        has_physical_element: true,
        appearance_addressable: false,
        appearance_type: AppearanceType::SELECTED_STANDARD,
        log_dev_serv_list: unless_empty(Features::of(SERVICES, |service| {
            is_logical(SERVICES, service) && capabilities.works(service)
        })),
        log_dev_evts_list: unless_empty(Features::of(EVENTS, |event| {
            is_logical(EVENTS, event) && capabilities.reports(event)
        })),
        ..GetLogicalDeviceInformationResponse::default()
    }
}

/// A phone: its model, its further lines but for hidden ones, and what works on it.
pub(super) fn physical(phone: &PhoneView<'_>) -> GetPhysicalDeviceInformationResponse {
    let capabilities = phone.capabilities;
    let others: Vec<DeviceId> = phone
        .lines
        .iter()
        .filter(|other| *other != phone.line && !phone.hidden.contains(other))
        .cloned()
        .collect();
    let names = |known: &'static [Feature], group: &str, works: &dyn Fn(&str) -> bool| {
        let names: Vec<String> = known
            .iter()
            .filter(|feature| feature.group == group && works(feature.root))
            .map(|feature| feature.name.to_owned())
            .collect();
        (!names.is_empty()).then_some(FeatureNames(names))
    };
    GetPhysicalDeviceInformationResponse {
        device_category: DeviceCategory::STATION,
        has_logical_element: true,
        other_logical_device_list: (!others.is_empty()).then_some(DeviceIds(others)),
        device_model_name: capabilities.model(phone.user_agent),
        phys_dev_serv_list: names(SERVICES, "physDevServList", &|service| {
            capabilities.works(service)
        }),
        phys_dev_evts_list: names(EVENTS, "physDevEvtsList", &|event| {
            capabilities.reports(event)
        }),
        ..GetPhysicalDeviceInformationResponse::default()
    }
}

/// Whether a service or event belongs to a line, not to the phone or the system.
fn is_logical(known: &[Feature], root: &str) -> bool {
    let groups = ["callControl", "callAssociated", "logical"];
    known.iter().any(|feature| {
        feature.root == root && groups.iter().any(|group| feature.group.starts_with(group))
    })
}

fn unless_empty(features: Features) -> Option<Features> {
    (!features.0.is_empty()).then_some(features)
}
