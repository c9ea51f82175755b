//! The dialog of a phone: its requests, and its answers below CSTA (RFC 3261, section 12).

use super::{
    super::{
        credentials::log_on,
        dialog::{Dialog, tag},
        digest::Account,
        sip::Message,
        wire::{Lost, Wire},
    },
    Phone, State,
};

impl Phone {
    /// The next request in its dialog.
    pub async fn in_dialog(&self, method: &str) -> Message {
        let wire = self.wire().await;
        let request = self
            .state()
            .dialog
            .as_mut()
            .map(|dialog| dialog.request(method, wire.via()));
        request.unwrap_or_else(|| panic!("{} has no dialog for {method}", self.setup.user))
    }

    /// Sends a request and waits for its final answer.
    pub async fn transact(&self, request: &Message) -> Message {
        let wire = self.wire().await;
        match wire.transact(request).await {
            Ok(answer) => answer,
            Err(_) => panic!(
                "the server ended the connection instead of an answer to:\n{}",
                request.text()
            ),
        }
    }

    /// Sends a request in its dialog; fails where the connection or dialog is gone.
    pub async fn try_send(&self, method: &str, document: Option<&str>) -> Result<Message, Lost> {
        let (wire, request) = {
            let mut state = self.state();
            let wire = state.wire.clone().ok_or(Lost)?;
            let request = state
                .dialog
                .as_mut()
                .ok_or(Lost)?
                .request(method, wire.via());
            (wire, request)
        };
        let request = match document {
            Some(document) => request.csta(document),
            None => request,
        };
        wire.transact(&request).await
    }

    /// Sends a request in its dialog and answers a challenge.
    pub async fn prove(&self, method: &str, document: &str) -> Message {
        let wire = self.wire().await;
        let fresh = || {
            let request = self
                .state()
                .dialog
                .as_mut()
                .map(|dialog| dialog.request(method, wire.via()));
            request.expect("a dialog").csta(document)
        };
        match log_on(&wire, &self.credentials, fresh).await {
            Ok((_, answer)) => answer,
            Err(_) => panic!("the server ended the connection of {}", self.setup.user),
        }
    }

    /// Ends the dialog.
    pub async fn bye(&self) -> Message {
        let bye = self.in_dialog("BYE").await;
        let answer = self.transact(&bye).await;
        self.change(State::end);
        answer
    }

    /// Forgets the dialog silently; the server's requests in it get 481.
    pub fn forget(&self) {
        self.change(|state| state.dialog = None);
    }

    pub(super) fn reply(&self, wire: &Wire, request: &Message, service: &str) {
        if let Some(refusal) = self.challenge(request) {
            return wire.send(&refusal);
        }
        let opening = request.method() == "INVITE" && !request.must("To").contains("tag=");
        if opening {
            return wire.send(&self.open(wire, request));
        }
        let owner = |state: &mut State| state.dialog.as_ref()?.owns(request).then_some(());
        let known = self.change(owner);
        let answer = match request.method() {
            "OPTIONS" if known.is_none() => request
                .answer(200, "OK")
                .tagged(&tag())
                .with("Allow", "INVITE, ACK, BYE, INFO, UPDATE, OPTIONS"),
            "INVITE" | "INFO" | "UPDATE" | "BYE" | "OPTIONS" if known.is_none() => request
                .answer(481, "Call/Transaction Does Not Exist")
                .tagged(&tag()),
            "INVITE" => self.accept(wire, request).csta(self.status()),
            "UPDATE" => self.accept(wire, request),
            "BYE" => {
                self.change(State::end);
                request.answer(200, "OK")
            }
            "OPTIONS" => request.answer(200, "OK"),
            "INFO" if self.lacks(service) => self.refuse(request),
            "INFO" => match self.serve_csta(request, service) {
                Some(document) => request.answer(200, "OK").csta(document),
                None => request.answer(200, "OK"),
            },
            _ => request
                .answer(405, "Method Not Allowed")
                .tagged(&tag())
                .with("Allow", "INVITE, ACK, BYE, INFO, UPDATE, OPTIONS"),
        };
        wire.send(&answer);
        if service == "GetSwitchingFunctionDevices" && known.is_some() {
            drop(tokio::spawn(self.clone().list()));
        }
    }

    pub(super) fn open(&self, wire: &Wire, invite: &Message) -> Message {
        let ours = tag();
        self.change(|state| {
            state.end();
            state.dialog = Some(Dialog::called(invite, &ours));
            state.dialogs += 1;
        });
        let answer = self.accept(wire, invite).routed_as(invite);
        answer.tagged(&ours).csta(self.status())
    }

    /// A 200 that accepts the session timer of the request (RFC 4028, section 9).
    pub(super) fn accept(&self, wire: &Wire, request: &Message) -> Message {
        let transport = wire.transport.to_lowercase();
        let contact = format!(
            "<sip:{}@{};transport={transport}>",
            self.setup.user, wire.local
        );
        let answer = request
            .answer(200, "OK")
            .with("Contact", contact)
            .with("Supported", "timer");
        match request.header("Session-Expires") {
            Some(asked) if asked.contains("refresher=") => answer
                .with("Require", "timer")
                .with("Session-Expires", asked),
            Some(asked) => answer
                .with("Require", "timer")
                .with("Session-Expires", format!("{asked};refresher=uac")),
            None => answer,
        }
    }

    pub(super) fn challenge(&self, request: &Message) -> Option<Message> {
        let (challenge, methods) = self.setup.challenge.as_ref()?;
        if !methods.contains(&request.method()) {
            return None;
        }
        let refusal = || {
            request
                .answer(401, "Unauthorized")
                .tagged(&tag())
                .with("WWW-Authenticate", challenge.header())
        };
        let Some(authorization) = request.header("Authorization") else {
            return Some(refusal());
        };
        let bare = self.setup.user.to_lowercase().replace([':', '-'], "");
        match challenge.verify(
            authorization,
            request.method(),
            &Account::new(&bare, &self.setup.password),
        ) {
            Ok(()) => None,
            Err(fault) => {
                self.documents.fault(fault);
                Some(refusal())
            }
        }
    }
}
