//! A stream as server-sent events.

use std::convert::Infallible;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Bytes, BytesMut},
};
use futures_util::stream;

use super::course::Course;
use crate::api::streams;

/// What stands in front of the events: how long a browser waits before it returns, in milliseconds.
const RETRY: Bytes = Bytes::from_static(b"retry: 2000\n\n");

/// The endless answer.
pub(super) fn answer(course: Course, request: &HttpRequest) -> HttpResponse {
    streams::begin(request);
    let parts = stream::unfold((course, Some(RETRY)), |(mut course, first)| async {
        let part = match first {
            Some(first) => first,
            None => next(&mut course).await?,
        };
        Some((Ok::<_, Infallible>(part), (course, None)))
    });
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("Cache-Control", "no-store"))
        // Or nginx would hold events back.
        .insert_header(("X-Accel-Buffering", "no"))
        // A connection that stays open would hold up the stop of the server.
        .force_close()
        .streaming(parts)
}

async fn next(course: &mut Course) -> Option<Bytes> {
    let turn = course.next().await?;
    let mut part = BytesMut::new();
    for event in turn.events {
        part.extend_from_slice(event.frame());
    }
    Some(part.freeze())
}
