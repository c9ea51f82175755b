//! The transactions of one side of a connection: each a state machine with its timers and a value of its user.

use std::{
    ops::{Index, IndexMut},
    time::Duration,
};

use smallvec::SmallVec;
use uacsta_schema::sip::Method;

use super::{
    Reliability, Timer, TransactionEffect, TransactionEffects, TransactionEvent, client,
    invite_client, invite_server, server,
};
use crate::sip::slots::Slots;

/// Transactions with a value `T` of their user each. While there are none, they hold no memory.
///
/// The table runs the machines and holds their timers; the user carries out the effects that [`Self::on`] returns.
#[derive(Debug)]
pub struct Transactions<T> {
    slots: Slots<Transaction<T>>,
    serial: u32,
}

/// The identity of a transaction. No later transaction of its table has the same one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TransactionId {
    /// The slot in its table.
    pub(in crate::sip) slot: u32,
    /// Counts the transactions of a table.
    pub(in crate::sip) serial: u32,
}

/// The state of a transaction of any of the four kinds.
#[derive(Clone, Copy, Debug)]
pub enum Machine {
    /// An INVITE that was sent.
    InviteClient(invite_client::InviteClientState),
    /// Another request that was sent.
    Client(client::NonInviteClientState),
    /// An INVITE that was received.
    InviteServer(invite_server::InviteServerState),
    /// Another request that was received.
    Server(server::NonInviteServerState),
}

#[derive(Debug)]
struct Transaction<T> {
    serial: u32,
    machine: Machine,
    /// The timers that run, and when each fires.
    deadlines: SmallVec<[(Timer, Duration); 1]>,
    user: T,
}

impl Machine {
    /// A request of this method is about to be sent.
    pub fn client(method: &Method) -> Self {
        if *method == Method::Invite {
            Self::InviteClient(invite_client::InviteClientState::NEW)
        } else {
            Self::Client(client::NonInviteClientState::NEW)
        }
    }

    /// A request of this method was received.
    pub fn server(method: &Method) -> Self {
        if *method == Method::Invite {
            Self::InviteServer(invite_server::InviteServerState::NEW)
        } else {
            Self::Server(server::NonInviteServerState::NEW)
        }
    }

    fn on(&mut self, event: TransactionEvent, reliability: Reliability) -> TransactionEffects {
        let effects;
        match self {
            Self::InviteClient(state) => (*state, effects) = state.on(event, reliability),
            Self::Client(state) => (*state, effects) = state.on(event, reliability),
            Self::InviteServer(state) => (*state, effects) = state.on(event, reliability),
            Self::Server(state) => (*state, effects) = state.on(event, reliability),
        }
        effects
    }

    fn awaits_response(self) -> bool {
        use server::NonInviteServerState::{Proceeding, Trying};
        match self {
            Self::InviteServer(state) => state == invite_server::InviteServerState::Proceeding,
            Self::Server(state) => matches!(state, Trying | Proceeding),
            Self::InviteClient(_) | Self::Client(_) => false,
        }
    }

    fn awaits_ack(self) -> bool {
        matches!(
            self,
            Self::InviteServer(invite_server::InviteServerState::Unconfirmed(_))
        )
    }
}

impl<T> Transactions<T> {
    /// An empty table.
    pub const fn new() -> Self {
        Self {
            slots: Slots::new(),
            serial: 0,
        }
    }

    /// The identity of the transaction that [`Self::start`] starts next.
    pub fn next_id(&self) -> TransactionId {
        TransactionId {
            slot: self.slots.vacant_key() as u32,
            serial: self.serial.wrapping_add(1),
        }
    }

    /// Starts a transaction, whose timers run from `now`. The caller delivers or sends the request.
    pub fn start(
        &mut self,
        machine: Machine,
        reliability: Reliability,
        now: Duration,
        user: T,
    ) -> TransactionId {
        let id = self.next_id();
        self.serial = id.serial;
        let slot = self.slots.insert(Transaction {
            serial: id.serial,
            machine,
            deadlines: SmallVec::new(),
            user,
        });
        self.on(slot, TransactionEvent::Start, reliability, now);
        id
    }

