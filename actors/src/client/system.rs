//! A client's system registrations (ECMA-269, system services), and the notifications of each session about its lines.

use std::collections::HashMap;

use actix::Recipient;
use uacsta_schema::csta::{
    Message, RequestSystemStatusResponse, StatusFilter, SwFunctionDevicesChanged,
    SysStatRegisterId, SystemRegister, SystemRegisterAbort, SystemRegisterCancelResponse,
    SystemRegisterResponse, SystemStatus, SystemStatusValue,
};

use crate::{
    directory::{LineFilter, LineSummary},
    refusal::Refusal,
    registrar::{LineStatus, Registrar, SubscribeStatus, UnsubscribeStatus},
    supervision::RestartableAddr,
};

/// How many registrations a session may have.
const REGISTRATIONS: usize = 8;

/// The system registrations of a client.
#[derive(Default)]
pub(super) struct Registrations {
    by_session: HashMap<u64, SessionRegistrations>,
}

#[derive(Default)]
struct SessionRegistrations {
    registrations: Vec<Registration>,
    /// `Some` while there are registrations.
    subscription: Option<StatusSubscription>,
}

struct Registration {
    id: SysStatRegisterId,
    /// Whether the client registered for SwFunctionDevicesChanged.
    devices: bool,
    /// Whether the client registered for SystemStatus.
    status: bool,
    filter: StatusFilter,
    /// The last digest of the lines' names, and the last status; `None` until the first, which causes no notification.
    known: Option<(u64, SystemStatusValue)>,
}

/// A session's subscription to the status of its lines. Dropping it ends the subscription.
pub(super) struct StatusSubscription {
    registrar: RestartableAddr<Registrar>,
    to: Recipient<LineStatus>,
    session: u64,
}

impl StatusSubscription {
    pub(super) fn new(
        registrar: RestartableAddr<Registrar>,
        to: Recipient<LineStatus>,
        session: u64,
    ) -> Self {
        Self {
            registrar,
            to,
            session,
        }
    }

    /// Replaces the lines of the subscription.
    fn renew(&self, lines: LineFilter) {
        self.registrar.do_send(SubscribeStatus {
            to: self.to.clone(),
            key: self.session,
            lines,
        });
    }
}

impl Drop for StatusSubscription {
    fn drop(&mut self) {
        let (to, key) = (self.to.clone(), self.session);
        self.registrar.do_send(UnsubscribeStatus { to, key });
    }
}

impl Registrations {
    /// SystemRegister: the session receives changes from now on.
    pub(super) fn register(
        &mut self,
        session: u64,
        id: SysStatRegisterId,
        request: &SystemRegister,
    ) -> Result<SystemRegisterResponse, Refusal> {
        let types = &request.request_types;
        let devices = types.switching_function_devices_changed == Some(true);
        let status = types.system_status == Some(true);
        if !devices && !status {
            return Err(Refusal::Malformed(
                "requestTypes has neither systemStatus nor switchingFunctionDevicesChanged; the server reports nothing else".into(),
            ));
        }
        let known = &mut self.by_session.entry(session).or_default().registrations;
        if known.len() >= REGISTRATIONS {
            return Err(Refusal::Registrations);
        }
        let filter = request.requested_status_filter.clone();
        known.push(Registration {
            id: id.clone(),
            devices,
            status,
            filter: filter.clone().unwrap_or_default(),
            known: None,
        });
        Ok(SystemRegisterResponse {
            sys_stat_register_id: id,
            actual_status_filter: filter,
        })
    }

    /// SystemRegisterCancel. Cancelling a session's last registration ends its subscription.
    pub(super) fn cancel(
        &mut self,
        session: u64,
        id: &SysStatRegisterId,
    ) -> Result<SystemRegisterCancelResponse, Refusal> {
        let known = self.by_session.get_mut(&session);
        let known = known.ok_or(Refusal::NoRegistration)?;
        let mut places = known.registrations.iter();
        let place = places.position(|known| known.id == *id);
        known
            .registrations
            .swap_remove(place.ok_or(Refusal::NoRegistration)?);
        if known.registrations.is_empty() {
            self.by_session.remove(&session);
        }
        Ok(SystemRegisterCancelResponse::default())
    }

