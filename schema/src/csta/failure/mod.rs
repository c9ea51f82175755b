//! Negative responses (ECMA-323, `CSTAErrorCode`; ECMA-269, universal failure).

mod explanation;

use std::{borrow::Cow, fmt};

use super::{
    element::Element,
    error::{ReadError, quoted},
    member::Member,
    writer::Writer,
};

/// The reason of a rejection: a category and a value, open to values of later editions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Failure {
    category: Category,
    value: Cow<'static, str>,
}

/// The category of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Category {
    /// The request itself.
    Operation,
    /// The security of the message exchange.
    Security,
    /// The state of a device or connection.
    StateIncompatibility,
    /// The system's resources.
    SystemResourceAvailability,
    /// Resources with a limit per subscription, such as monitors of one object.
    SubscribedResourceAvailability,
    /// The load of the system.
    PerformanceManagement,
    /// Private data.
    PrivateData,
    /// A vendor-specific code.
    PrivateErrorCode,
    /// No category given.
    Unspecified,
}

impl Category {
    const ALL: [Self; 9] = [
        Self::Operation,
        Self::Security,
        Self::StateIncompatibility,
        Self::SystemResourceAvailability,
        Self::SubscribedResourceAvailability,
        Self::PerformanceManagement,
        Self::PrivateData,
        Self::PrivateErrorCode,
        Self::Unspecified,
    ];

    /// The element's name. `systemResourceAvailibility` is the spelling of ECMA-323.
    const fn element(self) -> &'static str {
        match self {
            Self::Operation => "operation",
            Self::Security => "security",
            Self::StateIncompatibility => "stateIncompatibility",
            Self::SystemResourceAvailability => "systemResourceAvailibility",
            Self::SubscribedResourceAvailability => "subscribedResourceAvailability",
            Self::PerformanceManagement => "performanceManagement",
            Self::PrivateData => "privateData",
            Self::PrivateErrorCode => "privateErrorCode",
            Self::Unspecified => "unspecified",
        }
    }

    fn of_element(name: &str) -> Option<Self> {
        // ECMA-285 and some peers use the correct spelling.
        let name = if name == "systemResourceAvailability" {
            "systemResourceAvailibility"
        } else {
            name
        };
        Self::ALL
            .into_iter()
            .find(|category| category.element() == name)
    }
}

impl fmt::Display for Category {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Operation => "operation",
            Self::Security => "security",
            Self::StateIncompatibility => "state",
            Self::SystemResourceAvailability => "system resource",
            Self::SubscribedResourceAvailability => "subscribed resource",
            Self::PerformanceManagement => "performance",
            Self::PrivateData => "private data",
            Self::PrivateErrorCode => "private error",
            Self::Unspecified => "unspecified",
        })
    }
}

macro_rules! failures {
    ($( $constant:ident = $category:ident $value:literal $explanation:literal; )+) => {
        impl Failure {
            $(
                #[doc = concat!("`", $value, "`: ", $explanation, ".")]
                pub const $constant: Self = Self { category: Category::$category, value: Cow::Borrowed($value) };
            )+

            /// A failure with this category and a known value, without regard to case.
            fn known(category: Category, value: &str) -> Option<Self> {
                let known = [$( Self::$constant, )+];
                let is_meant = |known: &Self| {
                    known.category == category && known.value.eq_ignore_ascii_case(value)
                };
                known.into_iter().find(is_meant)
            }

            /// The explanation of a failure of the standard.
            fn explanation(&self) -> Option<Cow<'static, str>> {
                match (self.category, self.value.as_ref()) {
                    $( (Category::$category, $value) => Some($explanation.into()), )+
                    (Category::PrivateErrorCode, _) => None,
                    (_, value) => explanation::of(value).map(Cow::Owned),
                }
            }
        }
    };
}

