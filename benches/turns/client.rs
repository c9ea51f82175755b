//! The far end of a client's connection: it opens the server's session, sends requests and answers the server's.

use std::fmt::Write as _;

use actix_rt::task::JoinHandle;
use anyhow::{Context as _, bail};
use futures_util::StreamExt as _;
use tokio::{
    io::{AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf},
    sync::{mpsc, oneshot},
};
use tokio_util::codec::FramedRead;
use uacsta_schema::sip::{Codec, Frame, HeaderName, Request, SipMessage};

const CSTA: &str = "http://www.ecma-international.org/standards/ecma-323/csta/ed3";

/// What the bench has a client do; each is answered when it is done.
pub(crate) enum Order {
    /// Opens the server's session.
    Open(oneshot::Sender<()>),
    /// Registers for the status of the lines and for changes of their list.
    Register(oneshot::Sender<()>),
    /// Asks for all lines; the answer is how many came.
    List(oneshot::Sender<usize>),
}

/// A client in a task of its own.
pub(crate) struct Client {
    user: String,
    reader: FramedRead<ReadHalf<DuplexStream>, Codec>,
    writer: WriteHalf<DuplexStream>,
    orders: mpsc::UnboundedReceiver<Order>,
    cseq: u32,
    /// The server's tag, once the session is open.
    tag: String,
    opened: Option<oneshot::Sender<()>>,
    registered: Option<oneshot::Sender<()>>,
    listed: Option<oneshot::Sender<usize>>,
    devices: usize,
}

impl Client {
    /// Starts a client on its end of a connection.
    pub(crate) fn start(
        user: &str,
        io: DuplexStream,
        orders: mpsc::UnboundedReceiver<Order>,
    ) -> JoinHandle<anyhow::Result<()>> {
        let (reader, writer) = tokio::io::split(io);
        let client = Self {
            user: user.to_owned(),
            reader: FramedRead::new(reader, Codec::default()),
            writer,
            orders,
            cseq: 0,
            tag: String::new(),
            opened: None,
            registered: None,
            listed: None,
            devices: 0,
        };
        tokio::task::spawn_local(client.run())
    }

    async fn run(mut self) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                order = self.orders.recv() => match order {
                    Some(order) => self.obey(order).await?,
                    None => return Ok(()),
                },
                frame = self.reader.next() => match frame.context("the server closed the connection")?? {
                    Frame::Message(SipMessage::Request(request)) => self.answer(&request).await?,
                    Frame::Message(SipMessage::Response(response)) => {
                        let status = response.status().code();
                        if status == 100 {
                            continue;
                        }
                        if status != 200 {
                            bail!("the server answered {status}");
                        }
                        if let Some(opened) = self.opened.take() {
                            let to = response.head().get(HeaderName::To).unwrap_or_default();
                            self.tag = to.split_once("tag=").map_or("", |(_, tag)| tag).to_owned();
                            let ack = self.request("ACK", "");
                            self.writer.write_all(ack.as_bytes()).await?;
                            let _ = opened.send(());
                        } else if let Some(registered) = self.registered.take() {
                            let _ = registered.send(());
                        }
                    }
                    _ => {}
                },
            }
        }
    }

    async fn obey(&mut self, order: Order) -> anyhow::Result<()> {
        self.cseq += 1;
        let request = match order {
            Order::Open(done) => {
                self.opened = Some(done);
                self.request("INVITE", "")
            }
            Order::Register(done) => {
                self.registered = Some(done);
                self.request("INFO", &format!("<SystemRegister xmlns=\"{CSTA}\"><requestTypes><systemStatus>true</systemStatus><switchingFunctionDevicesChanged>true</switchingFunctionDevicesChanged></requestTypes></SystemRegister>"))
            }
            Order::List(done) => {
                self.listed = Some(done);
                self.devices = 0;
                self.request(
                    "INFO",
                    &format!("<GetSwitchingFunctionDevices xmlns=\"{CSTA}\"/>"),
                )
            }
        };
        Ok(self.writer.write_all(request.as_bytes()).await?)
    }

    fn request(&self, method: &str, body: &str) -> String {
        let Self {
            user, cseq, tag, ..
        } = self;
        let mut to = "<sip:127.0.0.1>".to_owned();
        if !tag.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(to, ";tag={tag}");
        }
        let content = match body {
            "" => "",
            _ => "Content-Type: application/csta+xml\r\n",
        };
        format!(
            "{method} sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK{method}{cseq}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{user}@bench.example>;tag=bench\r\nTo: {to}\r\nCall-ID: bench\r\n\
             CSeq: {cseq} {method}\r\nContact: <sip:{user}@127.0.0.1:9;transport=tcp>\r\n{content}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    async fn answer(&mut self, request: &Request) -> anyhow::Result<()> {
        let head = request.head();
        let told = |name| head.get(name).unwrap_or_default();
        let answer = format!(
            "SIP/2.0 200 OK\r\nVia: {}\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {}\r\nContent-Length: 0\r\n\r\n",
            told(HeaderName::Via),
            told(HeaderName::From),
            told(HeaderName::To),
            told(HeaderName::CallId),
            told(HeaderName::CSeq),
        );
        self.writer.write_all(answer.as_bytes()).await?;
        let body = std::str::from_utf8(request.body())?;
        if body.contains("<SwitchingFunctionDevices") {
            self.devices += body.matches("<deviceID").count();
            if body.contains("<lastSegment>true<")
                && let Some(listed) = self.listed.take()
            {
                let _ = listed.send(self.devices);
            }
        }
        Ok(())
    }
}
