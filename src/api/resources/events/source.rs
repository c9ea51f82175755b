//! Finds changes: compares what is followed with what it was half a second ago.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hasher as _},
    io,
    sync::Arc,
    time::Duration,
};

use actix_web::web;
use serde::Serialize;
use tokio::time::timeout;
use uacsta_actors::registrar::ListPhones;
use uacsta_schema::phone_id::PhoneId;

use super::{
    super::{
        Api, Problem, Row as _, audit, clients, licenses, operations::OperationShown,
        phones::Phone, settings, stopping,
    },
    feed::Feed,
    kinds::{
        AuditAdded, ClientChanged, ClientRemoved, Head, LicensesChanged, OperationChanged,
        OperationRemoved, PhoneChanged, PhoneRemoved, SettingChanged, Topic,
    },
};
use crate::texts::Language;

/// The language of the events, which are made once for all who follow.
const LANGUAGE: Language = Language::English;
/// How often it is compared.
const INTERVAL: Duration = Duration::from_millis(500);

/// Starts the source, unless it runs.
pub(super) fn start(feed: &Arc<Feed>, api: &web::Data<Api>) {
    if feed.begin_source() {
        actix_rt::spawn(run(Arc::clone(feed), api.clone()));
    }
}

/// Tells the feed if the source ends before its time.
struct Running {
    feed: Arc<Feed>,
    is_over: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_over {
            self.feed.end_source();
        }
    }
}

async fn run(feed: Arc<Feed>, api: web::Data<Api>) {
    let mut running = Running {
        feed: Arc::clone(&feed),
        is_over: false,
    };
    let mut known: [Option<Known>; Topic::ALL.len()] = Default::default();
    loop {
        let followed = feed.followed();
        if followed.is_empty() {
            running.is_over = true;
            return;
        }
        for topic in Topic::ALL {
            let known = &mut known[topic as usize];
            if !followed.contains(&topic) {
                *known = None;
                continue;
            }
            let mut look = Look {
                feed: &feed,
                api: &api,
                is_first: known.is_none(),
                known: known.take().unwrap_or_default(),
            };
            // An actor that has panicked answers again soon.
            if look.at(topic).await.is_ok() {
                feed.complete(topic);
                *known = Some(look.known);
            } else if !look.is_first {
                *known = Some(look.known);
            }
        }
        let _ = timeout(INTERVAL, feed.wake.notified()).await;
    }
}

/// What a topic was when it was last looked at.
#[derive(Default)]
struct Known {
    /// Hashes of the objects by their ids, with the number of the look at which they were last there.
    objects: BTreeMap<String, (u64, u64)>,
    looks: u64,
    /// The version of the settings, or the last entry of the audit log.
    version: u64,
}

/// A look at a topic.
struct Look<'a> {
    feed: &'a Feed,
    api: &'a web::Data<Api>,
    /// There is nothing to compare with.
    is_first: bool,
    known: Known,
}

