//! Tests of accepted and rejected documents.

use super::*;

#[test]
fn root_determines_name_kind_and_dialect() {
    fn check(text: &str, name: &str, kind: Kind, edition: Option<Edition>, prefix: Option<&str>) {
        let document = document(text);
        assert_eq!((document.name(), document.kind()), (name, kind), "{text}");
        assert_eq!(
            (document.edition(), document.prefix()),
            (edition, prefix),
            "{text}"
        );
        assert_eq!(
            document.dialect().edition,
            edition.unwrap_or_default(),
            "{text}"
        );
    }
    let ed3 = Some(Edition::Ed3);
    check(
        "<MonitorStop xmlns='NS'/>",
        "MonitorStop",
        Kind::Request(ServiceId::MonitorStop),
        ed3,
        None,
    );
    check(
        "<c:HeldEvent xmlns:c = \"NS\" ></c:HeldEvent >",
        "HeldEvent",
        Kind::Event(EventId::HeldEvent),
        ed3,
        Some("c"),
    );
    check(
        "<MakeCallResponse/>",
        "MakeCallResponse",
        Kind::Response(ServiceId::MakeCall),
        None,
        None,
    );
    check(
        "<CSTAErrorCode xmlns=''/>",
        "CSTAErrorCode",
        Kind::Failure,
        None,
        None,
    );
    check(
        "\u{FEFF}\r\n<?xml version=\"1.0\"?>\n\n<!-- a --><Fax xmlns='NS'/>\n<!-- b -->\n",
        "Fax",
        Kind::Unknown,
        ed3,
        None,
    );
    for edition in Edition::ALL {
        let text = format!("<SystemRegisterAbort xmlns='{}'/>", edition.namespace());
        check(
            &text,
            "SystemRegisterAbort",
            Kind::Notification(ServiceId::SystemRegisterAbort),
            Some(edition),
            None,
        );
    }
}

#[test]
fn invalid_documents_are_rejected() {
    fn check(text: &str, expected: &str) {
        let error = read(text)
            .map(|document| document.name().to_owned())
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    check("", "no root element");
    check("<?xml version='1.0'?>", "no root element");
    check("\u{FEFF}\u{FEFF}<A/>", "text outside");
    check("&amp;<A/>", "text outside");
    check("<![CDATA[a]]><A/>", "text outside");
    check("ring ring", "text outside");
    check("<A>", "not closed");
    check("<A", "not closed");
    check("<A></B>", "does not match");
    check("</A>", "without its start tag");
    check("<A/><B/>", "second root");
    check("<A/>text", "text outside");
    check("<A b='1' b='2'/>", "given twice");
    check("<A b=1/>", "not quoted");
    check("<A b/>", "no value");
    check("<A b='1'c='2'/>", "unexpected character");
    check("<A b='<'/>", "`<`");
    check("<A b='1", "not closed");
    check("<A b='&x;'/>", "reference");
    check("<A b='&'/>", "reference");
    check("<A>&nbsp;</A>", "reference");
    check("<A>&#0;</A>", "reference");
    check("<A>&#x+41;</A>", "reference");
    check("<A>a & b</A>", "reference");
    check("<A>]]></A>", "`]]>`");
    check("<1/>", "name");
    check("<a:/>", "name");
    check("<>", "name");
    check("<A/ >", "name");
    check("<A 1='2'/>", "name");
    check("<??><A/>", "name");
    check("<A><!-- a -- b --></A>", "comment");
    check("<A><![CDATA[</A>", "CDATA");
    check("<A><?pi</A>", "instruction");
    check("<A/><?xml version='1.0'?>", "declaration");
    check("<A/><?XML?>", "declaration");
    check("<!ELEMENT A><A/>", "declaration");
    check("<!DOCTYPE A", "document type declaration");
    check(
        "<!DOCTYPE A [<!ENTITY x 'y'>]><A>&x;</A>",
        "document type declaration",
    );
    check("<A xmlns='urn:x'/>", "\"urn:x\"");
    check("<x:A xmlns:x='urn:x'/>", "\"urn:x\"");
    check("<x:A/>", "namespace \"\"");
    check(&" ".repeat(MAX_LENGTH + 1), "longer");
}

#[test]
fn limits_of_depth_and_attributes_are_enforced() {
    let nested = |depth| "<a>".repeat(depth) + &"</a>".repeat(depth);
    let attributes = |number| {
        let all: String = (0..number).map(|each| format!(" a{each}=''")).collect();
        format!("<a><b{all}/></a>")
    };
    for limits in [
        DocumentLimits::default(),
        DocumentLimits {
            depth: 2,
            attributes: 1,
        },
        DocumentLimits {
            depth: 200,
            attributes: 200,
        },
    ] {
        let DocumentLimits {
            depth,
            attributes: most,
        } = limits;
        let read = |text: String| Document::read_within(text.into(), limits);
        for text in [nested(depth), attributes(most)] {
            let document = read(text).unwrap();
            // The second pass reads every document that the first accepted, whatever its limits.
            assert_eq!(document.message().unwrap().name(), "a");
        }
        let deeper = read(nested(depth + 1)).unwrap_err();
        assert_eq!(deeper, ReadError::TooDeep(depth));
        let more = read(attributes(most + 1)).unwrap_err();
        assert_eq!(more, ReadError::TooManyAttributes(most));
    }
}
