//! What is known of a line and of the phone that it is at (ECMA-269, logical and physical device information).

use uacsta_schema::csta::{
    AppearanceType, DeviceCategory, DeviceId, DeviceIds, EVENTS, Feature, FeatureNames, Features,
    GetLogicalDeviceInformationResponse, GetPhysicalDeviceInformationResponse, SERVICES,
};

use crate::phone::Phone;

impl Phone {
    /// What a line is: a station with one appearance, and what works on it.
    pub(super) fn logical_information(&self) -> GetLogicalDeviceInformationResponse {
        GetLogicalDeviceInformationResponse {
            device_category: Some(DeviceCategory::STATION),
            has_physical_element: true,
            appearance_addressable: false,
            appearance_type: AppearanceType::SELECTED_STANDARD,
            log_dev_serv_list: some(Features::of(SERVICES, |service| {
                is_logical(SERVICES, service) && self.capabilities.works(service)
            })),
            log_dev_evts_list: some(Features::of(EVENTS, |event| {
                is_logical(EVENTS, event) && self.capabilities.reports(event)
            })),
            ..GetLogicalDeviceInformationResponse::default()
        }
    }

    /// What the phone is: its model, its further lines but those hidden, and what works on it.
    pub(in crate::phone) fn physical_information(
        &self,
        line: &DeviceId,
        hidden: &[DeviceId],
    ) -> GetPhysicalDeviceInformationResponse {
        let others: Vec<DeviceId> = self
            .inventory
            .lines()
            .iter()
            .filter(|other| *other != line && !hidden.contains(other))
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
            device_model_name: self.model(),
            phys_dev_serv_list: names(SERVICES, "physDevServList", &|service| {
                self.capabilities.works(service)
            }),
            phys_dev_evts_list: names(EVENTS, "physDevEvtsList", &|event| {
                self.capabilities.reports(event)
            }),
            ..GetPhysicalDeviceInformationResponse::default()
        }
    }

    /// The maker and model, as far as the phone names them.
    fn model(&self) -> Option<String> {
        let binding = self.binding.as_ref()?;
        self.capabilities.model(binding.user_agent.as_deref())
    }
}

/// Whether a service or event belongs to a line and not to the apparatus or the system.
fn is_logical(known: &[Feature], root: &str) -> bool {
    let groups = ["callControl", "callAssociated", "logical"];
    known.iter().any(|feature| {
        feature.root == root && groups.iter().any(|group| feature.group.starts_with(group))
    })
}

fn some(features: Features) -> Option<Features> {
    (!features.0.is_empty()).then_some(features)
}
