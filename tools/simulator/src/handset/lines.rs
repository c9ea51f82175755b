//! Adds and removes lines of a running phone (ECMA-269, Switching Function Devices Changed).

use actix::{
    ActorFutureExt, AsyncContext, Context, Handler, Message, ResponseActFuture, WrapFuture,
};
use uacsta_actors::sip::session::Notify;
use uacsta_schema::csta::SwFunctionDevicesChanged;

use super::Handset;
use crate::{
    FleetError,
    pbx::actor::{Attach, Detach},
};

/// Adds a line.
#[derive(Message)]
#[rtype(result = "Result<(), FleetError>")]
pub(crate) struct AddLine(pub(crate) Box<str>);

/// Removes a line.
#[derive(Message)]
#[rtype(result = "Result<(), FleetError>")]
pub(crate) struct RemoveLine(pub(crate) Box<str>);

impl Handset {
    /// Notifies the server's registrations that the lines changed.
    fn lines_changed(&self) {
        let lines = self.lines.clone();
        self.status.send_modify(|status| status.lines = lines);
        let (Some(session), Some(link)) = (&self.session, &self.link) else {
            return;
        };
        let Some(id) = session.id else { return };
        for registration in &session.registrations {
            let changed = SwFunctionDevicesChanged {
                sys_stat_register_id: Some(registration.clone()),
            };
            link.do_send(Notify {
                session: id,
                content: self.write(changed).into(),
            });
        }
    }
}

impl Handler<AddLine> for Handset {
    type Result = ResponseActFuture<Self, Result<(), FleetError>>;

    fn handle(&mut self, AddLine(number): AddLine, ctx: &mut Context<Self>) -> Self::Result {
        let device = self.maker.line(&number, &self.context.domain);
        let attaching = self.pbx.send(Attach {
            device: device.clone(),
            call: self.maker.call().into(),
            phone: ctx.address().recipient(),
        });
        Box::pin(attaching.into_actor(self).map(move |line, phone, _| {
            let line = line.map_err(|_| FleetError::Stopped)?;
            let line = line.ok_or(FleetError::Twice(number))?;
            phone.lines.push((line, device));
            phone.lines_changed();
            Ok(())
        }))
    }
}

impl Handler<RemoveLine> for Handset {
    type Result = Result<(), FleetError>;

    fn handle(&mut self, RemoveLine(number): RemoveLine, _: &mut Context<Self>) -> Self::Result {
        let own = self
            .lines
            .iter()
            .position(|(_, device)| device.user() == &*number);
        let (line, _) = self.lines.remove(own.ok_or(FleetError::NoLine(number))?);
        if let Some(session) = &mut self.session {
            session.monitors.retain(|monitor| monitor.line != line);
        }
        self.pbx.do_send(Detach(line));
        self.lines_changed();
        Ok(())
    }
}
