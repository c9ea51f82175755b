//! CSTA documents as the tests' phones and clients write and read them (ECMA-323).

use super::xml::{Element, escaped};

/// A document that arrived: as it came, and what it says.
#[derive(Clone, Debug)]
pub struct Document {
    /// The bytes as text.
    pub raw: String,
    /// The tree.
    pub root: Element,
}

impl Document {
    /// Reads what a message carried; the panic shows what is wrong with it.
    #[track_caller]
    pub fn read(raw: &str) -> Self {
        match Element::read(raw) {
            Ok(root) => Self {
                raw: raw.to_owned(),
                root,
            },
            Err(error) => panic!("not a CSTA document ({error}): {raw}"),
        }
    }

    /// The local name of the root.
    pub fn name(&self) -> &str {
        self.root.local()
    }

    /// The text at a path below the root.
    pub fn text(&self, path: &str) -> &str {
        self.root.text_at(path)
    }
}

/// The namespace of `ed3` and its like (ECMA-323; edition 2 lay elsewhere).
pub fn namespace(edition: &str) -> String {
    let home = if edition == "ed2" {
        "www.ecma.ch"
    } else {
        "www.ecma-international.org"
    };
    format!("http://{home}/standards/ecma-323/csta/{edition}")
}

/// A document with its declaration and namespace.
pub fn document(edition: &str, name: &str, inner: &str) -> String {
    let space = namespace(edition);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{name} xmlns=\"{space}\">{inner}</{name}>"
    )
}

/// The same with a prefix on each element that has none.
pub fn prefixed(prefix: &str, edition: &str, name: &str, inner: &str) -> String {
    let space = namespace(edition);
    let inner = inner
        .replace("</", "\u{1}")
        .replace('<', &format!("<{prefix}:"))
        .replace('\u{1}', &format!("</{prefix}:"));
    format!("<{prefix}:{name} xmlns:{prefix}=\"{space}\">{inner}</{prefix}:{name}>")
}

/// An element with text.
pub fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escaped(text))
}

/// A ConnectionID under that name.
pub fn connection(name: &str, call: &str, device: &str) -> String {
    format!(
        "<{name}><callID>{}</callID><deviceID>{}</deviceID></{name}>",
        escaped(call),
        escaped(device)
    )
}

/// A SubjectDeviceID under that name.
pub fn subject(name: &str, device: &str) -> String {
    format!(
        "<{name}><deviceIdentifier>{}</deviceIdentifier></{name}>",
        escaped(device)
    )
}

/// A CSTAErrorCode.
pub fn failure(edition: &str, category: &str, value: &str) -> String {
    document(edition, "CSTAErrorCode", &element(category, value))
}

/// One party's view of a call: what the events of a phone are made from.
#[derive(Clone, Debug)]
pub struct Call {
    /// The identity whose phone reports.
    pub device: String,
    /// The callID on that phone.
    pub id: String,
    /// Who calls.
    pub caller: String,
    /// Who is called.
    pub called: String,
}

impl Call {
    /// The call as that device sees it.
    pub fn seen_by(device: &str, id: &str, caller: &str, called: &str) -> Self {
        let owned = |text: &str| text.to_owned();
        Self {
            device: owned(device),
            id: owned(id),
            caller: owned(caller),
            called: owned(called),
        }
    }

    /// The phone is off-hook.
    pub fn initiated(&self) -> String {
        let inner = connection("initiatedConnection", &self.id, &self.device)
            + &subject("initiatingDevice", &self.device);
        self.event("ServiceInitiatedEvent", &inner, "initiated", "makeCall")
    }

    /// The call was sent.
    pub fn originated(&self) -> String {
        let inner = connection("originatedConnection", &self.id, &self.device) + &self.parties();
        self.event("OriginatedEvent", &inner, "connected", "newCall")
    }

    /// The called phone rings.
    pub fn delivered(&self) -> String {
        let inner = connection("connection", &self.id, &self.called)
            + &subject("alertingDevice", &self.called)
            + &self.parties()
            + REDIRECTION;
        let state = if self.device == self.called {
            "alerting"
        } else {
            "connected"
        };
        self.event("DeliveredEvent", &inner, state, "newCall")
    }

    /// The called phone was answered.
    pub fn established(&self) -> String {
        let inner = connection("establishedConnection", &self.id, &self.called)
            + &subject("answeringDevice", &self.called)
            + &self.parties()
            + REDIRECTION;
        self.event("EstablishedEvent", &inner, "connected", "newCall")
    }

    /// The phone put the call on hold.
    pub fn held(&self) -> String {
        let inner = connection("heldConnection", &self.id, &self.device)
            + &subject("holdingDevice", &self.device);
        self.event("HeldEvent", &inner, "hold", "normal")
    }

    /// The phone took the call back.
    pub fn retrieved(&self) -> String {
        let inner = connection("retrievedConnection", &self.id, &self.device)
            + &subject("retrievingDevice", &self.device);
        self.event("RetrievedEvent", &inner, "connected", "normal")
    }

    /// The phone left the call.
    pub fn cleared(&self) -> String {
        let inner = connection("droppedConnection", &self.id, &self.device)
            + &subject("releasingDevice", &self.device);
        self.event("ConnectionClearedEvent", &inner, "null", "normalClearing")
    }

    fn parties(&self) -> String {
        subject("callingDevice", &self.caller) + &subject("calledDevice", &self.called)
    }

    fn event(&self, name: &str, inner: &str, state: &str, cause: &str) -> String {
        let tail = element("localConnectionInfo", state) + &element("cause", cause);
        document("ed3", name, &format!("{REFERENCE}{inner}{tail}"))
    }
}

/// Where a phone writes the cross reference of its monitor.
pub const REFERENCE: &str = "<monitorCrossRefID>{xref}</monitorCrossRefID>";
const REDIRECTION: &str = "<lastRedirectionDevice><notRequired/></lastRedirectionDevice>";

/// Start and end of the text of the first element of that name, whatever its prefix.
pub fn between(document: &str, name: &str) -> Option<(usize, usize)> {
    let start = document.find(&format!("{name}>"))? + name.len() + 1;
    let end = start + document.get(start..)?.find("</")?;
    Some((start, end))
}

#[test]
fn sample_documents_of_both_ends_are_valid() {
    let documents = super::documents::Documents::default();
    let call = Call::seen_by("sip:101@pbx.example", "-12", "sip:101@pbx.example", "102");
    for event in [
        call.initiated(),
        call.originated(),
        call.delivered(),
        call.established(),
        call.held(),
        call.retrieved(),
        call.cleared(),
        document("ed5", "GetForwardingResponse", "<forwardingList/>"),
        document(
            "ed3",
            "GetDoNotDisturbResponse",
            "<doNotDisturbOn>false</doNotDisturbOn>",
        ),
        document(
            "ed3",
            "MakeCallResponse",
            &connection("callingDevice", "-12", "101"),
        ),
        prefixed(
            "c",
            "ed6",
            "MonitorStop",
            &element("monitorCrossRefID", "a<b"),
        ),
        failure("ed3", "operation", "invalidDeviceID"),
    ] {
        documents.received(&event);
    }
    documents.check().unwrap();
    documents.received(&document("ed3", "MakeCall", "<callingDevice/><nonsense/>"));
    if super::programs::find("xmllint", "libxml2-utils").is_some() {
        assert!(
            documents
                .check()
                .is_err_and(|fault| fault.contains("nonsense"))
        );
    }
}