    /// Passes an event to the transaction in `slot`. The caller carries out the effects, except that timers are set already.
    pub fn on(
        &mut self,
        slot: usize,
        event: TransactionEvent,
        reliability: Reliability,
        now: Duration,
    ) -> TransactionEffects {
        let known = &mut self.slots[slot];
        let effects = known.machine.on(event, reliability);
        for effect in &effects {
            if let TransactionEffect::Set(timer, after) = effect {
                known.deadlines.retain(|(set, _)| set != timer);
                known.deadlines.push((*timer, now + *after));
            }
        }
        effects
    }

    /// Takes the timers that are due at `now`. The caller passes each to its transaction by [`Self::on`], if that
    /// [exists](Self::slot) then.
    pub fn due(&mut self, now: Duration) -> Vec<(TransactionId, Timer)> {
        let mut due = Vec::new();
        for (slot, known) in self.slots.iter_mut() {
            let id = TransactionId {
                slot: slot as u32,
                serial: known.serial,
            };
            known.deadlines.retain(|(timer, at)| {
                let is_due = *at <= now;
                if is_due {
                    due.push((id, *timer));
                }
                !is_due
            });
        }
        due
    }

    /// When the next timer is due.
    pub fn next_due(&self) -> Option<Duration> {
        let deadlines = self.slots.iter().flat_map(|(_, known)| &known.deadlines);
        deadlines.map(|(_, at)| *at).min()
    }

    /// When the next timer of one transaction is due.
    pub fn deadline(&self, slot: usize) -> Option<Duration> {
        let deadlines = self.slots.get(slot)?.deadlines.iter();
        deadlines.map(|(_, at)| *at).min()
    }

    /// Stops the timers of a client transaction with a final response that send its request again or give it up.
    pub fn stop_retransmissions(&mut self, slot: usize) {
        let lingers = |timer| matches!(timer, Timer::D | Timer::K | Timer::M);
        self.slots[slot].deadlines.retain(|(set, _)| lingers(*set));
    }

    /// Removes a transaction.
    pub fn remove(&mut self, slot: usize) -> T {
        self.slots.remove(slot).user
    }