    /// RequestSystemStatus: the status of the session's lines; `normal` without a registration.
    pub(super) fn status(
        &self,
        session: u64,
        id: Option<&SysStatRegisterId>,
    ) -> Result<RequestSystemStatusResponse, Refusal> {
        let mut system_status = SystemStatusValue::NORMAL;
        if let Some(id) = id {
            let known = self.by_session.get(&session);
            let mut known = known.into_iter().flat_map(|known| &known.registrations);
            let known = known.find(|known| known.id == *id);
            if let Some((_, status)) = &known.ok_or(Refusal::NoRegistration)?.known {
                system_status = status.clone();
            }
        }
        Ok(RequestSystemStatusResponse { system_status })
    }

    /// Renews the subscription of a session with registrations, for its currently visible lines.
    pub(super) fn subscribe(
        &mut self,
        session: u64,
        lines: LineFilter,
        subscription: impl FnOnce() -> StatusSubscription,
    ) {
        if let Some(known) = self.by_session.get_mut(&session) {
            let subscription = known.subscription.get_or_insert_with(subscription);
            subscription.renew(lines);
        }
    }

    /// The sessions with registrations.
    pub(super) fn sessions(&self) -> Vec<u64> {
        self.by_session.keys().copied().collect()
    }

    /// Notifications about the current state of a session's lines; `of_phone` if all are lines of one phone.
    pub(super) fn lines_changed(
        &mut self,
        session: u64,
        lines: &LineSummary,
        of_phone: bool,
    ) -> Vec<Message> {
        let status = status_of(lines, of_phone);
        let known = self.by_session.get_mut(&session).into_iter();
        known
            .flat_map(|known| &mut known.registrations)
            .flat_map(|known| known.learn(lines.names, &status))
            .collect()
    }

    /// Ends the registrations of a session because the server stops; returns the notifications.
    pub(super) fn abort(&mut self, session: u64) -> Vec<Message> {
        let known = self.by_session.remove(&session).unwrap_or_default();
        let mut messages = Vec::new();
        for known in known.registrations {
            messages.extend(known.report(&SystemStatusValue::DISABLED));
            messages.push(
                SystemRegisterAbort {
                    sys_stat_register_id: Some(known.id),
                }
                .into(),
            );
        }
        messages
    }

    pub(super) fn session_ended(&mut self, session: u64) {
        self.by_session.remove(&session);
    }
}

impl Registration {
    /// Returns the notifications of a new state of the lines.
    fn learn(&mut self, names: u64, status: &SystemStatusValue) -> Vec<Message> {
        let before = self.known.replace((names, status.clone()));
        let Some((former_names, former_status)) = before else {
            return Vec::new();
        };
        let mut news = Vec::new();
        if self.devices && former_names != names {
            news.push(
                SwFunctionDevicesChanged {
                    sys_stat_register_id: Some(self.id.clone()),
                }
                .into(),
            );
        }
        if former_status != *status {
            news.extend(self.report(status));
        }
        news
    }

    /// A SystemStatus with this status, unless the registration's filter excludes the status.
    fn report(&self, status: &SystemStatusValue) -> Option<Message> {
        let is_wanted = self.status && !leaves_out(&self.filter, status);
        is_wanted.then(|| {
            SystemStatus {
                sys_stat_register_id: Some(self.id.clone()),
                system_status: status.clone(),
            }
            .into()
        })
    }
}

/// `disabled` without a controlled phone, `partiallyDisabled` while one is not controlled, else `normal`. A server without
/// lines is normal, the session of a removed line is not.
fn status_of(lines: &LineSummary, of_phone: bool) -> SystemStatusValue {
    match (lines.controlled, lines.uncontrolled) {
        (0, 0) if !of_phone => SystemStatusValue::NORMAL,
        (0, _) => SystemStatusValue::DISABLED,
        (_, 0) => SystemStatusValue::NORMAL,
        _ => SystemStatusValue::PARTIALLY_DISABLED,
    }
}

