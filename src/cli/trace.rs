//! `uacsta trace`: the last SIP messages of a phone or client, as a ladder diagram, JSON or a capture, and live.

use std::{
    fs::File,
    io::Write as _,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use clap::Args;
use clap_complete::ArgValueCompleter;
use reqwest::Method;
use serde_json::Value;
use uacsta_connect::{ApiArgs, CommandError, completion, print};
use uacsta_schema::{escape_controls, phone_id::PhoneId};

use super::output::{LineBuffer, write};

/// The arguments of `trace`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  uacsta trace 00:04:13:aa:bb:cc
  uacsta trace 00:04:13:aa:bb:cc --follow
  uacsta trace 00:04:13:aa:bb:cc --pcap phone.pcap
  uacsta trace 00:04:13:aa:bb:cc --follow --pcap - | wireshark -k -i -
  uacsta trace --client ecsta --json | jq -r '.items[].text'

The server keeps the last messages of all phones and clients, limits.ladder in all. Digest responses
and passwords are masked. What travelled over TLS is written to the capture as plain TCP.")]
pub(super) struct Trace {
    /// MAC address, with or without separators, or extension of the phone
    #[arg(value_name = "PHONE", value_parser = uacsta_connect::parse_phone, required_unless_present = "client", add = ArgValueCompleter::new(completion::phones))]
    phone: Option<PhoneId>,
    /// Show the messages of the client that logs on with this user
    #[arg(long, value_name = "USER", conflicts_with = "phone", add = ArgValueCompleter::new(completion::users))]
    client: Option<String>,
    /// Go on with each message that comes, until Ctrl+C
    #[arg(long, short)]
    follow: bool,
    /// Write a capture file for Wireshark and tshark; -: to standard output
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pcap: Option<PathBuf>,
    /// Print the API's JSON; with --follow, a message a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ApiArgs,
}

impl Trace {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let accept = match (&self.pcap, self.json) {
            (Some(_), _) => "application/vnd.tcpdump.pcap",
            (None, true) => "application/json",
            (None, false) => "text/plain",
        };
        let mut output = Output::of(self.pcap.as_deref());
        let path = self.path();
        if self.json && !self.follow {
            let answer: Value = self.server.request(Method::GET, &path, None)?;
            return print(format!("{answer:#}\n").as_bytes());
        }
        self.server
            .download(&path, accept, |octets| output.write(octets))
    }

    fn path(&self) -> String {
        let follow = if self.follow { "?follow=true" } else { "" };
        match (&self.phone, &self.client) {
            (Some(phone), _) => {
                format!(
                    "/api/v1/phones/{}/trace{follow}",
                    super::percent_encoded(&phone.bare())
                )
            }
            (None, client) => {
                let user = super::percent_encoded(client.as_deref().unwrap_or_default());
                format!("/api/v1/clients/{user}/trace{follow}")
            }
        }
    }
}

/// Where the answer goes.
enum Output<'a> {
    /// Lines, without control characters.
    Text(LineBuffer),
    /// A capture on standard output.
    Capture,
    /// A capture in a file, which is created with the first octets: a mistyped phone leaves no empty file.
    File(&'a Path, Option<File>),
}

impl<'a> Output<'a> {
    fn of(pcap: Option<&'a Path>) -> Self {
        match pcap {
            None => Self::Text(LineBuffer::default()),
            Some(file) if file == Path::new("-") => Self::Capture,
            Some(file) => Self::File(file, None),
        }
    }

    /// Writes a part of the answer; breaks off when nobody reads it any more.
    fn write(&mut self, octets: &[u8]) -> Result<ControlFlow<()>, CommandError> {
        match self {
            Self::Text(buffer) => {
                let lines = buffer.add(octets).into_iter();
                let text: String = lines.map(|line| line + "\n").collect();
                write(escape_controls(&text, &['\n']).as_bytes())
            }
            Self::Capture => write(octets),
            Self::File(path, file) => {
                let written = match file {
                    Some(file) => file.write_all(octets),
                    None => File::create(*path)
                        .and_then(|created| file.insert(created).write_all(octets)),
                };
                match written {
                    Ok(()) => Ok(ControlFlow::Continue(())),
                    Err(error) => Err(CommandError::Failed(format!(
                        "cannot write {}: {error}",
                        path.display()
                    ))),
                }
            }
        }
    }
}
