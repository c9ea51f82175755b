//! Cost of the pure steps of every message: framing, parsing, digest, reading, relaying, composing.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "the messages are its own, and criterion's macros make what needs no words"
)]

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tokio_util::codec::Decoder as _;
use uacsta_schema::{
    csta::{Changes, Document, Edition},
    sip::{
        Codec, Frame, HeaderName, MessageLimits, MessageWriter, Method, Request, SipMessage,
        Status,
        digest::{Algorithm, Credentials, Ha1},
    },
};

mod hostile;

const REGISTER: &[u8] = b"REGISTER sip:bench.example SIP/2.0\r\n\
Via: SIP/2.0/TCP 192.0.2.17:42411;branch=z9hG4bK-8f21c0\r\n\
Max-Forwards: 70\r\n\
From: <sip:000413000001@bench.example>;tag=r1\r\n\
To: <sip:000413000001@bench.example>\r\n\
Call-ID: reg-000413000001@bench.example\r\n\
CSeq: 18 REGISTER\r\n\
Contact: <sip:000413000001@192.0.2.17:42411;transport=tcp>;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000413000001>\"\r\n\
Expires: 300\r\n\
User-Agent: snomD345/10.1.159.12\r\n\
Supported: path, gruu\r\n\
Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, NOTIFY\r\n\
Authorization: Digest username=\"000413000001\", realm=\"uacsta\", nonce=\"AAAAAAABcd.0123456789abcdef0123456789abcdef\", uri=\"sip:bench.example\", response=\"0123456789abcdef0123456789abcdef\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"b7c1f09e\"\r\n\
Content-Length: 0\r\n\r\n";
const EVENT: &str = include_str!("../load/wire/delivered-event.xml");
const CSTA: &str = "application/csta+xml";
/// The clients of the fan-out.
const CLIENTS: usize = 50;

fn sip(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sip");
    group.throughput(Throughput::Bytes(REGISTER.len() as u64));
    group.bench_function("frame and parse a REGISTER", |bencher| {
        let mut codec = Codec::new(MessageLimits::default());
        bencher.iter_batched(
            || BytesMut::from(REGISTER),
            |mut stream| codec.decode(&mut stream).unwrap(),
            BatchSize::SmallInput,
        );
    });
    let request = register();
    group.bench_function("compose a 200 to it", |bencher| {
        let source = ([192, 0, 2, 17], 42411).into();
        let mut out = BytesMut::with_capacity(4096);
        bencher.iter(|| {
            out.clear();
            let request = black_box(&request);
            MessageWriter::answer(&mut out, Status::OK, request, Some("8f21c0"), source)
                .header(HeaderName::Expires, 300)
                .end();
        });
    });
    for (name, algorithm) in [("MD5", Algorithm::Md5), ("SHA-256", Algorithm::Sha256)] {
        let ha1 = Ha1::new(algorithm, "000413000001", "uacsta", "let me ring");
        let value = authorization(&request, algorithm);
        group.bench_function(format!("check a digest, {name}"), |bencher| {
            bencher.iter(|| {
                let credentials = Credentials::parse(black_box(&value)).unwrap();
                credentials.verifies(black_box(&ha1), "REGISTER")
            });
        });
    }
    group.finish();
}

fn csta(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("csta");
    group.throughput(Throughput::Bytes(EVENT.len() as u64));
    let raw = Bytes::from_static(EVENT.as_bytes());
    group.bench_function("read an event", |bencher| {
        bencher.iter(|| Document::read(black_box(raw.clone())).unwrap());
    });
    let event = Document::read(raw).unwrap();
    let mut out = BytesMut::with_capacity(CLIENTS * 2048);
    group.bench_function("relay it in another edition", |bencher| {
        bencher.iter(|| {
            out.clear();
            event.relay_into(black_box(&changes("c4711")), &mut out);
        });
    });
    let cross_refs: Vec<String> = (0..CLIENTS).map(|client| format!("c{client}")).collect();
    group.throughput(Throughput::Elements(CLIENTS as u64));
    group.bench_function("an INFO with it to each of 50 clients", |bencher| {
        bencher.iter(|| {
            out.clear();
            for (number, cross_ref) in cross_refs.iter().enumerate() {
                inform(&mut out, number, &event, &changes(cross_ref));
            }
        });
    });
    group.finish();
}

fn register() -> Request {
    let frame = Codec::new(MessageLimits::default()).decode(&mut BytesMut::from(REGISTER));
    match frame.unwrap() {
        Some(Frame::Message(SipMessage::Request(request))) => request,
        other => panic!("not a request: {other:?}"),
    }
}

/// The Authorization of the message, with the other hash named where that is wanted.
fn authorization(request: &Request, algorithm: Algorithm) -> String {
    let value = request.head().get(HeaderName::Authorization).unwrap();
    value.replace("algorithm=MD5", &format!("algorithm={algorithm}"))
}

fn changes(cross_ref: &str) -> Changes<'_> {
    Changes {
        cross_ref: Some(cross_ref),
        ..Changes::from(Edition::Ed5)
    }
}

fn inform(out: &mut BytesMut, number: usize, event: &Document, changes: &Changes<'_>) {
    MessageWriter::request(
        out,
        &Method::Info,
        "sip:ecsta@192.0.2.80:5062;transport=tcp",
    )
    .header(
        HeaderName::Via,
        format_args!("SIP/2.0/TCP 192.0.2.1:5070;branch=z9hG4bK-{number}"),
    )
    .header(HeaderName::MaxForwards, 70)
    .header(HeaderName::From, "<sip:215@bench.example>;tag=s1")
    .header(HeaderName::To, "<sip:ecsta@bench.example>;tag=c1")
    .header(
        HeaderName::CallId,
        format_args!("call-{number}@bench.example"),
    )
    .header(HeaderName::CSeq, "7 INFO")
    .body_with(CSTA, event.relayed_len(changes), |out| {
        event.relay_into(changes, out);
    });
}

criterion_group!(benches, sip, csta, hostile::bodies);
criterion_main!(benches);