    /// Removes the transactions for which `keep` returns `false`.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.slots.retain(|_, known| keep(&known.user));
    }

    /// The slot of a transaction, unless it has ended.
    pub fn slot(&self, id: TransactionId) -> Option<usize> {
        let slot = id.slot as usize;
        let known = self.slots.get(slot)?;
        (known.serial == id.serial).then_some(slot)
    }

    /// The identity of the transaction in `slot`.
    pub fn id(&self, slot: usize) -> TransactionId {
        TransactionId {
            slot: slot as u32,
            serial: self.slots[slot].serial,
        }
    }

    /// Whether the transaction in `slot` is an INVITE that was sent.
    pub fn is_invite(&self, slot: usize) -> bool {
        matches!(self.slots[slot].machine, Machine::InviteClient(_))
    }

    /// The slot of a received request without a final response.
    pub fn awaiting_response(&self, id: TransactionId) -> Option<usize> {
        let slot = self.slot(id)?;
        self.slots[slot].machine.awaits_response().then_some(slot)
    }

    /// The INVITEs whose 2xx is retransmitted until its ACK arrives.
    pub fn awaiting_ack(&self) -> impl Iterator<Item = (usize, &T)> {
        self.slots
            .iter()
            .filter(|(_, known)| known.machine.awaits_ack())
            .map(|(slot, known)| (slot, &known.user))
    }

    /// All transactions with their slots.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.slots.iter().map(|(slot, known)| (slot, &known.user))
    }

    /// The user's value of a transaction.
    pub fn get_mut(&mut self, slot: usize) -> Option<&mut T> {
        self.slots.get_mut(slot).map(|known| &mut known.user)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

impl<T> Default for Transactions<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Index<usize> for Transactions<T> {
    type Output = T;

    fn index(&self, slot: usize) -> &T {
        &self.slots[slot].user
    }
}

impl<T> IndexMut<usize> for Transactions<T> {
    fn index_mut(&mut self, slot: usize) -> &mut T {
        &mut self.slots[slot].user
    }
}

#[cfg(test)]
mod tests {
    use uacsta_schema::sip::Status;

    use super::{
        super::{LIFE, T1},
        *,
    };

    const START: Duration = Duration::from_secs(100);

    fn sent(table: &mut Transactions<&'static str>, method: &Method) -> TransactionId {
        table.start(
            Machine::client(method),
            Reliability::Unreliable,
            START,
            "sent",
        )
    }

    #[test]
    fn each_timer_is_due_once() {
        let mut table = Transactions::new();
        let id = sent(&mut table, &Method::Info);
        assert_eq!(table.next_due(), Some(START + T1));
        assert_eq!(table.due(START), []);
        assert_eq!(table.due(START + T1), [(id, Timer::E)]);
        assert_eq!(table.due(START + T1), []);
        let slot = table.slot(id).expect("known");
        let effects = table.on(
            slot,
            TransactionEvent::Fired(Timer::E),
            Reliability::Unreliable,
            START + T1,
        );
        assert_eq!(
            effects.as_slice(),
            [
                TransactionEffect::Transmit,
                TransactionEffect::Set(Timer::E, 2 * T1)
            ]
        );
        assert_eq!(table.deadline(slot), Some(START + 3 * T1));
        let mut rest = table.due(START + LIFE);
        rest.sort_by_key(|(_, timer)| *timer == Timer::F);
        assert_eq!(rest, [(id, Timer::E), (id, Timer::F)]);
    }

    #[test]
    fn a_timer_does_not_fire_in_a_later_transaction_of_its_slot() {
        let mut table = Transactions::new();
        let former = sent(&mut table, &Method::Info);
        let due = table.due(START + LIFE);
        assert_eq!(due.len(), 2);
        assert_eq!(table.remove(former.slot as usize), "sent");
        let later = sent(&mut table, &Method::Bye);
        assert_eq!(later.slot, former.slot);
        assert!(due.iter().all(|(id, _)| table.slot(*id).is_none()));
        assert_eq!(table.slot(later), Some(later.slot as usize));
    }

    #[test]
    fn a_request_awaits_one_response_and_over_udp_an_accepted_invite_its_ack() {
        for (method, transport, status, ack) in [
            (Method::Info, Reliability::Unreliable, Status::OK, false),
            (Method::Invite, Reliability::Reliable, Status::OK, false),
            (Method::Invite, Reliability::Unreliable, Status::OK, true),
            (
                Method::Invite,
                Reliability::Unreliable,
                Status::NOT_FOUND,
                false,
            ),
        ] {
            let mut table = Transactions::new();
            let next = table.next_id();
            let id = table.start(Machine::server(&method), transport, START, ());
            assert_eq!(id, next);
            assert_eq!(table.next_due(), None, "{method:?}");
            let slot = table.awaiting_response(id).expect("waits");
            let effects = table.on(slot, TransactionEvent::Response(status), transport, START);
            assert_eq!(effects[0], TransactionEffect::Transmit);
            assert_eq!(table.awaiting_response(id), None, "{method:?}");
            assert_eq!(
                table.awaiting_ack().count(),
                usize::from(ack),
                "{method:?} {status:?}"
            );
        }
    }

    #[test]
    fn an_accepted_invite_keeps_only_timer_m() {
        let mut table = Transactions::new();
        let id = sent(&mut table, &Method::Invite);
        let slot = table.slot(id).expect("known");
        table.on(
            slot,
            TransactionEvent::Response(Status::OK),
            Reliability::Unreliable,
            START,
        );
        table.stop_retransmissions(slot);
        assert_eq!(table.next_due(), Some(START + LIFE));
    }
}
