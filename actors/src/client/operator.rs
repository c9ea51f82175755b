//! What operators do with a client: list its sessions and monitors, end it, or stop the server.

use std::collections::BTreeSet;

use actix::{ActorContext, Context, Handler, MessageResult};

use super::{Client, sessions::Scope};
use crate::{
    registrar::{ClientState, DescribeClient, EndClient, OpenClientSession, Stopping},
    sip::connection::Shut,
};

impl Client {
    /// Tells each session that its registrations end, and ends its dialog.
    fn abort_sessions(&mut self, ctx: &Context<Self>) {
        for (key, session) in self.sessions.iter() {
            for message in self.registrations.abort(key) {
                self.notify(session, message);
            }
            self.end_dialog(key, session.id, ctx);
        }
    }
}

impl Handler<Stopping> for Client {
    type Result = ();

    fn handle(&mut self, _: Stopping, ctx: &mut Self::Context) {
        self.abort_sessions(ctx);
    }
}

impl Handler<EndClient> for Client {
    type Result = ();

    fn handle(&mut self, EndClient { reason }: EndClient, ctx: &mut Self::Context) {
        self.abort_sessions(ctx);
        if !self.user.log_on.is_by_front_end() {
            return self.connection.do_send(Shut { reason });
        }
        // Other users have the connection of a front end, too.
        self.end_all(&reason, ctx);
        ctx.stop();
    }
}

impl Handler<DescribeClient> for Client {
    type Result = MessageResult<DescribeClient>;

    fn handle(&mut self, asked: DescribeClient, _: &mut Self::Context) -> Self::Result {
        let open = self.sessions.iter().take(asked.most);
        let open = open.map(|(_, session)| OpenClientSession {
            line: match &session.scope {
                Scope::Server => None,
                Scope::Line { name, .. } => Some(name.to_string()),
            },
            phone: session.scope.phone(),
        });
        // Several sessions may monitor a line.
        let lines = self.monitors.iter().take(asked.most);
        let lines: BTreeSet<String> = lines
            .map(|(_, monitor)| monitor.line.entry.device.to_string())
            .collect();
        MessageResult(ClientState {
            sessions: self.sessions.len(),
            monitors: self.monitors.count(),
            pending: self.pending.get(),
            requests: self.pending.total(),
            open: open.collect(),
            lines: lines.into_iter().collect(),
        })
    }
}
