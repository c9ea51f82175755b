//! RFC 4475, section 3.1.1: unusual but valid messages.

use super::{
    Door::{Datagram, Front, Phones},
    SDP,
    Then::{Chooses, Ignored, Names},
    Torment, torment,
};

pub fn table() -> Vec<Torment> {
    vec![
        torment(
            "4475 3.1.1.1",
            "folded lines, any case, spaces round colons, escaped quotes, a header field that nobody knows",
            Front,
            Chooses(481, "its To has a tag, and we have no such dialog (RFC 3261, section 12.2.2)"),
            "INVITE sip:callee@server.example.com;unknownparam SIP/2.0\n\
             TO :\n\x20sip:callee@server.example.com ;   tag    = 77a\n\
             from   : \"J Caller \\\\\\\"\"       <sip:caller@example.com>\n\x20 ;\n\x20 tag = 98a\n\
             MaX-fOrWaRdS: 0068\n\
             CSeq: 0009\n\x20 INVITE\n\
             Via  : SIP  /   2.0\n\x20/TCP\n\x20   192.0.2.2;branch=390skdj\n\
             s :\n\
             NewFangledHeader:   a value\n\x20goes on here\n\
             UnknownHeaderWithUnusualValue: ;;,,;;,;\n\
             Content-Type: application/sdp\n\
             Route:\n\x20<sip:services.example.com;lr;unknownwith=value;unknown-no-value>\n\
             v:  SIP  / 2.0  / TCP     second.example.com   ;\n\x20 branch  =   z9hG4bK9ik  ,\n\x20SIP  /    2.0   / UDP  192.168.255.111   ; branch=\n\x20z9hG4bK302\n\
             m:\"Quoted string \\\"\\\"\" <sip:caller@example.com> ; newparam =\n\x20     newvalue ;\n\x20 secondparam ; q = 0.33",
            SDP,
        ),
        torment(
            "4475 3.1.1.2",
            "every character that the grammar allows, escaped controls, UTF-8",
            Phones,
            Names(501),
            "!strange-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0\n\
             Via: SIP/2.0/TCP host1.example.com;-.!%66*_+`'~=z9hG4bK;branch=z9hG4bKodd\n\
             To: \"BEL:\\\u{7} NUL:\\\0 DEL:\\\u{7f}\" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>\n\
             From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%=\"\u{440}\u{430}\u{431}\u{43e}\u{442}\u{430}\";tag=_token~1'+`*%!-.\n\
             CSeq: 139122385 !strange-Method0123456789_*+`.%indeed'~\n\
             extensionHeader-!.%*+_`'~: \u{fe}\u{ff}\u{5927}\u{505c}\u{96fb}",
            b"",
        ),
        torment(
            "4475 3.1.1.3",
            "percent escapes in user parts: an escaped sips URI stays a user",
            Front,
            Chooses(415, "well-formed, but SDP is nothing that we take (RFC 3261, section 8.2.3)"),
            "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0\n\
             To: sip:%75se%72@example.com\n\
             From: <sip:I%20have%20spaces@example.net>;tag=1\n\
             Contact: <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>\n\
             Content-Type: application/sdp",
            SDP,
        ),
        torment(
            "4475 3.1.1.4",
            "escaped NULs in user parts, which end no string",
            Front,
            Names(200),
            "REGISTER sip:example.com SIP/2.0\n\
             To: sip:null-%00-null@example.com\n\
             From: sip:null-%00-null@example.com;tag=2\n\
             Contact: <sip:%00@host5.example.com>\n\
             Contact: <sip:%00%00@host5.example.com>\n\
             L:0",
            b"",
        )
        .telling("Contact", "<sip:%00@host5.example.com>"),
        torment(
            "4475 3.1.1.5",
            "a percent sign in a method and a display name is no escape",
            Phones,
            Names(501),
            "RE%47IST%45R sip:registrar.example.com SIP/2.0\n\
             To: \"%Z%45\" <sip:resource@example.com>\n\
             From: \"%Z%45\" <sip:resource@example.com>;tag=3\n\
             CSeq: 29344 RE%47IST%45R\n\
             Contact: <sip:alias1@host1.example.com>\n\
             Contact: <sip:alias2@host2.example.com>",
            b"",
        ),
        torment(
            "4475 3.1.1.6",
            "no space between a display name and its <",
            Phones,
            Names(200),
            "OPTIONS sip:user@example.com SIP/2.0\nFrom: caller<sip:caller@example.com>;tag=323",
            b"",
        ),
        long(),
        torment(
            "4475 3.1.1.8",
            "a datagram goes on after its message",
            Datagram,
            Chooses(401, "what follows is passed over (RFC 3261, section 18.3); a REGISTER is challenged"),
            "REGISTER sip:example.com SIP/2.0\n\
             To: <sip:000413000044@example.com>\n\
             Via: SIP/2.0/UDP 192.0.2.125;rport;branch=z9hG4bKextra\n\
             Content-Length: 0",
            b"INVITE sip:joe@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bKinner\r\n\
              From: <sip:a@example.com>;tag=4\r\nTo: <sip:joe@example.com>\r\nCall-ID: inner\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
        ),
        torment(
            "4475 3.1.1.9",
            "parameters in the user part, with an escaped @",
            Phones,
            Names(200),
            "OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0\nTo: sip:user@example.com",
            b"",
        ),
        torment(
            "4475 3.1.1.10",
            "transports in Via of every kind, one unknown",
            Phones,
            Names(200),
            "OPTIONS sip:user@example.com SIP/2.0\n\
             Via: SIP/2.0/UDP t1.example.com;branch=z9hG4bKt1\n\
             Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKt2\n\
             Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bKt3\n\
             Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKt4\n\
             Via: SIP/2.0/TCP t5.example.com;branch=z9hG4bKt5",
            b"",
        )
        .telling("Via", "SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKt4")
        .telling("Via", "SIP/2.0/TCP t5.example.com;branch=z9hG4bKt5"),
        torment(
            "4475 3.1.1.11",
            "a body in parts, one of them any octets",
            Phones,
            Chooses(405, "MESSAGE is nothing that we take (RFC 3261, section 8.2.1); its body is framed by its length"),
            "MESSAGE sip:user@example.com SIP/2.0\n\
             Content-Type: multipart/mixed;boundary=7a9cbec02ceef655",
            b"--7a9cbec02ceef655\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n\r\nHello\r\n\
              --7a9cbec02ceef655\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n\
              0\x82\x01\x52\x06\x09\x2a\x86\0\xf7\r\n\r\n\xff\xfe\x00\x0a\x0d\r\n--7a9cbec02ceef655--\r\n",
        ),
        torment(
            "4475 3.1.1.12",
            "a reason phrase of every character, also UTF-8",
            Phones,
            Ignored("it answers nothing that we asked (RFC 3261, section 18.1.2)"),
            "SIP/2.0 200 = 2**3 * 5**2 \u{43d}\u{43e} \u{441}\u{442}\u{43e} - \u{43f}\u{440}\u{43e}\u{441}\u{442}\u{43e}\n\
             CSeq: 35 INVITE\nTo: <sip:callee@example.com>;tag=5\nContact: <sip:user@host198.example.com>",
            b"",
        ),
        torment(
            "4475 3.1.1.13",
            "no reason phrase at all",
            Phones,
            Ignored("it answers nothing that we asked (RFC 3261, section 18.1.2)"),
            "SIP/2.0 100 \nCSeq: 35 INVITE",
            b"",
        ),
    ]
}

