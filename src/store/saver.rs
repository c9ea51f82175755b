//! The actor that saves telephones: what arrives within two milliseconds shares one write to the disk.

use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, Recipient, ResponseFuture};
use actix_rt::Arbiter;
use tokio::sync::oneshot;
use uacsta_actors::telephones::{Save, StoreError as NotSaved, Telephone};

use super::Store;

/// Gathers what is to be saved; lives on a thread of its own, which the disk may hold up.
struct Saver {
    store: Store,
    waiting: Vec<Waiting>,
}

struct Waiting {
    telephones: Vec<Telephone>,
    done: oneshot::Sender<Result<(), NotSaved>>,
}

/// Puts the store on a thread of its own. That ends, and the list is closed, when the arbiter is stopped.
pub fn start(store: Store) -> (Recipient<Save>, Arbiter) {
    let arbiter = Arbiter::new();
    let saver = Saver::start_in_arbiter(&arbiter.handle(), |_| Saver {
        store,
        waiting: Vec::new(),
    });
    (saver.recipient(), arbiter)
}

const GATHERING: Duration = Duration::from_millis(2);

impl Actor for Saver {
    type Context = Context<Self>;
}

impl Handler<Save> for Saver {
    type Result = ResponseFuture<Result<(), NotSaved>>;

    fn handle(&mut self, Save { telephones }: Save, ctx: &mut Self::Context) -> Self::Result {
        if self.waiting.is_empty() {
            ctx.run_later(GATHERING, |saver, _| saver.commit());
        }
        let (done, saved) = oneshot::channel();
        self.waiting.push(Waiting { telephones, done });
        Box::pin(async move {
            let closed = |_| Err(NotSaved("the telephone list is closed".to_owned()));
            saved.await.unwrap_or_else(closed)
        })
    }
}

impl Saver {
    fn commit(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let (telephones, done): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .map(|Waiting { telephones, done }| (telephones, done))
            .unzip();
        let changes: Vec<_> = telephones
            .into_iter()
            .flatten()
            .map(|telephone| (telephone.mac, Some(telephone)))
            .collect();
        let saved = self.store.commit(&changes);
        let saved = saved.map_err(|error| NotSaved(error.to_string()));
        for done in done {
            // Who does not wait any longer needs no answer.
            let _ = done.send(saved.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use uacsta_schema::mac::Mac;

    use super::*;

    fn telephone(number: u8) -> Telephone {
        Telephone {
            mac: Mac::new([0, 4, 0x13, 0, 0, number]),
            maker: "snom".to_owned(),
            model: None,
            firmware: None,
            last_address: None,
            last_identity: None,
            lines: vec![number.to_string()],
            last_login: None,
            in_operation: true,
        }
    }

    #[test]
    fn what_was_answered_is_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        actix_rt::System::new().block_on(async {
            let (store, _) = Store::open::<Telephone>(folder.path()).unwrap();
            let (save, arbiter) = start(store);
            let saves = (0..100).map(|number| {
                save.send(Save {
                    telephones: vec![telephone(number)],
                })
            });
            for saved in futures_util::future::join_all(saves).await {
                saved.unwrap().unwrap();
            }
            arbiter.stop();
            arbiter.join().unwrap();
        });
        let (_, telephones) = Store::open::<Telephone>(folder.path()).unwrap();
        assert_eq!(telephones.len(), 100);
        let seventh = telephone(7);
        assert_eq!(telephones.get(&seventh.mac), Some(&seventh));
    }
}
