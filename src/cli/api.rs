//! How commands reach a running server: its HTTP API, with the token that it keeps in its data folder.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Data, Failure};
use crate::store::is_taken;
use crate::web::{ADDRESS_FILE, is_of_the_living};

/// Which server is meant.
#[derive(Args, Debug)]
pub(super) struct Server {
    #[command(flatten)]
    data: Data,
    /// The server's API, where it is not this machine's, without TLS [example: http://10.0.0.5:8080]. Through a network that is not
    /// yours go by ssh -L 8080:127.0.0.1:8080 HOST, and ask http://127.0.0.1:8080
    #[arg(long = "server", value_name = "URL", requires = "token_file")]
    url: Option<String>,
    /// File with that server's token (its cli.token)
    #[arg(long, value_name = "FILE", requires = "url")]
    token_file: Option<PathBuf>,
}

impl Server {
    /// Asks the server and reads what it answers.
    ///
    /// # Errors
    /// That no server runs, or what the server has to object.
    pub(super) fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, Failure> {
        let (url, token) = self.address_and_token()?;
        // One request of one command: a thread's own runtime serves it.
        let answer = actix_rt::System::new().block_on(send(&url, &token, method, path, body))?;
        serde_json::from_slice(&answer).map_err(|error| {
            Failure::Failed(format!(
                "{url} answers what this version does not understand: {error}"
            ))
        })
    }

    fn address_and_token(&self) -> Result<(String, String), Failure> {
        if let (Some(url), Some(file)) = (&self.url, &self.token_file) {
            check_scheme(url)?;
            return Ok((url.trim_end_matches('/').to_owned(), read(file)?));
        }
        let folder = &self.data.folder;
        // One that was killed has left its address, where any program may listen by now: it must not hear the token.
        if !is_taken(folder).map_err(|error| unreadable(folder, &error))? {
            let folder = folder.display();
            return Err(Failure::Failed(format!(
                "no server runs with the data folder {folder}; start one (uacsta serve --data {folder}), name another folder with --data, or a server elsewhere with --server and --token-file"
            )));
        }
        let address = folder.join(ADDRESS_FILE);
        let url = url_of_the_living(&address).map_err(|error| unreadable(&address, &error))?;
        let Some(url) = url else {
            return Err(Failure::Failed(format!(
                "the server with the data folder {} has no API: it is starting still, or web.listen is empty",
                folder.display()
            )));
        };
        Ok((url, read(&folder.join("cli.token"))?))
    }
}

/// Where the API of a server is that lives; none where it has not said so yet, or only one before it has.
fn url_of_the_living(address: &Path) -> io::Result<Option<String>> {
    let mut file = match File::open(address) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    if !is_of_the_living(&file)? {
        return Ok(None);
    }
    let mut url = String::new();
    file.read_to_string(&mut url)?;
    Ok(Some(url.trim().to_owned()))
}

fn check_scheme(url: &str) -> Result<(), Failure> {
    let scheme = url.get(..8).unwrap_or_default();
    if scheme.eq_ignore_ascii_case("https://") {
        return Err(Failure::Usage(format!(
            "{url} is asked over TLS, which this command does not speak: open a tunnel with ssh -L 8080:127.0.0.1:8080 to that machine, and ask http://127.0.0.1:8080"
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
) -> Result<Vec<u8>, Failure> {
    let no_answer = |error: reqwest::Error| {
        let reason = match () {
            () if error.is_connect() => "no server runs there".to_owned(),
            () if error.is_timeout() => "it does not answer".to_owned(),
            () if error.is_builder() => "that is not an http:// address".to_owned(),
            () => error.to_string(),
        };
        Failure::Failed(format!("{url} cannot be asked: {reason}"))
    };
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(30))
        .build()
        .map_err(no_answer)?;
    let mut request = client
        .request(method, format!("{url}{path}"))
        .bearer_auth(token);
    if let Some(body) = body {
        request = request.json(body);
    }
    let response = request.send().await.map_err(no_answer)?;
    let status = response.status();
    let answer = response.bytes().await.map_err(no_answer)?;
    if status.is_success() {
        return Ok(answer.to_vec());
    }
    let told: Option<Value> = serde_json::from_slice(&answer).ok();
    let told = told.as_ref().and_then(|told| told.get("error")?.as_str());
    Err(Failure::Failed(match (status, told) {
        (_, Some(sentence)) => sentence.to_owned(),
        (StatusCode::NOT_FOUND, None) => format!("{url} is not a uacsta server"),
        (_, None) => format!("{url} answers {status}"),
    }))
}

/// The token in a file, which goes into a header field (RFC 6750 2.1).
fn read(file: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(file).map_err(|error| unreadable(file, &error))?;
    let token = text.trim();
    if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err(Failure::Failed(format!(
            "{} does not hold a token",
            file.display()
        )));
    }
    Ok(token.to_owned())
}

fn unreadable(file: &Path, error: &io::Error) -> Failure {
    Failure::Failed(format!("{} cannot be read: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_asked_over_tls_is_told_the_way_round() {
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