fn leaves_out(filter: &StatusFilter, status: &SystemStatusValue) -> bool {
    let left_out = [
        (SystemStatusValue::NORMAL, filter.normal),
        (SystemStatusValue::DISABLED, filter.disabled),
        (
            SystemStatusValue::PARTIALLY_DISABLED,
            filter.partially_disabled,
        ),
    ];
    left_out.contains(&(status.clone(), Some(true)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use uacsta_schema::csta::DeviceId;

    use super::*;
    use crate::directory::Availability::{self, Away, Controlled, Registered};

    fn lines(of: &[(&str, Availability)]) -> LineSummary {
        let mut lines = LineSummary::default();
        for (name, availability) in of {
            lines.add(&DeviceId::from(*name), *availability);
        }
        lines
    }

    fn id(id: &str) -> SysStatRegisterId {
        SysStatRegisterId::from(id.to_owned())
    }

    /// A request for both kinds of reports.
    fn both() -> SystemRegister {
        let mut request = SystemRegister::default();
        request.request_types.system_status = Some(true);
        request.request_types.switching_function_devices_changed = Some(true);
        request
    }

    fn names(messages: &[Message]) -> Vec<&str> {
        messages.iter().map(Message::name).collect()
    }

    #[test]
    fn the_status_follows_from_the_lines() {
        let check = |of: &[(&str, Availability)], of_phone, expected: SystemStatusValue| {
            assert_eq!(status_of(&lines(of), of_phone), expected, "{of:?}");
        };
        check(&[], false, SystemStatusValue::NORMAL);
        check(&[], true, SystemStatusValue::DISABLED);
        check(&[("1", Controlled)], true, SystemStatusValue::NORMAL);
        check(&[("1", Away)], true, SystemStatusValue::DISABLED);
        let both = [("1", Controlled), ("2", Controlled)];
        check(&both, false, SystemStatusValue::NORMAL);
        let one = [("1", Controlled), ("2", Away)];
        check(&one, false, SystemStatusValue::PARTIALLY_DISABLED);
        let none = [("1", Registered), ("2", Away)];
        check(&none, false, SystemStatusValue::DISABLED);
    }

    #[test]
    fn a_registration_is_told_changes_that_its_filter_lets_through() {
        let mut registrations = Registrations::default();
        let mut request = both();
        request.requested_status_filter = Some(StatusFilter {
            partially_disabled: Some(true),
            ..StatusFilter::default()
        });
        registrations.register(1, id("7"), &request).unwrap();
        let mut hears = |of: &[(&str, Availability)], expected: &[&str]| {
            let news = registrations.lines_changed(1, &lines(of), false);
            assert_eq!(names(&news), expected, "{of:?}");
        };
        hears(&[("1", Controlled), ("2", Controlled)], &[]);
        hears(&[("2", Controlled), ("1", Controlled)], &[]);
        hears(&[("2", Controlled), ("1", Away)], &[]);
        hears(&[("2", Controlled), ("1", Controlled)], &["SystemStatus"]);
        hears(&[("2", Controlled)], &["SwFunctionDevicesChanged"]);
        hears(&[("2", Away)], &["SystemStatus"]);
        hears(&[], &["SwFunctionDevicesChanged", "SystemStatus"]);
    }

    #[test]
    fn registrations_are_limited_cancelled_and_aborted() {
        let mut registrations = Registrations::default();
        let register = |registrations: &mut Registrations, number: usize| {
            registrations.register(1, id(&number.to_string()), &both())
        };
        for number in 0..REGISTRATIONS {
            register(&mut registrations, number).unwrap();
        }
        let refused = register(&mut registrations, REGISTRATIONS);
        assert!(matches!(refused, Err(Refusal::Registrations)));
        let empty = registrations.register(2, id("x"), &SystemRegister::default());
        assert!(matches!(empty, Err(Refusal::Malformed(_))));
        assert!(registrations.cancel(2, &id("0")).is_err());
        registrations.cancel(1, &id("0")).unwrap();
        assert!(registrations.cancel(1, &id("0")).is_err());
        assert!(registrations.status(1, Some(&id("0"))).is_err());
        let status = registrations.status(1, Some(&id("1"))).unwrap();
        assert_eq!(status.system_status, SystemStatusValue::NORMAL);
        let told = registrations.abort(1);
        let each = ["SystemStatus", "SystemRegisterAbort"];
        assert_eq!(names(&told), each.repeat(REGISTRATIONS - 1));
        assert!(registrations.abort(1).is_empty() && registrations.sessions().is_empty());
    }
}
