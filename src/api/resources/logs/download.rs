//! `/logs/{file}`: a log file, whole or in part.

use std::sync::{Arc, Mutex};

use actix_web::{
    HttpRequest, HttpResponse, get,
    http::{
        StatusCode,
        header::{
            ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_RANGE, RANGE, Range, X_CONTENT_TYPE_OPTIONS,
        },
    },
    web,
};

use super::{Api, Kind, LogReaders, Problem, Reader, folder, octets, reading};
use crate::texts::Text;

/// Downloads a log file.
///
/// As it is now, or the part that `Range` names.
#[utoipa::path(
    operation_id = "getLogFile", tag = "logs", params(("file" = String, Path, description = "Its name.")),
    responses(
        (status = 200, description = "The file.", body = String, content_type = "text/plain"),
        (status = 206, description = "The part of the file.", body = String, content_type = "text/plain"),
    ),
    extensions(("x-effect" = json!("read")))
)]
#[get("/logs/{file}")]
pub(in crate::api) async fn show(
    _: Reader,
    api: web::Data<Api>,
    readers: web::Data<LogReaders>,
    request: HttpRequest,
    name: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let (folder, wanted) = (folder(&api), name.clone());
    let opened = readers
        .read(move || reading::open(&folder, &wanted))
        .await?;
    let Some((file, size)) = opened else {
        let detail = Text::new("no-log-file");
        return Err(Problem::new(Kind::NOT_FOUND, detail));
    };
    let part = part(&request, size)?;
    let mut response = HttpResponse::Ok();
    if let Some((from, to)) = part {
        response.status(StatusCode::PARTIAL_CONTENT);
        response.insert_header((CONTENT_RANGE, format!("bytes {from}-{to}/{size}")));
    }
    let (from, length) = part.map_or((0, size), |(from, to)| (from, to + 1 - from));
    response
        .content_type("text/plain; charset=utf-8")
        .insert_header((ACCEPT_RANGES, "bytes"))
        // Its lines have what peers sent.
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ));
    let file = Arc::new(Mutex::new(file));
    Ok(response.body(octets(file, from, length)))
}

/// First and last octet of the one part that is asked for; `None` for the whole file (RFC 9110, section 14.2).
fn part(request: &HttpRequest, size: u64) -> Result<Option<(u64, u64)>, Problem> {
    let range = request.headers().get(RANGE);
    let range = range.and_then(|range| range.to_str().ok()?.parse().ok());
    let Some(Range::Bytes(parts)) = range else {
        return Ok(None);
    };
    let [part] = &parts[..] else { return Ok(None) };
    match part.to_satisfiable_range(size) {
        Some(part) => Ok(Some(part)),
        None => {
            let detail = Text::new("size-of-file").with("size", size);
            let problem = Problem::blank(StatusCode::RANGE_NOT_SATISFIABLE, detail);
            Err(problem.with(CONTENT_RANGE, &format!("bytes */{size}")))
        }
    }
}
