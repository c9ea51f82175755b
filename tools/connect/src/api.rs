//! Client of the server's HTTP API for commands, authorised by the token in the data folder.

use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use reqwest::{Method, StatusCode, header::ACCEPT};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    CommandError, DataArgs,
    data_dir::{self, API_ADDRESS, API_TOKEN, unreadable},
};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Which server's API to use.
#[derive(Args, Debug)]
pub struct ApiArgs {
    #[command(flatten)]
    data: DataArgs,
    /// API of a server elsewhere, such as http://10.0.0.5:8080; not encrypted
    #[arg(long = "server", value_name = "URL", global = true)]
    url: Option<String>,
    /// File with that server's token (its cli.token)
    #[arg(long, value_name = "FILE", global = true)]
    token_file: Option<PathBuf>,
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
        let (url, token) = self.address_and_token()?;
        // A command sends few requests, so each one runs in a runtime of its own.
        let answer = actix_rt::System::new().block_on(send(&url, &token, method, path, body))?;
        // 204 has no body.
        let answer = if answer.is_empty() {
            b"null"
        } else {
            &answer[..]
        };
        serde_json::from_slice(answer).map_err(|error| {
            CommandError::Failed(format!("unexpected response from {url}: {error}"))
        })
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
        let (url, token) = self.address_and_token()?;
        actix_rt::System::new().block_on(async {
            let no_answer = |error: reqwest::Error| unreachable(&url, &error);
            let client = reqwest::Client::builder()
                .no_proxy()
                .connect_timeout(TIMEOUT);
            let request = client
                .build()
                .map_err(no_answer)?
                .get(format!("{url}{path}"));
            let request = request.bearer_auth(token).header(ACCEPT, accept);
            let mut response = request.send().await.map_err(no_answer)?;
            let status = response.status();
            if !status.is_success() {
                let answer = response.bytes().await.map_err(no_answer)?;
                return Err(refused(&url, status, &answer));
            }
            while let Some(octets) = response.chunk().await.map_err(no_answer)? {
                if part(&octets)?.is_break() {
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

    fn address_and_token(&self) -> Result<(String, String), CommandError> {
        match (&self.url, &self.token_file) {
            (Some(url), Some(file)) => {
                check_scheme(url)?;
                return Ok((
                    url.trim_end_matches('/').to_owned(),
                    read_token(file).map_err(CommandError::of_argument)?,
                ));
            }
            (None, None) => {}
            _ => {
                return Err(CommandError::Usage(
                    "--server URL and --token-file FILE belong together".to_owned(),
                ));
            }
        }
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
        Ok((url.trim().to_owned(), read_token(&token)?))
    }
}

fn check_scheme(url: &str) -> Result<(), CommandError> {
    let scheme = url.get(..8).unwrap_or_default();
    if scheme.eq_ignore_ascii_case("https://") {
        return Err(CommandError::Usage(format!(
            "{url} needs TLS, which this command does not support: open a tunnel with ssh -L 8080:127.0.0.1:8080 to that machine, and use http://127.0.0.1:8080"
        )));
    }
    Ok(())
}

async fn send(
    url: &str,
    token: &str,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<Vec<u8>, CommandError> {
    let no_answer = |error: reqwest::Error| unreachable(url, &error);
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(TIMEOUT)
        .build()
        .map_err(no_answer)?;
    let is_change = method == Method::PATCH;
    let mut request = client
        .request(method, format!("{url}{path}"))
        .bearer_auth(token);
    if is_change {
        // A command changes what it names, whatever else has changed.
        request = request.header("If-Match", "*");
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    let response = request.send().await.map_err(no_answer)?;
    let status = response.status();
    let answer = response.bytes().await.map_err(no_answer)?;
    if status.is_success() {
        return Ok(answer.to_vec());
    }
    Err(refused(url, status, &answer))
}

/// The error where the server does not answer.
fn unreachable(url: &str, error: &reqwest::Error) -> CommandError {
    let reason = match () {
        () if error.is_connect() => "no server runs there".to_owned(),
        () if error.is_timeout() => "it does not respond".to_owned(),
        () if error.is_builder() => "that is not an http:// address".to_owned(),
        () => error.to_string(),
    };
    CommandError::Failed(format!("{url} cannot be reached: {reason}"))
}

/// The error where the server refuses a request.
fn refused(url: &str, status: StatusCode, answer: &[u8]) -> CommandError {
    let told: Option<Value> = serde_json::from_slice(answer).ok();
    let told = told.as_ref().and_then(|told| told.get("detail")?.as_str());
    CommandError::Failed(match (status, told) {
        (_, Some(sentence)) => sentence.to_owned(),
        (StatusCode::NOT_FOUND, None) => format!("{url} is not a uacsta server"),
        (_, None) => format!("{url} responds with {status}"),
    })
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn https_urls_are_rejected_with_the_way_around() {
        for (url, fits) in [
            ("http://10.0.0.5:8080", true),
            ("10.0.0.5:8080", true),
            ("h", true),
            ("https://10.0.0.5:8080", false),
            ("HTTPS://pbx.example", false),
        ] {
            let told = check_scheme(url).map_err(|wrong| wrong.to_string());
            let words = told.as_ref().map_or_else(String::as_str, |()| "");
            assert!(
                fits == told.is_ok() && fits != words.contains("ssh -L"),
                "{url}: {words}"
            );
        }
    }
}
