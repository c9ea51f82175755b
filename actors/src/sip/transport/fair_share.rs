//! Caps unauthenticated work and closing per event-loop pass, so that a reconnect storm cannot starve established peers.

use std::{
    cell::RefCell,
    collections::VecDeque,
    future::poll_fn,
    task::{Context, Poll, Waker},
};

/// Permission for one step, with the holder's number in the queue while it waits.
#[derive(Debug, Default)]
pub(super) struct FairSharePermit(Option<u64>);

/// How many messages of unauthenticated peers, and ends of connections, a thread handles in one pass.
const PER_PASS: usize = 16;

thread_local! {
    static FAIR_SHARE: RefCell<FairShare> = const { RefCell::new(FairShare::new()) };
}

impl FairSharePermit {
    /// Ready when the holder may take one step; otherwise it is woken in order of arrival.
    pub(super) fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        FAIR_SHARE.with_borrow_mut(|share| {
            let number = match self.0 {
                Some(number) => number,
                None if share.free > 0 => {
                    share.free -= 1;
                    return Poll::Ready(());
                }
                None => *self.0.insert(share.queue(cx.waker())),
            };
            if number < share.served {
                self.0 = None;
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
    }
}

struct FairShare {
    /// How many steps remain in this pass for those who need not queue.
    free: usize,
    /// How many have queued since the thread started, and how many of these were served.
    queued: u64,
    served: u64,
    waiting: VecDeque<Waker>,
}

impl FairShare {
    const fn new() -> Self {
        Self {
            free: PER_PASS,
            queued: 0,
            served: 0,
            waiting: VecDeque::new(),
        }
    }

    fn queue(&mut self, waker: &Waker) -> u64 {
        if self.waiting.is_empty() {
            drop(actix_rt::spawn(serve_queue()));
        }
        self.waiting.push_back(waker.clone());
        self.queued += 1;
        self.queued - 1
    }

    /// Wakes those who may take a step in this pass; returns whether more are queued.
    fn serve(&mut self) -> bool {
        let served = self.waiting.len().min(PER_PASS);
        self.free = PER_PASS - served;
        self.served += served as u64;
        self.waiting.drain(..served).for_each(Waker::wake);
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
        !self.waiting.is_empty()
    }
}

/// Serves the queue once in each pass of the event loop, until it is empty.
async fn serve_queue() {
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
        if !FAIR_SHARE.with_borrow_mut(FairShare::serve) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_granted_in_order_of_arrival() {
        let peers = 3 * PER_PASS;
        let passed = RefCell::new(Vec::new());
        let passed = &passed;
        actix_rt::System::new().block_on(async {
            let all = (0..peers).map(|number| async move {
                let mut permit = FairSharePermit::default();
                poll_fn(|cx| permit.poll(cx)).await;
                passed.borrow_mut().push(number);
            });
            futures_util::future::join_all(all).await;
            assert_eq!(*passed.borrow(), (0..peers).collect::<Vec<_>>());
            // The last pass' share is used up, or there is a next one.
            FAIR_SHARE.with_borrow(|share| {
                assert_eq!(share.queued, share.served);
                assert!(share.queued >= (peers - PER_PASS) as u64);
                assert!(share.waiting.is_empty());
            });
        });
    }
}
