//! System registrations of clients (ECMA-269 system services): whoever registers is told of other lines and of another status.

use std::{
    cell::LazyCell,
    hash::{DefaultHasher, Hash, Hasher},
};

use actix::{AsyncContext, Context, Handler};
use uacsta_schema::csta::{
    self, Message, RequestSystemStatus, RequestSystemStatusResponse, Speech, StatusFilter,
    SwFunctionDevicesChanged, SysStatRegisterId, SystemRegister, SystemRegisterAbort,
    SystemRegisterCancel, SystemRegisterCancelResponse, SystemRegisterResponse, SystemStatus,
    SystemStatusValue,
};

use super::{Client, Session};
use crate::{
    directory::Entry,
    phone::Status as PhoneStatus,
    refusal::Refusal,
    registrar::{Follow, Standing, Stopping},
    sip::{
        responder::Responder,
        session::{Body, Close, Notify},
    },
};

/// A registration of a session's.
pub(super) struct Registration {
    id: SysStatRegisterId,
    /// Whether it is for SwFunctionDevicesChanged.
    devices: bool,
    /// Whether it is for SystemStatus.
    status: bool,
    filter: StatusFilter,
    /// What it was told last: a digest of the lines, and the status. The first is where it begins, and no news.
    known: Option<(u64, SystemStatusValue)>,
}

/// How many registrations a session may have.
const REGISTRATIONS: usize = 8;

impl Client {
    /// SystemRegister: from now on the session is told of changes.
    pub(super) fn system_register(
        &mut self,
        key: u64,
        register: &SystemRegister,
        speech: &Speech,
        reply: Responder,
        ctx: &Context<Self>,
    ) {
        let asked = &register.request_types;
        let (devices, status) = (
            asked.switching_function_devices_changed == Some(true),
            asked.system_status == Some(true),
        );
        let id = SysStatRegisterId::from(self.cross_refs.next().to_string());
        let refusal = match self.sessions.get_mut(&key) {
            _ if !devices && !status => Refusal::Malformed(
                "requestTypes asks neither for systemStatus nor for switchingFunctionDevicesChanged, and the server tells nothing else".into(),
            ),
            Some(session) if session.registrations.len() < REGISTRATIONS => {
                session.registrations.push(Registration {
                    id: id.clone(),
                    devices,
                    status,
                    filter: register.requested_status_filter.clone().unwrap_or_default(),
                    known: None,
                });
                let response = SystemRegisterResponse {
                    sys_stat_register_id: id,
                    actual_status_filter: register.requested_status_filter.clone(),
                };
                reply.csta(csta::write(&response.into(), speech));
                return self.house.registrar.do_send(Follow(ctx.address().recipient()));
            }
            _ => Refusal::Registrations,
        };
        self.refuse(self.mac_of(key), reply, speech, "SystemRegister", &refusal);
    }

    /// SystemRegisterCancel: the session is told no more.
    pub(super) fn system_register_cancel(
        &mut self,
        key: u64,
        cancel: &SystemRegisterCancel,
        speech: &Speech,
        reply: Responder,
    ) {
        let cancelled = self.sessions.get_mut(&key).and_then(|session| {
            let known = &mut session.registrations;
            let at = known
                .iter()
                .position(|known| known.id == cancel.sys_stat_register_id)?;
            Some(known.swap_remove(at))
        });
        match cancelled {
            Some(_) => {
                let response = SystemRegisterCancelResponse::default();
                reply.csta(csta::write(&response.into(), speech));
            }
            None => self.refuse(
                self.mac_of(key),
                reply,
                speech,
                "SystemRegisterCancel",
                &Refusal::NoRegistration,
            ),
        }
    }

