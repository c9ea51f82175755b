//! RFC 4475, sections 3.2 to 3.4: well-formed messages that are wrong above the grammar.

use super::{
    Door::{Datagram, Front, Phone, Phones},
    SDP,
    Then::{Chooses, Ends, Ignored, Names},
    Torment, torment,
};

pub fn table() -> Vec<Torment> {
    vec![
        torment(
            "4475 3.2.1",
            "a branch that is the magic cookie and nothing else",
            Phones,
            Names(200),
            "OPTIONS sip:user@example.com SIP/2.0\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK",
            b"",
        ),
        torment(
            "4475 3.3.1",
            "neither Call-ID nor From nor To",
            Front,
            Names(400),
            "INVITE sip:user@example.com SIP/2.0\n-Call-ID\n-From\n-To\nContent-Type: application/sdp",
            SDP,
        ),
        torment(
            "4475 3.3.2",
            "a Request-URI of a scheme that nobody knows",
            Phones,
            Names(416),
            "OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0",
            b"",
        ),
        torment(
            "4475 3.3.3",
            "a Request-URI of a scheme that is known and not for calls",
            Phones,
            Names(416),
            "OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0",
            b"",
        ),
        torment(
            "4475 3.3.4",
            "other schemes in To, From and Contact",
            Phones,
            Names(400),
            "REGISTER sip:example.com SIP/2.0\n\
             To: isbn:2983792873\n\
             From: <http://www.example.com>;tag=6\n\
             Contact: <name:John_Smith>",
            b"",
        )
        .telling("Warning", "sip or sips URI"),
        torment(
            "4475 3.3.5",
            "extensions that nobody knows, for us and for proxies",
            Phones,
            Names(420),
            "OPTIONS sip:user@example.com SIP/2.0\n\
             Require: nothingSupportsThis, nothingSupportsThisEither\n\
             Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis",
            b"",
        )
        .telling("Unsupported", "nothingSupportsThis, nothingSupportsThisEither"),
        torment(
            "4475 3.3.6",
            "a Content-Type that nobody knows",
            Front,
            Names(415),
            "INVITE sip:user@example.com SIP/2.0\nContent-Type: application/unknownformat",
            b"<audio>\r\n <pcmu port=\"443\"/>\r\n</audio>\r\n",
        )
        .telling("Accept", "application/csta+xml"),
        torment(
            "4475 3.3.7",
            "credentials of a scheme that nobody knows",
            Phones,
            Names(401),
            "REGISTER sip:example.com SIP/2.0\n\
             To: <sip:000413000045@example.com>\n\
             Contact: <sip:000413000045@host.example.com>\n\
             Authorization: NoOneKnowsThisScheme opaque-data=here",
            b"",
        )
        .telling("WWW-Authenticate", "Digest realm="),
        torment(
            "4475 3.3.8",
            "header fields twice that may be there once",
            Front,
            Names(400),
            "INVITE sip:user@example.com SIP/2.0\n\
             CSeq: 5 INVITE\nCSeq: 59 INVITE\n\
             Call-ID: multi-1\nCall-ID: multi-1@other\n\
             Max-Forwards: 70\nMax-Forwards: 5\n\
             From: <sip:a@example.com>;tag=7\nFrom: <sip:b@example.net>;tag=8\n\
             To: <sip:u@example.com>\nTo: <sip:v@example.net>\n\
             Content-Type: application/sdp",
            SDP,
        ),
        torment(
            "4475 3.3.9",
            "two Content-Lengths that differ",
            Phones,
            Ends(Some(400), "nothing tells where the next message begins (RFC 3261, section 18.3)"),
            "OPTIONS sip:user@example.com SIP/2.0\nContent-Length: 13\nContent-Length: 5\nContent-Type: text/plain",
            b"There's no way to know how many octets are supposed to be here.\r\n",
        ),
        torment(
            "4475 3.3.9",
            "two Content-Lengths that differ, in a datagram",
            Datagram,
            Names(400),
            "OPTIONS sip:user@example.com SIP/2.0\n\
             Via: SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bKtwo\n\
             Content-Length: 13\nContent-Length: 5\nContent-Type: text/plain",
            b"There's no way to know how many octets are supposed to be here.\r\n",
        ),
        torment(
            "4475 3.3.10",
            "a 200 whose second Via is the broadcast address",
            Phones,
            Ignored("it answers nothing that we asked, and we forward nothing (RFC 3261, section 18.1.2)"),
            "SIP/2.0 200 OK\n\
             Via: SIP/2.0/TCP 192.0.2.198;branch=z9hG4bKbcast\n\
             Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKall\n\
             CSeq: 8 INVITE\nTo: <sip:callee@example.com>;tag=9\n\
             Contact: <sip:user@host28.example.com>\nContent-Type: application/sdp",
            SDP,
        ),
        torment(
            "4475 3.3.11",
            "Max-Forwards is zero",
            Phones,
            Chooses(200, "483 is for who would forward it; we are where it goes (RFC 3261, section 16.3, step 3)"),
            "OPTIONS sip:user@example.com SIP/2.0\nMax-Forwards: 0",
            b"",
        ),
        torment(
            "4475 3.3.12",
            "a parameter of the Contact that nobody knows",
            Phone("000413000046"),
            Names(200),
            "REGISTER sip:example.com SIP/2.0\nTo: <sip:000413000046@example.com>\nContact: sip:+19725552222@gw1.example.net;unknownparam",
            b"",
        )
        .telling("Contact", "<sip:+19725552222@gw1.example.net>;expires="),
        torment(
            "4475 3.3.13",
            "a parameter of the Contact's URI that nobody knows",
            Phone("000413000047"),
            Names(200),
            "REGISTER sip:example.com SIP/2.0\nTo: <sip:000413000047@example.com>\nContact: <sip:+19725552222@gw1.example.net;unknownparam>",
            b"",
        )
        .telling("Contact", "<sip:+19725552222@gw1.example.net;unknownparam>;expires="),
        torment(
            "4475 3.3.14",
            "a Contact whose URI has a header",
            Phone("000413000048"),
            Names(200),
            "REGISTER sip:example.com SIP/2.0\nTo: <sip:000413000048@example.com>\n\
             Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>",
            b"",
        )
        .telling("Contact", "<sip:user@example.com?Route=%3Csip:sip.example.com%3E>;expires="),
        torment(
            "4475 3.3.15",
            "an INVITE that accepts nothing that we could send",
            Front,
            Names(406),
            "INVITE sip:user@example.com SIP/2.0\n\
             Accept: text/nobodyKnowsThis\n\
             Content-Type: application/sdp",
            SDP,
        )
        .telling("Accept", "application/csta+xml"),
        torment(
            "4475 3.4.1",
            "an INVITE of RFC 2543: no branch, no tag, no Max-Forwards, no Contact",
            Front,
            Chooses(415, "taken for what it is; its SDP is in the way (RFC 3261, section 8.2.3)"),
            "INVITE sip:UserB@example.com SIP/2.0\n\
             Via: SIP/2.0/TCP iftgw.example.com\n\
             From: <sip:+13035551111@ift.client.example.net;user=phone>\n\
             -Max-Forwards\n\
             Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>\n\
             Content-Type: application/sdp",
            SDP,
        ),
    ]
}
