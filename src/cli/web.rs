//! `uacsta web`: prints a link that logs a browser on.

use clap::Args;
use reqwest::Method;
use serde_json::Value;
use uacsta_connect::CommandError;

use super::{output::note, query::Query, time::local_time};

/// The arguments of `web`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  uacsta web
  xdg-open \"$(uacsta web)\"
  uacsta web --server https://cti.example.com:8080 --ca ca.pem --token-file cli.token

The link logs on as admin, once and within ten minutes; whoever opens it first is logged on. The
session lasts 30 minutes without a request and 12 hours at most.")]
pub(super) struct Web {
    #[command(flatten)]
    query: Query,
}

impl Web {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let mut made = self.query.send(Method::POST, "/api/v1/links", None)?;
        let path = made["path"].as_str().unwrap_or_default();
        made["url"] = format!("{}{path}", self.query.server.url()?).into();
        // A script takes the link alone.
        let url = |made: &Value| format!("{}\n", made["url"].as_str().unwrap_or_default());
        self.query.show(&made, url)?;
        let ends = local_time(made["endsAt"].as_str().unwrap_or_default());
        note(&format!(
            "good once, until {ends}: whoever opens it is logged on as admin"
        ));
        Ok(())
    }
}
