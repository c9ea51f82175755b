//! System registrations of clients (ECMA-269 system services): notifies them of changes of their lines and of their status.

use std::sync::Arc;

use actix::{AsyncContext, Context, Handler, Recipient};
use uacsta_schema::csta::{
    self, Dialect, Message, RequestSystemStatus, RequestSystemStatusResponse, StatusFilter,
    SwFunctionDevicesChanged, SysStatRegisterId, SystemRegister, SystemRegisterAbort,
    SystemRegisterCancel, SystemRegisterCancelResponse, SystemRegisterResponse, SystemStatus,
    SystemStatusValue,
};

use super::actor::{Client, ClientSession};
use crate::{
    ServerContext,
    directory::{LineFilter, LineSummary},
    refusal::Refusal,
    registrar::{LineStatus, Stopping, SubscribeStatus, UnsubscribeStatus},
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
    /// What it was told last: a digest of the lines' names, and the status. The first is where it begins, and no news.
    known: Option<(u64, SystemStatusValue)>,
}

/// A session's subscription to the status of its lines, which ends when it is dropped.
pub(super) struct StatusSubscription {
    context: Arc<ServerContext>,
    to: Recipient<LineStatus>,
    key: u64,
}

impl Drop for StatusSubscription {
    fn drop(&mut self) {
        let (to, key) = (self.to.clone(), self.key);
        self.context
            .registrar
            .do_send(UnsubscribeStatus { to, key });
    }
}

/// How many registrations a session may have.
const REGISTRATIONS: usize = 8;

impl Client {
    /// SystemRegister: from now on the session is told of changes.
    pub(super) fn system_register(
        &mut self,
        key: u64,
        register: &SystemRegister,
        dialect: &Dialect,
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
                reply.csta(csta::write(&response.into(), dialect));
                return self.subscribe_status(key, ctx);
            }
            _ => Refusal::Registrations,
        };
        self.refuse(self.mac_of(key), reply, dialect, "SystemRegister", &refusal);
    }

    /// SystemRegisterCancel: the session is told no more.
    pub(super) fn system_register_cancel(
        &mut self,
        key: u64,
        cancel: &SystemRegisterCancel,
        dialect: &Dialect,
        reply: Responder,
    ) {
        let cancelled = self.sessions.get_mut(&key).and_then(|session| {
            let known = &mut session.registrations;
            let at = known
                .iter()
                .position(|known| known.id == cancel.sys_stat_register_id)?;
            let cancelled = known.swap_remove(at);
            session.subscription.take_if(|_| known.is_empty());
            Some(cancelled)
        });
        match cancelled {
            Some(_) => {
                let response = SystemRegisterCancelResponse::default();
                reply.csta(csta::write(&response.into(), dialect));
            }
            None => self.refuse(
                self.mac_of(key),
                reply,
                dialect,
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
        dialect: &Dialect,
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
                dialect,
            )),
            None => self.refuse(
                self.mac_of(key),
                reply,
                dialect,
                "RequestSystemStatus",
                &Refusal::NoRegistration,
            ),
        }
    }

    /// Subscribes a session that has registrations to the lines that it sees now.
    pub(super) fn subscribe_status(&mut self, key: u64, ctx: &Context<Self>) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        if session.registrations.is_empty() {
            return;
        }
        let subscription = session
            .subscription
            .get_or_insert_with(|| StatusSubscription {
                context: Arc::clone(&self.context),
                to: ctx.address().recipient(),
                key,
            });
        self.context.registrar.do_send(SubscribeStatus {
            to: subscription.to.clone(),
            key,
            lines: LineFilter {
                phone: session.scope.phone(),
                names: self.rights.lines(),
            },
        });
    }

    /// Subscribes all sessions anew: the log-on may see other lines.
    pub(super) fn renew_subscriptions(&mut self, ctx: &Context<Self>) {
        for key in self.sessions.keys().copied().collect::<Vec<_>>() {
            self.subscribe_status(key, ctx);
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

impl ClientSession {
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

/// The status that lines make: `disabled` without any phone under control, `partiallyDisabled` while one is not, else `normal`.
/// A server without any line is normal; the session of a line that is gone is not.
fn status_of(lines: &LineSummary, of_line: bool) -> SystemStatusValue {
    match (lines.controlled, lines.uncontrolled) {
        (0, 0) if !of_line => SystemStatusValue::NORMAL,
        (0, _) => SystemStatusValue::DISABLED,
        (_, 0) => SystemStatusValue::NORMAL,
        _ => SystemStatusValue::PARTIALLY_DISABLED,
    }
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

impl Handler<LineStatus> for Client {
    type Result = ();

    fn handle(&mut self, LineStatus { key, lines }: LineStatus, _: &mut Self::Context) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        let Some(id) = session.id else { return };
        let status = status_of(&lines, session.scope.phone().is_some());
        for known in &mut session.registrations {
            for news in known.learn(lines.names, &status) {
                self.link.do_send(Notify {
                    session: id,
                    content: Body::Whole(csta::write(&news, &session.dialect)),
                });
            }
        }
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
                    content: Body::Whole(csta::write(&word, &session.dialect)),
                });
            }
            self.link.do_send(Close { session: id });
        }
    }
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

    #[test]
    fn lines_make_a_status() {
        let check = |of: &[(&str, Availability)], of_line, expected: SystemStatusValue| {
            assert_eq!(status_of(&lines(of), of_line), expected, "{of:?}");
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
        let mut hears = |of: &[(&str, Availability)], expected: &[&str]| {
            let lines = lines(of);
            let news = known.learn(lines.names, &status_of(&lines, false));
            let names: Vec<&str> = news.iter().map(Message::name).collect();
            assert_eq!(names, expected, "{of:?}");
        };
        hears(&[("1", Controlled), ("2", Controlled)], &[]);
        hears(&[("2", Controlled), ("1", Controlled)], &[]);
        hears(&[("2", Controlled), ("1", Away)], &[]);
        hears(&[("2", Controlled), ("1", Controlled)], &["SystemStatus"]);
        hears(&[("2", Controlled)], &["SwFunctionDevicesChanged"]);
        hears(&[("2", Away)], &["SystemStatus"]);
        hears(&[], &["SwFunctionDevicesChanged", "SystemStatus"]);
    }
}
