//! The licences: how many telephones and lines are licensed and in use, and adding and removing one.

use actix_web::HttpResponse;
use askama::Template;
use serde::Deserialize;

use super::frame::{Frame, answer};
use crate::api::{Shown, Visitor};

/// What is licensed and in use.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Licensing {
    pub(super) phones: Use,
    pub(super) lines: Use,
    licenses: Option<Vec<License>>,
    evaluation_seconds_left: u64,
    warnings: Vec<Warning>,
}

/// How many are in use, and how many may be.
#[derive(Debug, Deserialize)]
pub(super) struct Use {
    used: usize,
    licensed: Option<usize>,
}

#[derive(Debug, Deserialize)]
struct License {
    serial: u32,
    phones: u32,
    lines: u32,
}

#[derive(Debug, Deserialize)]
struct Warning {
    detail: String,
}

impl Use {
    /// As `3 / 50`; without a limit the number alone.
    pub(super) fn written(&self) -> String {
        match self.licensed {
            Some(licensed) => format!("{} / {licensed}", self.used),
            None => self.used.to_string(),
        }
    }
}

impl Licensing {
    /// The days that are left of the evaluation period, a part of one counting as one.
    fn evaluation_days(&self) -> usize {
        usize::try_from(self.evaluation_seconds_left.div_ceil(86_400)).unwrap_or(usize::MAX)
    }
}

#[derive(Template)]
#[template(path = "licences.html")]
struct Page {
    frame: Frame,
    licensing: Licensing,
}

/// Shows the licences.
pub(super) async fn show(visitor: Visitor) -> HttpResponse {
    let page = page(&visitor).await;
    answer(&visitor, "licences", page)
}

async fn page(visitor: &Visitor) -> Shown<Page> {
    Ok(Page {
        frame: Frame::new(visitor, "licences", "licenses"),
        licensing: visitor.licenses().await?,
    })
}
