//! Registration of a phone (RFC 3261, section 10).

use super::{
    super::{
        credentials::log_on,
        dialog::tag,
        digest::Algorithm,
        sip::{Message, unique},
        wire::{Lost, Wire},
    },
    Phone,
};

impl Phone {
    /// Registers or refreshes; the final answer.
    pub async fn register(&self) -> Message {
        self.register_as(|request| request).await
    }

    /// Registers with a request modified by `change`.
    pub async fn register_as(&self, change: impl Fn(Message) -> Message) -> Message {
        let wire = self.wire().await;
        let fresh = || change(self.registration(&wire));
        match log_on(&wire, &self.credentials, fresh).await {
            Ok((_, answer)) => answer,
            Err(_) => panic!(
                "the server ended the connection of {} at its REGISTER",
                self.setup.user
            ),
        }
    }

    /// Removes its registration (RFC 3261, section 10.2.2).
    pub async fn unregister(&self) -> Message {
        self.register_as(|request| request.set("Contact", "*").set("Expires", 0))
            .await
    }

    /// Like [`Self::register`], where the server may go away.
    pub async fn try_register(&self) -> Result<Message, Lost> {
        self.try_register_as(|request| request).await
    }

    /// Like [`Self::unregister`], where the server may go away.
    pub async fn try_unregister(&self) -> Result<Message, Lost> {
        self.try_register_as(|request| request.set("Contact", "*").set("Expires", 0))
            .await
    }

    pub(super) async fn try_register_as(
        &self,
        change: impl Fn(Message) -> Message,
    ) -> Result<Message, Lost> {
        let wire = self.try_wire().await.map_err(|_| Lost)?;
        let fresh = || change(self.registration(&wire));
        let answer = log_on(&wire, &self.credentials, fresh).await;
        answer.map(|(_, answer)| answer)
    }

    /// A REGISTER as this phone writes it, without Authorization.
    pub fn registration(&self, wire: &Wire) -> Message {
        let mut state = self.state();
        let (call_id, from, cseq) = state
            .registration
            .get_or_insert_with(|| (unique("reg"), tag(), 0));
        *cseq += 1;
        let (user, host) = (&self.setup.user, wire.peer);
        let transport = wire.transport.to_lowercase();
        Message::request("REGISTER", &format!("sip:{host}"))
            .with("Via", wire.via())
            .with("Max-Forwards", 70)
            .with("From", format!("<sip:{user}@{host}>;tag={from}"))
            .with("To", format!("<sip:{user}@{host}>"))
            .with("Call-ID", &*call_id)
            .with("CSeq", format!("{cseq} REGISTER"))
            .with(
                "Contact",
                format!("<sip:{user}@{};transport={transport}>", wire.local),
            )
            .with("User-Agent", &self.setup.user_agent)
            .with("Expires", self.setup.expires)
    }

    /// The algorithm of its last log-on.
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.credentials.lock().unwrap().algorithm()
    }
}
