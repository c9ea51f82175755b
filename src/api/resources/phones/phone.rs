//! A phone as the list of phones shows it, and the filters of the list.

use serde::{Deserialize, Serialize};
use uacsta_actors::{phone::Status, phone_list::ListedPhone, registrar::PhoneDetails};
use uacsta_schema::phone_id::PhoneId;
use utoipa::{IntoParams, ToSchema};

use super::super::{Reason, ReasonCode, Row, Time};
use crate::texts::Language;

/// A phone that has registered at some time.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct Phone {
    /// The name with which it logs on: its MAC address or its extension.
    #[schema(value_type = String)]
    id: PhoneId,
    /// The MAC address, if known.
    mac: Option<String>,
    /// The extension, if the phone logs on with it.
    extension: Option<String>,
    /// An operator's name of the phone.
    display_name: Option<String>,
    maker: String,
    model: Option<String>,
    firmware: Option<String>,
    /// The address from which it registered last.
    address: Option<String>,
    /// The first line, or the identity with which it registered.
    identity: Option<String>,
    /// The lines that the phone listed last.
    lines: Vec<String>,
    /// Whether it may be controlled and monitored.
    in_operation: bool,
    state: PhoneState,
    /// Since when it is in this state, if that is known.
    since: Option<Time>,
    /// Why it cannot be controlled.
    reason: Option<Reason>,
    /// Whether its last change is not on disk.
    unsaved: bool,
    /// When it registered last from another place than before.
    last_log_on_at: Option<Time>,
}

/// How a phone can be reached.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) enum PhoneState {
    /// Not registered.
    Away,
    /// Registered, without a CSTA session.
    Registered,
    /// With an open CSTA session.
    Controlled,
}

impl Phone {
    /// A phone whose reason is in this language.
    pub(in crate::api) fn new(details: PhoneDetails, language: Language) -> Self {
        let PhoneDetails {
            entry,
            status,
            since,
            reason,
            unsaved,
        } = details;
        let mac = entry.hardware().map(|mac| mac.to_string());
        let ListedPhone {
            id,
            maker,
            model,
            firmware,
            last_address,
            last_identity,
            lines,
            last_login,
            enabled,
            display_name,
            ..
        } = entry;
        Self {
            id,
            mac,
            extension: id.mac().is_none().then(|| id.bare()),
            display_name,
            maker,
            model,
            firmware,
            address: last_address.map(|address| address.to_string()),
            identity: last_identity,
            lines,
            in_operation: enabled,
            state: match status {
                Status::Away => PhoneState::Away,
                Status::Registered => PhoneState::Registered,
                Status::Controlled => PhoneState::Controlled,
            },
            since: since.and_then(Time::from_seconds),
            reason: reason.map(|reason| Reason::new(&reason, language)),
            unsaved,
            last_log_on_at: last_login.and_then(Time::from_seconds),
        }
    }
}

impl Row for Phone {
    type Key = PhoneId;
    const SORTED_BY: &'static [&'static str] = &[
        "id",
        "displayName",
        "maker",
        "model",
        "firmware",
        "address",
        "state",
        "inOperation",
        "since",
        "lastLogOnAt",
    ];

    fn key(&self) -> PhoneId {
        self.id
    }
}

/// Which phones are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::api) struct PhoneFilter {
    /// Only phones in this state.
    #[param(inline)]
    state: Option<PhoneState>,
    /// Only phones that are in operation, or only those that are not.
    in_operation: Option<bool>,
    /// Only phones of this maker, in any case.
    maker: Option<String>,
    /// Only phones whose reason has this code.
    #[param(value_type = Option<String>)]
    reason: Option<ReasonCode>,
}

impl PhoneFilter {
    pub(super) fn is_empty(&self) -> bool {
        self.state.is_none()
            && self.in_operation.is_none()
            && self.maker.is_none()
            && self.reason.is_none()
    }

    pub(super) fn admits(&self, phone: &Phone) -> bool {
        self.state.is_none_or(|state| state == phone.state)
            && self.in_operation.is_none_or(|on| on == phone.in_operation)
            && self
                .maker
                .as_ref()
                .is_none_or(|maker| maker.eq_ignore_ascii_case(&phone.maker))
            && self
                .reason
                .is_none_or(|code| code.is_of(phone.reason.as_ref()))
    }
}