impl Look<'_> {
    async fn at(&mut self, topic: Topic) -> Result<(), Problem> {
        self.known.looks += 1;
        match topic {
            Topic::Phones => self.phones().await,
            Topic::Clients => self.clients().await,
            Topic::Licenses => self.licenses().await,
            Topic::Settings => self.settings(),
            Topic::Operations => self.operations(),
            Topic::Audit => self.audit().await,
        }
    }

    async fn phones(&mut self) -> Result<(), Problem> {
        let mut after = None;
        loop {
            let list = ListPhones { after };
            let batch = self.api.list.send(list).await.map_err(stopping)?;
            let Some(last) = batch.last() else { break };
            after = Some(last.entry.id);
            for phone in batch {
                let phone = Phone::new(phone, LANGUAGE);
                let id = phone.key();
                if self.is_new(&id.to_string(), &phone) {
                    self.push(Topic::Phones, &id.bare(), None, |head| {
                        PhoneChanged::new(head, phone)
                    });
                }
            }
        }
        for id in self.gone() {
            let place = id
                .parse()
                .map_or_else(|_| id.clone(), |id: PhoneId| id.bare());
            self.push(Topic::Phones, &place, None, |head| {
                PhoneRemoved::new(head, id)
            });
        }
        Ok(())
    }

    async fn clients(&mut self) -> Result<(), Problem> {
        for client in clients::connected(self.api).await? {
            let id = client.id().to_owned();
            if self.is_new(&id, &client.lasting()) {
                self.push(Topic::Clients, &id, None, |head| {
                    ClientChanged::new(head, client)
                });
            }
        }
        for id in self.gone() {
            self.push(Topic::Clients, &id.clone(), None, |head| {
                ClientRemoved::new(head, id)
            });
        }
        Ok(())
    }

    async fn licenses(&mut self) -> Result<(), Problem> {
        let licenses = licenses::current(self.api, LANGUAGE).await?;
        if self.is_new("", &licenses.lasting()) {
            self.push(Topic::Licenses, "", None, |head| {
                LicensesChanged::new(head, licenses)
            });
        }
        Ok(())
    }

    fn settings(&mut self) -> Result<(), Problem> {
        let version = self.api.context.config().version;
        if !self.is_first && version == self.known.version {
            return Ok(());
        }
        self.known.version = version;
        for setting in settings::all(self.api).items {
            let key = setting.key;
            if self.is_new(key, &setting) {
                self.push(Topic::Settings, key, None, |head| {
                    SettingChanged::new(head, setting)
                });
            }
        }
        Ok(())
    }

    fn operations(&mut self) -> Result<(), Problem> {
        for operation in self.api.operations.all() {
            let shown = OperationShown::new(&operation, LANGUAGE);
            if self.is_new(&operation.id, &shown) {
                let owner = Some(operation.by.clone());
                self.push(Topic::Operations, &operation.id, owner, |head| {
                    OperationChanged::new(head, shown)
                });
            }
        }
        for id in self.gone() {
            self.push(Topic::Operations, &id.clone(), None, |head| {
                OperationRemoved::new(head, id)
            });
        }
        Ok(())
    }

    async fn audit(&mut self) -> Result<(), Problem> {
        let last = self.api.audit.last_id();
        if self.is_first || last == self.known.version {
            self.known.version = last;
            return Ok(());
        }
        for entry in audit::after(self.api, self.known.version).await? {
            self.known.version = entry.key();
            let id = entry.key().to_string();
            self.push(Topic::Audit, &id, None, |head| AuditAdded::new(head, entry));
        }
        Ok(())
    }

    /// Whether an object is another than at the last look.
    fn is_new(&mut self, id: &str, object: &impl Serialize) -> bool {
        let (hash, look) = (hash_of(object), self.known.looks);
        let is_same = match self.known.objects.get_mut(id) {
            Some((known, seen)) => {
                *seen = look;
                std::mem::replace(known, hash) == hash
            }
            None => {
                self.known.objects.insert(id.to_owned(), (hash, look));
                false
            }
        };
        !is_same && !self.is_first
    }

    /// The ids of the objects that were there at the last look.
    fn gone(&mut self) -> Vec<String> {
        let look = self.known.looks;
        let gone = self
            .known
            .objects
            .extract_if(.., |_, (_, seen)| *seen != look);
        gone.map(|(id, _)| id).collect()
    }

    fn push<T: Serialize>(
        &self,
        topic: Topic,
        id: &str,
        owner: Option<String>,
        event: impl FnOnce(Head) -> T,
    ) {
        let subject = match id {
            "" => format!("/api/v1/{}", topic.name()),
            id => format!("/api/v1/{}/{id}", topic.name()),
        };
        self.feed
            .change(|state| state.ring.push(topic, subject, owner, event));
    }
}

/// A hash of the JSON form, which is not kept.
fn hash_of(object: &impl Serialize) -> u64 {
    struct Hashing(DefaultHasher);
    impl io::Write for Hashing {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0.write(octets);
            Ok(octets.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut hashing = Hashing(DefaultHasher::new());
    // Values of ours always have a JSON form.
    let _ = serde_json::to_writer(&mut hashing, object);
    hashing.0.finish()
}
