//! Counts phones and monitored lines: hands out a [`Seat`] that gives itself back on drop.

use std::sync::Arc;

use actix::{Actor, AsyncContext, Context, Handler, Message, Recipient};

/// Counts the seats in use.
#[derive(Debug, Default)]
pub struct Licensing {
    counts: Counts,
    /// Where seats go back to: one address for all of them, since each copy of an address takes memory of its own.
    returns: Option<Arc<Recipient<GiveBack>>>,
}

/// What a seat is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A phone that is in operation and connected.
    Phone,
    /// A line that at least one client watches.
    Line,
}

/// The seats in use.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Phones that are in operation and connected.
    pub phones: usize,
    /// Monitored lines; one that many clients watch counts once.
    pub lines: usize,
}

/// Asks for a seat; [`Taken`] brings it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Take {
    /// What for.
    pub kind: Kind,
    /// Who gets it.
    pub to: Recipient<Taken>,
}

/// A seat was taken for the receiver. Dropped unread, the seat goes back.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Taken(pub Seat);

/// The right to control a phone, or to watch a line. Dropping it gives it back.
#[derive(Debug)]
pub struct Seat {
    kind: Kind,
    returns: Arc<Recipient<GiveBack>>,
}

/// Asks for the counts.
#[derive(Debug, Message)]
#[rtype(result = "Counts")]
pub struct Count;

#[derive(Debug, Message)]
#[rtype(result = "()")]
struct GiveBack(Kind);

impl Actor for Licensing {
    type Context = Context<Self>;
}

impl Handler<Take> for Licensing {
    type Result = ();

    fn handle(&mut self, Take { kind, to }: Take, ctx: &mut Self::Context) {
        *self.counts.of(kind) += 1;
        self.tell(kind);
        let returns = self
            .returns
            .get_or_insert_with(|| Arc::new(ctx.address().recipient()));
        to.do_send(Taken(Seat {
            kind,
            returns: Arc::clone(returns),
        }));
    }
}

impl Handler<GiveBack> for Licensing {
    type Result = ();

    fn handle(&mut self, GiveBack(kind): GiveBack, _: &mut Self::Context) {
        let count = self.counts.of(kind);
        *count = count.saturating_sub(1);
        self.tell(kind);
    }
}

impl Handler<Count> for Licensing {
    type Result = actix::MessageResult<Count>;

    fn handle(&mut self, _: Count, _: &mut Self::Context) -> Self::Result {
        actix::MessageResult(self.counts)
    }
}

impl Licensing {
    fn tell(&self, changed: Kind) {
        let Counts { phones, lines } = self.counts;
        tracing::info!(phones, lines, ?changed, "seats in use");
    }
}

impl Counts {
    fn of(&mut self, kind: Kind) -> &mut usize {
        match kind {
            Kind::Phone => &mut self.phones,
            Kind::Line => &mut self.lines,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.returns.do_send(GiveBack(self.kind));
    }
}