    /// RequestSystemStatus: `normal` tells that the session is alive; within a registration, how its lines stand.
    pub(super) fn system_status(
        &self,
        key: u64,
        request: &RequestSystemStatus,
        speech: &Speech,
        reply: Responder,
    ) {
        let status = match (&request.sys_stat_register_id, self.sessions.get(&key)) {
            (Some(id), Some(session)) => session
                .registrations
                .iter()
                .find(|known| known.id == *id)
                .map(|known| {
                    known
                        .known
                        .as_ref()
                        .map_or(SystemStatusValue::NORMAL, |(_, status)| status.clone())
                }),
            _ => Some(SystemStatusValue::NORMAL),
        };
        match status {
            Some(system_status) => reply.csta(csta::write(
                &RequestSystemStatusResponse { system_status }.into(),
                speech,
            )),
            None => self.refuse(
                self.mac_of(key),
                reply,
                speech,
                "RequestSystemStatus",
                &Refusal::NoRegistration,
            ),
        }
    }

    /// Tells each registration what is news to it.
    fn stand(&mut self, lines: &[(Entry, PhoneStatus)]) {
        let Self {
            sessions,
            link,
            rights,
            ..
        } = self;
        let seen = |(entry, _): &&(Entry, PhoneStatus)| rights.sees(entry);
        // All server's sessions see the same.
        let everything = LazyCell::new(|| summary(lines.iter().filter(seen), false));
        for session in sessions.values_mut() {
            if session.registrations.is_empty() {
                continue;
            }
            let Some(id) = session.id else { continue };
            let (digest, status) = match session.scope.mac() {
                None => LazyCell::force(&everything).clone(),
                Some(mac) => {
                    let own = lines.iter().filter(|(entry, _)| entry.mac == mac);
                    summary(own.filter(seen), true)
                }
            };
            for known in &mut session.registrations {
                for news in known.learn(digest, &status) {
                    link.do_send(Notify {
                        session: id,
                        content: Body::Whole(csta::write(&news, &session.speech)),
                    });
                }
            }
        }
    }
}

impl Registration {
    /// What is to be told now that the lines stand so.
    fn learn(&mut self, digest: u64, status: &SystemStatusValue) -> Vec<Message> {
        let before = self.known.replace((digest, status.clone()));
        let Some((lines, standing)) = before else {
            return Vec::new();
        };
        let mut news = Vec::new();
        if self.devices && lines != digest {
            news.push(
                SwFunctionDevicesChanged {
                    sys_stat_register_id: Some(self.id.clone()),
                }
                .into(),
            );
        }
        if standing != *status {
            news.extend(self.reported(status));
        }
        news
    }

    /// The SystemStatus that tells this status, where the client wants to hear of it.
    fn reported(&self, status: &SystemStatusValue) -> Option<Message> {
        let wanted = self.status && !leaves_out(&self.filter, status);
        wanted.then(|| {
            SystemStatus {
                sys_stat_register_id: Some(self.id.clone()),
                system_status: status.clone(),
            }
            .into()
        })
    }
}

impl Session {
    /// What the session is told when the server stops.
    fn farewell(&mut self) -> Vec<Message> {
        let mut words = Vec::new();
        for known in self.registrations.drain(..) {
            words.extend(known.reported(&SystemStatusValue::DISABLED));
            words.push(
                SystemRegisterAbort {
                    sys_stat_register_id: Some(known.id),
                }
                .into(),
            );
        }
        words
    }
}

/// A digest of the lines' names, and the status that they make: `disabled` without any phone there, `partiallyDisabled` while
/// one is away, else `normal`. A server without a phone is as it should be; a line without its phone is not.
fn summary<'a>(
    lines: impl Iterator<Item = &'a (Entry, PhoneStatus)>,
    of_line: bool,
) -> (u64, SystemStatusValue) {
    let (mut digest, mut there, mut away) = (0, 0_usize, 0_usize);
    for (entry, status) in lines {
        let mut name = DefaultHasher::new();
        entry.name.as_str().hash(&mut name);
        // The order of the lines says nothing, so neither must the order of the sum.
        digest = name.finish().wrapping_add(digest);
        match status {
            PhoneStatus::Controlled => there += 1,
            PhoneStatus::Away | PhoneStatus::Registered => away += 1,
        }
    }
    let status = match (there, away) {
        (0, 0) if !of_line => SystemStatusValue::NORMAL,
        (0, _) => SystemStatusValue::DISABLED,
        (_, 0) => SystemStatusValue::NORMAL,
        _ => SystemStatusValue::PARTIALLY_DISABLED,
    };
    (digest, status)
}

