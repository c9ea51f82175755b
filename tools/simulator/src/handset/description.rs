//! What a simulated phone reports of itself: services, lines and device (ECMA-269, capability exchange).

use uacsta_schema::csta::*;

use super::Handset;

impl Handset {
    /// GetCSTAFeatures: the services that the maker's table does not exclude.
    pub(super) fn features(&self) -> Response {
        let services = ServiceId::ALL
            .iter()
            .filter(|service| self.maker.has(**service));
        GetCSTAFeaturesResponse {
            supported_services: Some(services.filter_map(|known| known.capability()).collect()),
            supported_events: None,
        }
        .into()
    }

    /// GetLogicalDeviceInformation.
    pub(super) fn describe_line(&self, device: &DeviceId) -> Result<Response, Failure> {
        self.own(device)?;
        Ok(GetLogicalDeviceInformationResponse {
            device_category: Some(DeviceCategory::STATION),
            named_device_types: Some(NamedDeviceTypes::LINE),
            has_physical_element: true,
            acd_models: Some(AcdModels::default()),
            appearance_addressable: false,
            appearance_type: AppearanceType::SELECTED_STANDARD,
            max_active_calls: Some(1),
            ..GetLogicalDeviceInformationResponse::default()
        }
        .into())
    }

    /// GetPhysicalDeviceInformation.
    pub(super) fn describe_device(&self, device: &DeviceId) -> Result<Response, Failure> {
        let own = self.own(device)?;
        let lines = self.lines.iter().map(|(_, line)| line);
        let others: Vec<_> = lines.filter(|line| *line != own).cloned().collect();
        Ok(GetPhysicalDeviceInformationResponse {
            device_category: DeviceCategory::STATION,
            named_device_types: Some(NamedDeviceTypes::STATION),
            has_logical_element: true,
            other_logical_device_list: (!others.is_empty()).then_some(DeviceIds(others)),
            device_model_name: Some(self.maker.model().to_owned()),
            max_displays: Some(1),
            ..GetPhysicalDeviceInformationResponse::default()
        }
        .into())
    }

    /// The line of this phone that `device` names.
    fn own(&self, device: &DeviceId) -> Result<&DeviceId, Failure> {
        let mut lines = self.lines.iter().map(|(_, line)| line);
        let own = lines.find(|line| line.user() == device.user());
        own.ok_or(Failure::INVALID_DEVICE_ID)
    }
}