/// Long values, and many of them, well within our limits.
fn long() -> Torment {
    let long = |letters: &str, times: usize| letters.repeat(times);
    let mut text = format!(
        "INVITE sip:user@example.com SIP/2.0\n\
         To: \"I have a user name of extreme{} proportion\"<sip:user@example.com:6000;unknownparam1={};longparam{}=shortvalue;very{}Long{}>\n\
         F: sip:{}@example.net;tag=12{}4;unknownheaderparam{}=x;valueless{}\n\
         Call-ID: long{}\n\
         Content-Type: application/sdp\n\
         Unknown-{}-Name: {}\n\
         Contact: <sip:{}@host5.example.net>",
        long("extreme ", 12),
        long("very", 30),
        long("name", 30),
        long("very", 20),
        long("parameter", 20),
        long("amazinglylong", 40),
        long("98", 400),
        long("name", 200),
        long("param", 100),
        long("call", 90),
        long("Long", 200),
        long("long value ", 600),
        long("user", 200),
    );
    for hop in 0..34 {
        text.push_str(&format!(
            "\nv: SIP/2.0/TCP sip{hop}.example.com;branch=z9hG4bK{}{hop}",
            long("branch", 100)
        ));
    }
    torment(
        "4475 3.1.1.7",
        "long values, long names, many Vias",
        Front,
        Chooses(
            415,
            "none is above a limit of ours, so only its SDP is in the way (RFC 3261, section 8.2.3)",
        ),
        &text,
        SDP,
    )
    .telling("Via", "SIP/2.0/TCP sip33.example.com")
}
