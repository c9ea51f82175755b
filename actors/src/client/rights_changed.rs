//! The operator changed what a client may see and do while it is connected: what it holds beyond that is taken from it.

use std::sync::Arc;

use actix::Handler;
use uacsta_schema::csta::{self, MonitorCrossRefId, MonitorStop};

use super::{
    actor::{Client, Scope},
    monitors::ClientMonitor,
};
use crate::{
    ConfigChanged,
    sip::{
        connection::Shut,
        session::{Body, Close, Notify},
    },
};

impl Client {
    /// Ends the sessions and the monitors of lines that the client may no longer open. It is told by BYE and MonitorStop.
    fn leave_what_is_not_ours(&mut self) {
        let rights = &self.rights;
        let (mut closed, mut left) = (Vec::new(), Vec::new());
        for (key, session) in &self.sessions {
            if let Scope::Line { line, .. } = &session.scope
                && !rights.sees(&line.entry)
            {
                closed.push((*key, session.id));
                continue;
            }
            let monitored = session.monitored.iter();
            let hidden = monitored.filter(|(_, monitor)| !rights.sees(&monitor.line.entry));
            left.extend(hidden.map(|(cross_ref, _)| (*key, Arc::clone(cross_ref))));
        }
        for (key, cross_ref) in left {
            self.leave_monitor(key, &cross_ref);
        }
        for (key, id) in closed {
            if let Some(session) = id {
                self.link.do_send(Close { session });
            }
            self.ended(key, "the client has no right to the line any longer");
        }
    }

    /// Ends a monitor of a line that the client may no longer open.
    pub(super) fn leave_monitor(&mut self, key: u64, cross_ref: &str) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        let Some((cross_ref, ClientMonitor { line, .. })) =
            session.monitored.remove_entry(cross_ref)
        else {
            return;
        };
        if let Some(id) = session.id {
            let stop = MonitorStop {
                monitor_cross_ref_id: MonitorCrossRefId::from(Arc::clone(&cross_ref)),
            };
            self.link.do_send(Notify {
                session: id,
                content: Body::Whole(csta::write(&stop.into(), &session.dialect)),
            });
        }
        tracing::info!(client = %self.name, phone = %line.entry.phone, line = %line.entry.device, "monitor stopped: the client has no right to the line any longer");
        self.unsubscribe(&line, cross_ref);
    }
}

impl Handler<ConfigChanged> for Client {
    type Result = ();

    fn handle(&mut self, _: ConfigChanged, ctx: &mut Self::Context) {
        let Some(rights) = self.log_on.rights(&self.context.config().settings) else {
            return self.link.do_send(Shut {
                reason: "the user that it logged on as is gone from the settings".into(),
            });
        };
        self.rights = rights;
        self.leave_what_is_not_ours();
        self.hide_listed();
        self.next_list(ctx);
        // What was found was found by the former rights.
        self.forget_found();
        self.renew_subscriptions(ctx);
    }
}
