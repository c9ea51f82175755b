//! Events as a page of JSON, for those who poll.

use std::time::Duration;

use actix_web::{HttpResponse, web::BytesMut};
use serde_json::json;

use super::course::Course;

/// The most events on a page.
const MOST: usize = 1000;

/// The page: it waits until there is an event.
pub(super) async fn answer(course: Course, wait: Duration) -> HttpResponse {
    let (events, next) = course.page(MOST, wait).await;
    let mut page = BytesMut::from("{\"items\":[");
    for (at, event) in events.iter().enumerate() {
        if at > 0 {
            page.extend_from_slice(b",");
        }
        page.extend_from_slice(&event.json());
    }
    page.extend_from_slice(format!("],\"next\":{},\"total\":null}}", json!(next)).as_bytes());
    HttpResponse::Ok()
        .content_type("application/json")
        .body(page.freeze())
}
