//! The turnstile of a thread: connections on which nobody has logged on yet, and those that end, share a bounded part of each
//! of its turns, so that thousands who come or go at once do not keep those waiting who are there.

use std::{
    cell::RefCell,
    collections::VecDeque,
    future::poll_fn,
    task::{Context, Poll, Waker},
};

/// A place in the queue, while it has one.
#[derive(Debug, Default)]
pub(super) struct Ticket(Option<u64>);

/// How many messages of newcomers, and ends, are taken in one turn of the thread.
const ABREAST: usize = 16;

thread_local! {
    static TURNSTILE: RefCell<Turnstile> = const { RefCell::new(Turnstile::new()) };
}

impl Ticket {
    /// Ready when the holder may take one step; otherwise it is woken when its turn comes, in order of arrival.
    pub(super) fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        TURNSTILE.with_borrow_mut(|turnstile| {
            let number = match self.0 {
                Some(number) => number,
                None if turnstile.free > 0 => {
                    turnstile.free -= 1;
                    return Poll::Ready(());
                }
                None => *self.0.insert(turnstile.queue(cx.waker())),
            };
            if number < turnstile.served {
                self.0 = None;
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
    }
}

struct Turnstile {
    /// How many may still pass in this turn without a ticket.
    free: usize,
    /// How many tickets were drawn, and how many have been called.
    drawn: u64,
    served: u64,
    waiting: VecDeque<Waker>,
}

impl Turnstile {
    const fn new() -> Self {
        Self {
            free: ABREAST,
            drawn: 0,
            served: 0,
            waiting: VecDeque::new(),
        }
    }

    fn queue(&mut self, waker: &Waker) -> u64 {
        if self.waiting.is_empty() {
            drop(actix_rt::spawn(turn()));
        }
        self.waiting.push_back(waker.clone());
        self.drawn += 1;
        self.drawn - 1
    }

    /// Calls those whose turn it is; whether others still wait.
    fn call(&mut self) -> bool {
        let called = self.waiting.len().min(ABREAST);
        self.free = ABREAST - called;
        self.served += called as u64;
        self.waiting.drain(..called).for_each(Waker::wake);
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
        !self.waiting.is_empty()
    }
}

/// Calls the next ones each time that all who are ready have had their turn, until nobody waits.
async fn turn() {
    loop {
        let mut yielded = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        if !TURNSTILE.with_borrow_mut(Turnstile::call) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newcomers_pass_in_order_and_so_many_a_turn() {
        let newcomers = 3 * ABREAST;
        let passed = RefCell::new(Vec::new());
        let passed = &passed;
        actix_rt::System::new().block_on(async {
            let all = (0..newcomers).map(|number| async move {
                let mut ticket = Ticket::default();
                poll_fn(|cx| ticket.poll(cx)).await;
                passed.borrow_mut().push(number);
            });
            futures_util::future::join_all(all).await;
            assert_eq!(*passed.borrow(), (0..newcomers).collect::<Vec<_>>());
            // The last turn's share is used up, or there is a next one.
            TURNSTILE.with_borrow(|turnstile| {
                assert_eq!(turnstile.drawn, turnstile.served);
                assert!(turnstile.drawn >= (newcomers - ABREAST) as u64);
                assert!(turnstile.waiting.is_empty());
            });
        });
    }
}
