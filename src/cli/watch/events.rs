//! Events of the stream of changes, applied to what was read before.

use std::cmp::Ordering;

use serde_json::Value;

/// Whether an event is about the object with this id.
pub(in crate::cli) fn is_about(event: &Value, id: &Value) -> bool {
    let data = event["data"].as_object().into_iter().flatten();
    let mut ids = data.map(|(name, value)| match name.as_str() {
        "id" => value,
        _ => &value["id"],
    });
    ids.any(|found| !id.is_null() && found == id)
}

/// Applies events to a list in the order of `id`: each object replaces the one before, or is removed.
pub(in crate::cli) fn apply(list: &mut Value, events: &[Value]) {
    let Some(items) = list["items"].as_array_mut() else {
        return;
    };
    let key = |item: &Value| item["id"].as_str().unwrap_or_default().to_owned();
    for event in events {
        let kind = event["type"].as_str().unwrap_or_default();
        let Some((noun, change)) = kind.split_once('.') else {
            continue;
        };
        let data = &event["data"];
        match change {
            "changed" => {
                let object = &data[noun];
                let at = |is: fn(Ordering) -> bool| {
                    let mut order = items.iter().map(|item| key(item).cmp(&key(object)));
                    order.position(is)
                };
                match at(Ordering::is_eq) {
                    Some(at) => items[at] = object.clone(),
                    None => {
                        let at = at(Ordering::is_gt).unwrap_or(items.len());
                        items.insert(at, object.clone());
                    }
                }
            }
            "removed" => items.retain(|item| item["id"] != data["id"]),
            _ => {}
        }
    }
    list["total"] = list["items"].as_array().map_or(0, Vec::len).into();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_replace_add_and_remove_objects_of_a_list() {
        let mut list =
            json!({ "items": [{ "id": "b", "state": "away" }, { "id": "c" }], "total": 2 });
        let events = [
            json!({ "type": "phone.changed", "data": { "seq": 1, "phone": { "id": "b", "state": "controlled" } } }),
            json!({ "type": "phone.changed", "data": { "seq": 2, "phone": { "id": "a" } } }),
            json!({ "type": "phone.removed", "data": { "seq": 3, "id": "c" } }),
            json!({ "type": "stream.heartbeat", "data": {} }),
        ];
        apply(&mut list, &events);
        let expected =
            json!({ "items": [{ "id": "a" }, { "id": "b", "state": "controlled" }], "total": 2 });
        assert_eq!(list, expected);
        assert!(is_about(&events[0], &json!("b")) && is_about(&events[2], &json!("c")));
        assert!(!is_about(&events[0], &json!("a")) && !is_about(&events[3], &Value::Null));
    }
}
