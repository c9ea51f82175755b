//! The server of a random run as a child process that is killed, restarted, and given a full disk or other certificates.

use std::{fs, process::Command, sync::Arc, time::Duration};

use serde_json::Value;
use tempfile::TempDir;

use super::site::{CLIENTS, Doors, PHONES, Site};
use crate::support::{process::Serving, server::http};

/// The server while it runs.
pub struct ServerContext {
    site: Arc<Site>,
    serving: Option<Serving>,
}

/// How it goes down.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// `kill -9`.
    Killed,
    /// SIGTERM.
    Asked,
}

/// A full disk is a limit on the length of files, which needs no rights; without the trap its signal would end the process.
const WRAPPER: [&str; 4] = ["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"];

impl ServerContext {
    /// Starts it on a data folder.
    pub async fn start(site: Arc<Site>, data: TempDir) -> Self {
        let mut context = Self {
            site,
            serving: None,
        };
        context.begin(data).await;
        context
    }

    /// Lets it go down, be away for that long, and come back; then the phone list is checked.
    pub async fn restart(&mut self, how: End, away: Duration) {
        self.site.state().doors = None;
        let Some(serving) = self.serving.take() else {
            return;
        };
        let ended = move || match how {
            End::Killed => serving.kill(),
            End::Asked => {
                let (code, data) = serving.stop();
                assert_eq!(code, Some(0), "the server's exit code at SIGTERM");
                data
            }
        };
        let data = tokio::task::spawn_blocking(ended)
            .await
            .expect("it goes down");
        // It is long, and says the new ports only at its end.
        let _ = fs::remove_file(data.path().join("logs/uacsta.log"));
        tokio::time::sleep(away).await;
        self.begin(data).await;
    }

    /// No file may grow, for that long.
    pub async fn fill_disk(&self, duration: Duration) {
        self.limit_files("--fsize=4096:");
        tokio::time::sleep(duration).await;
        self.limit_files("--fsize=unlimited:");
    }

    /// Gives it another certificate and key, and has it read them.
    pub fn swap_certificate(&self) {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]);
        let made = made.expect("a key can be made");
        for (name, text) in [
            ("key.pem", made.signing_key.serialize_pem()),
            ("certificate.pem", made.cert.pem()),
        ] {
            let (fresh, path) = (self.site.data.join("fresh.pem"), self.site.data.join(name));
            let written = fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, &path));
            written.expect("the data folder can be written");
        }
        if let Some(serving) = &self.serving {
            serving.send_signal("HUP");
        }
    }

    /// Puts a telephone into operation or out of it, as an operator does.
    pub async fn switch(&self, mac: &str, on: bool) {
        let body = format!("{{\"inOperation\": {on}}}");
        let (status, _) = self
            .ask("PATCH", &format!("/api/v1/phones/{mac}"), &body)
            .await;
        // What was refused, as on a full disk, may be on disk or not.
        let mark = (200..300).contains(&status).then_some(on);
        self.site.state().telephones.insert(mac.to_owned(), mark);
    }

    /// Every telephone that was acknowledged is listed, with the mark that an operator gave it.
    pub async fn check_list(&self) {
        let acknowledged = self.site.state().telephones.clone();
        let mut phones = Vec::new();
        let mut path = "/api/v1/phones?limit=1000".to_owned();
        loop {
            let (status, body) = self.ask("GET", &path, "").await;
            let mut page: Value = serde_json::from_str(&body).unwrap_or_default();
            let (Some(items), 200) = (page["items"].as_array_mut(), status) else {
                return self.site.fault(format!("the phone list: {status} {body}"));
            };
            phones.append(items);
            let Some(next) = page["next"].as_str() else {
                break;
            };
            path = format!("/api/v1/phones?limit=1000&after={next}");
        }
        for (mac, mark) in acknowledged {
            let fault = match phones.iter().find(|phone| phone["id"] == *mac) {
                None => format!("telephone {mac} was acknowledged and is lost"),
                Some(phone) if mark.is_some_and(|mark| phone["inOperation"] != mark) => {
                    format!("telephone {mac} lost its mark {mark:?}")
                }
                Some(_) => continue,
            };
            self.site.fault(fault);
        }
    }

    async fn begin(&mut self, data: TempDir) {
        let settings = format!(
            "[phones]\npassword = \"{PHONES}\"\n[clients]\npassword = \"{CLIENTS}\"\n[advanced]\nmin_expires = 10\nkeep_alive = 10\n\
             request_timeout = 3\n[logs]\nmax_size = \"1GiB\"\n"
        );
        let started = move || Serving::under(&WRAPPER, data, &settings);
        let serving = tokio::task::spawn_blocking(started)
            .await
            .expect("the server serves");
        let doors = Doors {
            phones: serving.phones,
            phones_tls: serving.phones_tls,
            clients: serving.clients,
            web: serving.web,
        };
        self.serving = Some(serving);
        self.site.state().doors = Some(doors);
        self.check_list().await;
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let web = self.site.doors().await.web;
        let token = fs::read_to_string(self.site.data.join("cli.token")).unwrap_or_default();
        http(web, token.trim(), method, path, body).await
    }

    fn limit_files(&self, limit: &str) {
        let id = self.serving.as_ref().map(Serving::id);
        let limited = Command::new("prlimit")
            .args(["--pid", &id.unwrap_or_default().to_string(), limit])
            .status();
        assert!(
            limited.is_ok_and(|status| status.success()),
            "prlimit {limit}"
        );
    }
}
