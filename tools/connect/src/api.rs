//! Client of the server's HTTP API for commands, authorised by the token in the data folder.

use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use clap::Args;
use http_body_util::BodyExt as _;
use hyper::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    CommandError, DataArgs, Trust,
    data_dir::{self, API_ADDRESS, API_TOKEN, Listening, unreadable},
    http::HttpServer,
};

/// Which server's API to use.
#[derive(Args, Clone, Debug)]
pub struct ApiArgs {
    #[command(flatten)]
    data: DataArgs,
    #[arg(
        long = "server",
        value_name = "URL",
        global = true,
        help = "API of a server elsewhere, such as https://cti.example.com:8080"
    )]
    url: Option<String>,
    /// File with that server's token (its cli.token)
    #[arg(long, value_name = "FILE", global = true)]
    token_file: Option<PathBuf>,
    /// PEM file of the authority to trust, for https:// [default: the system's]
    #[arg(long, value_name = "FILE", global = true)]
    ca: Option<PathBuf>,
}

impl ApiArgs {
    /// Sends one request and parses the JSON response.
    ///
    /// # Errors
    /// No server runs, or the server rejects the request; the error then holds its reason.
    pub fn request<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, CommandError> {
        let server = self.server()?;
        // A command sends few requests, so each one runs in a runtime of its own.
        let answer = actix_rt::System::new().block_on(server.send(method, path, body))?;
        // 204 has no body.
        let answer = if answer.is_empty() {
            b"null"
        } else {
            &answer[..]
        };
        serde_json::from_slice(answer).map_err(|error| {
            CommandError::Failed(format!("unexpected response from {}: {error}", server.url))
        })
    }

    /// The URL of the server.
    ///
    /// # Errors
    /// No server runs, or the arguments are wrong.
    pub fn url(&self) -> Result<String, CommandError> {
        Ok(self.server()?.url)
    }

    /// Reads an answer in the form `accept`, which may never end, and passes each part to `part` until that breaks off.
    ///
    /// # Errors
    /// As [`Self::request`], and the errors of `part`.
    pub fn download(
        &self,
        path: &str,
        accept: &str,
        mut part: impl FnMut(&[u8]) -> Result<ControlFlow<()>, CommandError>,
    ) -> Result<(), CommandError> {
        let server = self.server()?;
        actix_rt::System::new().block_on(async {
            let mut body = server.get(path, accept).await?.into_body();
            while let Some(frame) = body.frame().await {
                let frame = frame.map_err(|error| server.broken(&error))?;
                if let Some(octets) = frame.data_ref()
                    && part(octets)?.is_break()
                {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Reads all pages of a list: `{"items", "next", "total"}`.
    ///
    /// # Errors
    /// As [`Self::request`].
    pub fn list(&self, path: &str) -> Result<Value, CommandError> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let first = format!("{path}{separator}limit=1000");
        let mut list: Value = self.request(Method::GET, &first, None)?;
        while let Some(next) = list["next"].as_str() {
            let page = format!("{first}&after={next}");
            let mut page: Value = self.request(Method::GET, &page, None)?;
            if let (Some(items), Some(more)) =
                (list["items"].as_array_mut(), page["items"].as_array_mut())
            {
                items.append(more);
            }
            list["next"] = page["next"].take();
        }
        if list["items"].is_array() {
            return Ok(list);
        }
        Err(CommandError::Failed(
            "unexpected answer: not a list; is this a uacsta server?".to_owned(),
        ))
    }

    /// The server of the arguments, with the token for it.
    fn server(&self) -> Result<HttpServer, CommandError> {
        let usage = |what: &str| Err(CommandError::Usage(what.to_owned()));
        match (&self.url, &self.token_file) {
            (Some(url), Some(file)) => {
                let trust = self.ca.clone().map_or(Trust::System, Trust::File);
                let server = HttpServer::new(url, &trust)?;
                let token = read_token(file).map_err(CommandError::of_argument)?;
                let server = server.with_token(token);
                match self.ca.is_some() && !server.is_secure() {
                    true => usage("--ca needs an https:// URL"),
                    false => Ok(server),
                }
            }
            (None, None) if self.ca.is_some() => usage("--ca belongs to --server URL"),
            (None, None) => self.local_server(),
            _ => usage("--server URL and --token-file FILE belong together"),
        }
    }

    /// The server that runs with the data folder. It is trusted by the certificate that it shows, since it may have one that
    /// does not name loopback.
    fn local_server(&self) -> Result<HttpServer, CommandError> {
        let folder = self.data.folder();
        // A killed server leaves its address behind. Another program may listen there now and must not receive the token.
        data_dir::require_running(folder, "a server elsewhere with --server and --token-file")?;
        let address = folder.join(API_ADDRESS);
        let url = data_dir::announced(&address).map_err(|error| unreadable(&address, &error))?;
        let Some(url) = url else {
            return Err(CommandError::Failed(format!(
                "the server with the data folder {} has no API: it is still starting, or web.listen is empty",
                folder.display()
            )));
        };
        let token = folder.join(API_TOKEN);
        if !token.exists() {
            return Err(CommandError::Failed(format!(
                "{} is missing; reload the server by SIGHUP (systemctl reload uacsta) or restart it: it writes the file again",
                token.display()
            )));
        }
        let listening = Listening::read(folder).ok().flatten();
        let shown = listening.and_then(|listening| listening.certificate);
        let trust = shown.map_or(Trust::System, Trust::Exactly);
        Ok(HttpServer::new(&url, &trust)?.with_token(read_token(&token)?))
    }
}

/// Reads a token that fits into a header field (RFC 6750, section 2.1).
fn read_token(file: &Path) -> Result<String, CommandError> {
    let text = fs::read_to_string(file).map_err(|error| unreadable(file, &error))?;
    let token = text.trim();
    if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err(CommandError::Failed(format!(
            "{} does not contain a token",
            file.display()
        )));
    }
    Ok(token.to_owned())
}