fn leaves_out(filter: &StatusFilter, status: &SystemStatusValue) -> bool {
    let of = [
        (SystemStatusValue::NORMAL, filter.normal),
        (SystemStatusValue::DISABLED, filter.disabled),
        (
            SystemStatusValue::PARTIALLY_DISABLED,
            filter.partially_disabled,
        ),
    ];
    of.into_iter()
        .any(|(value, left_out)| value == *status && left_out == Some(true))
}

impl Handler<Standing> for Client {
    type Result = ();

    fn handle(&mut self, Standing(lines): Standing, _: &mut Self::Context) {
        self.stand(&lines);
    }
}

impl Handler<Stopping> for Client {
    type Result = ();

    fn handle(&mut self, _: Stopping, _: &mut Self::Context) {
        for session in self.sessions.values_mut() {
            let Some(id) = session.id else { continue };
            for word in session.farewell() {
                self.link.do_send(Notify {
                    session: id,
                    content: Body::Whole(csta::write(&word, &session.speech)),
                });
            }
            self.link.do_send(Close { session: id });
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use uacsta_schema::csta::DeviceId;

    const AWAY: PhoneStatus = PhoneStatus::Away;
    const HERE: PhoneStatus = PhoneStatus::Controlled;

    fn lines(of: &[(&str, PhoneStatus)]) -> Vec<(Entry, PhoneStatus)> {
        let line = |(name, status): &(&str, PhoneStatus)| {
            let device = DeviceId::from((*name).to_owned());
            let entry = Entry::alone("000413000001".parse().unwrap(), device);
            (entry, *status)
        };
        of.iter().map(line).collect()
    }

    #[test]
    fn lines_make_a_status() {
        let check = |of: &[(&str, PhoneStatus)], of_line, expected: SystemStatusValue| {
            assert_eq!(summary(lines(of).iter(), of_line).1, expected, "{of:?}");
        };
        check(&[], false, SystemStatusValue::NORMAL);
        check(&[], true, SystemStatusValue::DISABLED);
        check(&[("1", HERE)], true, SystemStatusValue::NORMAL);
        check(&[("1", AWAY)], true, SystemStatusValue::DISABLED);
        check(
            &[("1", HERE), ("2", HERE)],
            false,
            SystemStatusValue::NORMAL,
        );
        check(
            &[("1", HERE), ("2", AWAY)],
            false,
            SystemStatusValue::PARTIALLY_DISABLED,
        );
        check(
            &[("1", PhoneStatus::Registered), ("2", AWAY)],
            false,
            SystemStatusValue::DISABLED,
        );
    }

    #[test]
    fn a_registration_is_told_news_and_nothing_else() {
        let mut known = Registration {
            id: SysStatRegisterId::from("7".to_owned()),
            devices: true,
            status: true,
            filter: StatusFilter {
                partially_disabled: Some(true),
                ..StatusFilter::default()
            },
            known: None,
        };
        let mut hears = |of: &[(&str, PhoneStatus)], expected: &[&str]| {
            let (digest, status) = summary(lines(of).iter(), false);
            let news = known.learn(digest, &status);
            let names: Vec<&str> = news.iter().map(Message::name).collect();
            assert_eq!(names, expected, "{of:?}");
        };
        hears(&[("1", HERE), ("2", HERE)], &[]);
        hears(&[("2", HERE), ("1", HERE)], &[]);
        hears(&[("2", HERE), ("1", AWAY)], &[]);
        hears(&[("2", HERE), ("1", HERE)], &["SystemStatus"]);
        hears(&[("2", HERE)], &["SwFunctionDevicesChanged"]);
        hears(&[("2", AWAY)], &["SystemStatus"]);
        hears(&[], &["SwFunctionDevicesChanged", "SystemStatus"]);
    }
}
