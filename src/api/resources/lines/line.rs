//! A line as the list of lines shows it, and the filters of the list.

use serde::{Deserialize, Serialize};
use uacsta_actors::{
    phone::{Activity, Phone as PhoneActor, Status},
    registrar::LineDetails,
    supervision::RestartableAddr,
};
use uacsta_schema::{csta::DeviceId, phone_id::PhoneId};
use utoipa::{IntoParams, ToSchema};

use super::{Reason, ReasonCode, Row, Time, watch::Watch};
use crate::texts::Language;

/// A line of a phone.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct Line {
    /// The device ID that clients see.
    id: String,
    /// The number, or the user part of the device ID.
    number: String,
    /// An operator's name of the phone that has the line.
    display_name: Option<String>,
    /// The phone that has the line.
    #[schema(value_type = String)]
    phone: PhoneId,
    state: LineState,
    /// Why it cannot be controlled.
    reason: Option<Reason>,
    /// Since when its phone is as it is, if that is known.
    since: Option<Time>,
    /// What it does; `unknown` unless it is watched.
    status: LineStatus,
    /// How it is watched; null while its phone does not say.
    watch: Option<Watch>,
    #[serde(skip)]
    pub(super) source: Source,
}

/// Who knows how a line is watched.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// The line by the phone's name.
    pub(super) device: DeviceId,
    /// The phone's actor, if there is one.
    pub(super) actor: Option<RestartableAddr<PhoneActor>>,
}

/// What a line does.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) enum LineStatus {
    /// It has no call.
    Idle,
    /// A call rings at it.
    Ringing,
    /// It has other calls.
    Busy,
    /// It cannot be controlled.
    OutOfService,
    /// Nobody watches it.
    Unknown,
}

/// Whether a line can be controlled.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) enum LineState {
    /// It can be controlled.
    InService,
    /// It cannot; the reason says why.
    OutOfService,
}

impl Line {
    /// A line whose reason is in this language.
    pub(super) fn new(line: LineDetails, language: Language) -> Self {
        let LineDetails {
            entry,
            display_name,
            actor,
            status,
            since,
            reason,
        } = line;
        let is_in_service = status == Status::Controlled && reason.is_none();
        Self {
            id: entry.name.as_str().to_owned(),
            number: entry.device.name().user.into_owned(),
            display_name,
            phone: entry.phone,
            state: match is_in_service {
                true => LineState::InService,
                false => LineState::OutOfService,
            },
            reason: reason.map(|reason| Reason::new(&reason, language)),
            since: since.and_then(Time::from_seconds),
            status: match is_in_service {
                true => LineStatus::Unknown,
                false => LineStatus::OutOfService,
            },
            watch: None,
            source: Source {
                device: entry.device,
                actor,
            },
        }
    }

    /// The phone that has the line.
    pub(super) fn phone(&self) -> PhoneId {
        self.phone
    }

    /// Adds how it is watched, with the `activity` that its monitor told of.
    pub(super) fn set_watch(&mut self, watch: Watch, activity: Option<Activity>) {
        self.status = match (self.status, activity.filter(|_| watch.is_on())) {
            (LineStatus::Unknown, Some(Activity::Idle)) => LineStatus::Idle,
            (LineStatus::Unknown, Some(Activity::Ringing)) => LineStatus::Ringing,
            (LineStatus::Unknown, Some(Activity::Busy)) => LineStatus::Busy,
            (status, _) => status,
        };
        self.watch = Some(watch);
    }
}

impl Row for Line {
    type Key = String;
    const SORTED_BY: &'static [&'static str] =
        &["id", "number", "displayName", "phone", "state", "since"];

    /// Disabled phones may list the same device ID.
    fn key(&self) -> String {
        format!("{} {}", self.id, self.phone)
    }
}

/// Which lines are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::api) struct LineFilter {
    /// Only lines in this state.
    #[param(inline)]
    state: Option<LineState>,
    /// Only lines of this phone.
    #[param(value_type = Option<String>)]
    phone: Option<PhoneId>,
    /// Only lines whose reason has this code.
    #[param(value_type = Option<String>)]
    reason: Option<ReasonCode>,
}

impl LineFilter {
    pub(super) fn admits(&self, line: &Line) -> bool {
        self.state.is_none_or(|state| state == line.state)
            && self.phone.is_none_or(|phone| phone == line.phone)
            && self
                .reason
                .is_none_or(|code| code.is_of(line.reason.as_ref()))
    }
}
