//! `/lines`: lists lines with the reason why they cannot be controlled.

mod line;
mod watch;

use actix_web::{get, web};
use uacsta_actors::{
    client::Rights,
    directory::{Entry, NoLine},
    registrar::{FindLine, GetLineDetails, LineDetails, ListLineDetails},
};
use uacsta_schema::csta::DeviceId;

pub(in crate::api) use self::line::{Line, LineFilter};
use self::watch::add_watches;
use super::{
    Api, Kind, List, LogOn, LoggedOn, Page, PageParams, Problem, Reason, ReasonCode, Row, Tagged,
    Time, stopping,
};
use crate::texts::{Language, Text};

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
/// `status` and `watch` are told of the lines of the page; they are no texts for `q`.
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
    page_of(&api, &who, language, &page).await.map(web::Json)
}

/// A page of the lines that somebody may see.
pub(in crate::api) async fn page_of(
    api: &Api,
    who: &LogOn,
    language: Language,
    page: &Page<LineFilter>,
) -> Result<List<Line>, Problem> {
    let lines = Visible::to(who, api).all(api).await?;
    let lines = lines.into_iter().map(|line| Line::new(line, language));
    let lines = lines.filter(|line| page.filter.admits(line));
    let mut found = page.of(lines.collect())?;
    add_watches(&mut found.items, who, language).await;
    Ok(found)
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
    let mut line = [Line::new(line.ok_or(NoLine::Unknown)?, language)];
    add_watches(&mut line, &who, language).await;
    let [line] = line;
    Ok(Tagged(line))
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