failures! {
    GENERIC = Operation "generic" "the request cannot be carried out";
    SERVICE_NOT_SUPPORTED = Operation "serviceNotSupported" "the service is not supported";
    INVALID_PARAMETER_VALUE = Operation "invalidParameterValue" "a parameter has a wrong value";
    MISSING_PARAMETER = Operation "atLeastOneConditionalParameterNotProvided" "a parameter is missing";
    PARAMETER_NOT_SUPPORTED = Operation "parameterNotSupported" "a parameter is not supported";
    VALUE_OUT_OF_RANGE = Operation "valueOutOfRange" "a value is out of range";
    INVALID_DEVICE_ID = Operation "invalidDeviceID" "the device is not known";
    INVALID_CALLING_DEVICE_ID = Operation "invalidCallingDeviceID" "the calling device is not known";
    INVALID_CALLED_DEVICE_ID = Operation "invalidCalledDeviceID" "the called device is not known";
    INVALID_DESTINATION = Operation "invalidDestination" "the destination is not valid";
    INVALID_DESTINATION_DEVICE_ID = Operation "invalidDestinationDeviceID" "the destination device is not known";
    INVALID_CALL_ID = Operation "invalidCallID" "the call is not known";
    INVALID_CONNECTION_ID = Operation "invalidConnectionID" "the connection is not known";
    INVALID_CROSS_REF_ID = Operation "invalidCrossRefID" "the cross reference is not known";
    INVALID_MONITOR_CROSS_REF_ID = Operation "invalidMonitorCrossRefID" "the monitor is not known";
    INVALID_MONITOR_OBJECT = Operation "invalidMonitorObject" "the object cannot be monitored";
    INVALID_MONITOR_TYPE = Operation "invalidMonitorType" "this type of monitor is not possible";
    INVALID_FORWARDING_TYPE = Operation "invalidForwardingType" "this type of forwarding is not possible";
    INVALID_FORWARDING_DESTINATION = Operation "invalidForwardingDestination" "calls cannot be forwarded there";
    OBJECT_NOT_KNOWN = Operation "objectNotKnown" "the object is not known";
    SECURITY_VIOLATION = Operation "securityViolation" "the request violates security";
    PRIVILEGE_VIOLATION_SPECIFIED_DEVICE = Operation "privilegeViolationSpecifiedDevice" "the right to use the device is missing";
    PRIVILEGE_VIOLATION_CALLING_DEVICE = Operation "privilegeViolationCallingDevice" "the right to use the calling device is missing";
    PRIVILEGE_VIOLATION_CALLED_DEVICE = Operation "privilegeViolationCalledDevice" "the right to call the device is missing";
    REQUEST_INCOMPATIBLE_WITH_DEVICE = Operation "requestIncompatibleWithDevice" "the device cannot do this";
    SECURITY_GENERIC = Security "generic" "the exchange is not secure";
    STATE_GENERIC = StateIncompatibility "generic" "the state does not allow it";
    INVALID_DEVICE_STATE = StateIncompatibility "invalidDeviceState" "the state of the device does not allow it";
    INVALID_CALLING_DEVICE_STATE = StateIncompatibility "invalidCallingDeviceState" "the state of the calling device does not allow it";
    INVALID_CONNECTION_STATE = StateIncompatibility "invalidConnectionState" "the state of the connection does not allow it";
    NO_ACTIVE_CALL = StateIncompatibility "noActiveCall" "there is no active call";
    NO_HELD_CALL = StateIncompatibility "noHeldCall" "there is no held call";
    NO_CALL_TO_ANSWER = StateIncompatibility "noCallToAnswer" "there is no call to answer";
    NO_CALL_TO_CLEAR = StateIncompatibility "noCallToClear" "there is no call to clear";
    NO_CONNECTION_TO_CLEAR = StateIncompatibility "noConnectionToClear" "there is no connection to clear";
    RESOURCE_GENERIC = SystemResourceAvailability "generic" "a resource is missing";
    RESOURCE_BUSY = SystemResourceAvailability "resourceBusy" "a resource is busy";
    INTERNAL_RESOURCE_BUSY = SystemResourceAvailability "internalResourceBusy" "an internal resource is busy";
    NETWORK_BUSY = SystemResourceAvailability "networkBusy" "the network is busy";
    RESOURCE_OUT_OF_SERVICE = SystemResourceAvailability "resourceOutOfService" "a resource is out of service";
    DEVICE_OUT_OF_SERVICE = SystemResourceAvailability "deviceOutOfService" "the device is out of service";
    NETWORK_OUT_OF_SERVICE = SystemResourceAvailability "networkOutOfService" "the network is out of service";
    RESOURCE_LIMIT_EXCEEDED = SystemResourceAvailability "resourceLimitExceeded" "a limit of the system is reached";
    OVERALL_MONITOR_LIMIT_EXCEEDED = SystemResourceAvailability "overallMonitorLimitExceeded" "the system's limit of monitors is reached";
    REGISTRATION_LIMIT_EXCEEDED = SystemResourceAvailability "registrationLimitExceeded" "the system's limit of registrations is reached";
    CONFERENCE_MEMBER_LIMIT_EXCEEDED = SystemResourceAvailability "conferenceMemberLimitExceeded" "the conference is full";
    OBJECT_MONITOR_LIMIT_EXCEEDED = SubscribedResourceAvailability "objectMonitorLimitExceeded" "the limit of monitors of this object is reached";
    OUTSTANDING_REQUEST_LIMIT_EXCEEDED = SubscribedResourceAvailability "outstandingReqLimitExceeded" "too many requests wait for their answer";
    PERFORMANCE_LIMIT_EXCEEDED = PerformanceManagement "performanceLimitExceeded" "the system is overloaded";
    PRIVATE_DATA_ERROR = PrivateData "cSTAPrivateDataInfoError" "the private data is wrong";
    UNSPECIFIED = Unspecified "" "no reason is given";
}

