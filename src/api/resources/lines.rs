//! `/lines`: lists lines with the reason why they cannot be controlled.

use actix_web::{get, web};
use serde::{Deserialize, Serialize};
use uacsta_actors::{
    client::Rights,
    directory::{Entry, NoLine},
    phone::Status,
    registrar::{FindLine, GetLineDetails, LineDetails, ListLineDetails},
};
use uacsta_schema::{csta::DeviceId, phone_id::PhoneId};
use utoipa::{IntoParams, ToSchema};

use super::{
    Api, Kind, List, LogOn, LoggedOn, Page, PageParams, Problem, Reason, ReasonCode, Row, Tagged,
    Time, stopping,
};
use crate::texts::{Language, Text};

/// A line of a phone.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct Line {
    /// The device ID that clients see.
    id: String,
    /// The number, or the user part of the device ID.
    number: String,
    /// The phone that has the line.
    #[schema(value_type = String)]
    phone: PhoneId,
    state: LineState,
    /// Why it cannot be controlled.
    reason: Option<Reason>,
    /// Since when its phone is as it is, if that is known.
    since: Option<Time>,
}

/// Whether a line can be controlled.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) enum LineState {
    /// It can be controlled.
    InService,
    /// It cannot; the reason says why.
    OutOfService,
}

impl Line {
    /// A line whose reason is in this language.
    fn new(line: LineDetails, language: Language) -> Self {
        let LineDetails {
            entry,
            status,
            since,
            reason,
        } = line;
        let is_in_service = status == Status::Controlled && reason.is_none();
        Self {
            id: entry.name.as_str().to_owned(),
            number: entry.device.name().user.into_owned(),
            phone: entry.phone,
            state: match is_in_service {
                true => LineState::InService,
                false => LineState::OutOfService,
            },
            reason: reason.map(|reason| Reason::new(&reason, language)),
            since: since.and_then(Time::from_seconds),
        }
    }
}

impl Row for Line {
    type Key = String;
    const SORTED_BY: &'static [&'static str] = &["id", "number", "phone", "state", "since"];

    /// Disabled phones may list the same device ID.
    fn key(&self) -> String {
        format!("{} {}", self.id, self.phone)
    }
}

/// Which lines are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::api) struct LineFilter {
    /// Only lines in this state.
    #[param(inline)]
    state: Option<LineState>,
    /// Only lines of this phone.
    #[param(value_type = Option<String>)]
    phone: Option<PhoneId>,
    /// Only lines whose reason has this code.
    #[param(value_type = Option<String>)]
    reason: Option<ReasonCode>,
}

impl LineFilter {
    fn admits(&self, line: &Line) -> bool {
        self.state.is_none_or(|state| state == line.state)
            && self.phone.is_none_or(|phone| phone == line.phone)
            && self
                .reason
                .is_none_or(|code| code.is_of(line.reason.as_ref()))
    }
}

/// The lines that somebody may see.
struct Visible(Option<Rights>);

impl Visible {
    fn to(log_on: &LogOn, api: &Api) -> Self {
        let config = api.context.config();
        let rules = &config.settings.numbers;
        Self(
            log_on
                .account()
                .map(|account| Rights::granted(account, rules)),
        )
    }

    fn has(&self, entry: &Entry) -> bool {
        self.0.as_ref().is_none_or(|rights| rights.sees(entry))
    }

    /// All of them.
    async fn all(&self, api: &Api) -> Result<Vec<LineDetails>, Problem> {
        let (mut after, mut lines) = (None, Vec::new());
        loop {
            let batch = api.lines.send(ListLineDetails { after }).await;
            let batch = batch.map_err(stopping)?;
            let Some(last) = batch.last else {
                return Ok(lines);
            };
            after = Some(last);
            let batch = batch.lines.into_iter();
            lines.extend(batch.filter(|line| self.has(&line.entry)));
        }
    }

    /// The line with this name.
    async fn find(&self, name: DeviceId, api: &Api) -> Result<Entry, Problem> {
        let session = None;
        let asked = FindLine {
            name: name.clone(),
            session,
        };
        match api.find.send(asked).await.map_err(stopping)? {
            Ok(line) if self.has(&line.entry) => Ok(line.entry),
            Ok(_) => Err(NoLine::Unknown.into()),
            // Lines that are not visible cannot make a name ambiguous.
            Err(NoLine::Ambiguous) if self.0.is_some() => {
                let mut called = self.all(api).await?;
                called.retain(|line| line.entry.is_called(&name));
                match called.pop() {
                    Some(only) if called.is_empty() => Ok(only.entry),
                    Some(_) => Err(NoLine::Ambiguous.into()),
                    None => Err(NoLine::Unknown.into()),
                }
            }
            Err(no_line) => Err(no_line.into()),
        }
    }
}

/// Lists the lines.
///
/// The lines of all listed phones, in the order of their device IDs; to a program those of its account. Starts no monitor.
#[utoipa::path(
    operation_id = "listLines", tag = "lines", params(PageParams, LineFilter),
    responses((status = 200, description = "A page of the lines.", body = List<Line>)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/lines")]
pub(in crate::api) async fn list(
    LoggedOn(who): LoggedOn,
    api: web::Data<Api>,
    language: Language,
    page: Page<LineFilter>,
) -> Result<web::Json<List<Line>>, Problem> {
    let lines = Visible::to(&who, &api).all(&api).await?;
    let lines = lines.into_iter().map(|line| Line::new(line, language));
    let lines = lines.filter(|line| page.filter.admits(line));
    Ok(web::Json(page.of(lines.collect())?))
}

/// Shows a line.
///
/// Names it as clients do: by its device ID, its number, or with `;mac=` where several phones have it. A program finds the
/// lines of its account alone.
#[utoipa::path(
    operation_id = "getLine", tag = "lines", params(("line" = String, Path, description = "Device ID or number.")),
    responses((status = 200, description = "The line.", body = Line)),
    extensions(("x-effect" = json!("read")))
)]
#[get("/lines/{line}")]
pub(in crate::api) async fn show(
    LoggedOn(who): LoggedOn,
    api: web::Data<Api>,
    language: Language,
    name: web::Path<String>,
) -> Result<Tagged<Line>, Problem> {
    let name = DeviceId::from(name.into_inner());
    let entry = Visible::to(&who, &api).find(name, &api).await?;
    let lines = api.line.send(GetLineDetails(entry.phone)).await;
    let mut lines = lines.map_err(stopping)?.into_iter();
    let line = lines.find(|line| line.entry.device == entry.device);
    let line = line.ok_or(NoLine::Unknown)?;
    Ok(Tagged(Line::new(line, language)))
}

impl From<NoLine> for Problem {
    fn from(no_line: NoLine) -> Self {
        match no_line {
            NoLine::Unknown => Self::new(Kind::NO_SUCH_LINE, Text::new("no-line")),
            NoLine::TooLong => Self::new(Kind::NO_SUCH_LINE, Text::new("line-name-long")),
            NoLine::Ambiguous => Self::new(Kind::AMBIGUOUS_LINE, Text::new("line-of-several")),
        }
    }
}