impl Failure {
    /// The failure with the category and value of a document.
    pub fn new(category: Category, value: impl Into<String>) -> Self {
        Self {
            category,
            value: Cow::Owned(value.into()),
        }
    }

    /// The category, such as [`Category::Operation`].
    pub fn category(&self) -> Category {
        self.category
    }

    /// The value as written in documents; empty for [`Category::Unspecified`].
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.category.fmt(formatter)?;
        if !self.value.is_empty() {
            write!(formatter, ": {}", quoted(&self.value))?;
        }
        self.explanation()
            .map_or(Ok(()), |explanation| write!(formatter, " ({explanation})"))
    }
}

impl std::error::Error for Failure {}

impl Member for Failure {
    fn read(element: &Element<'_>) -> Result<Self, ReadError> {
        let Some(choice) = element.children().first() else {
            return Err(element.lacks("its category"));
        };
        match Category::of_element(choice.name) {
            Some(Category::Unspecified) => Ok(Self::UNSPECIFIED),
            Some(category) => {
                let value = choice.text();
                Ok(Self::known(category, value).unwrap_or_else(|| Self::new(category, value)))
            }
            None => Err(ReadError::Malformed {
                element: element.name.to_owned(),
                what: format!("{:?} is not a failure category", choice.name),
            }),
        }
    }

    fn write(&self, out: &mut Writer<'_>, name: &str) {
        out.open(name);
        out.text_element(self.category.element(), &self.value);
        out.close(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_explains_known_failures() {
        fn check(failure: &Failure, expected: &str) {
            assert_eq!(failure.to_string(), expected);
        }
        check(
            &Failure::INVALID_DEVICE_ID,
            "operation: invalidDeviceID (the device is not known)",
        );
        check(&Failure::UNSPECIFIED, "unspecified (no reason is given)");
        check(
            &Failure::new(Category::Security, "timeStampViolated"),
            "security: timeStampViolated (the time stamp is wrong)",
        );
        check(
            &Failure::new(Category::Operation, "somethingElse"),
            "operation: somethingElse",
        );
        check(
            &Failure::new(Category::PrivateErrorCode, "-7"),
            "private error: -7",
        );
    }
}
