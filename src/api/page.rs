//! Lists: pages by key, so that a list that changes skips nothing, with filters, search and order.

use std::{cmp::Ordering, fmt::Display, future::Ready, str::FromStr};

use actix_web::{Error, FromRequest, HttpRequest, dev::Payload};
use data_encoding::BASE64URL_NOPAD;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::problem::{Problem, wrong_value};
use crate::texts::Text;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct List<T> {
    pub(super) items: Vec<T>,
    /// The value of `after` for the next page; null on the last one.
    pub(super) next: Option<String>,
    /// How many items the whole list has, with these filters.
    pub(super) total: Option<usize>,
}

/// An item of a list.
pub(super) trait Row: Serialize {
    /// Its key, in the order of the list.
    type Key: Ord + Display + FromStr;
    /// The members by which the list can be sorted.
    const SORTED_BY: &'static [&'static str];

    fn key(&self) -> Self::Key;
}

/// The parameters of each list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters in the API's document")]
pub(super) struct PageParams {
    /// The most items on a page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u16>,
    /// `next` of the page before.
    after: Option<String>,
    /// Only items with this text in a member, in any case.
    q: Option<String>,
    /// Members to sort by, separated by commas; `-` before one reverses its order.
    sort: Option<String>,
}

/// What is asked of a list, with the filters `F`.
pub(super) struct Page<F = NoFilter> {
    limit: usize,
    after: Option<Value>,
    q: Option<String>,
    sort: String,
    pub(super) filter: F,
}

/// A list without filters.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoFilter {}

const LIMIT: usize = 100;
const MOST: usize = 1000;

impl<F: DeserializeOwned> FromRequest for Page<F> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Self::read(request.query_string()).map_err(Error::from))
    }
}

impl<F: DeserializeOwned> Page<F> {
    pub(super) fn read(query: &str) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
        let (mut limit, mut after, mut q, mut sort) = (None, None, None, None);
        let mut filters = Vec::new();
        for (name, value) in pairs {
            let own = match name.as_str() {
                "limit" => &mut limit,
                "after" => &mut after,
                "q" => &mut q,
                "sort" => &mut sort,
                _ => {
                    filters.push((name, value));
                    continue;
                }
            };
            if own.replace(value).is_some() {
                return Err(Problem::parameter(&name, Text::new("given-twice")));
            }
        }
        Ok(Self {
            limit: limit.map_or(Ok(LIMIT), |text| parse_limit(&text))?,
            after: after.map(|text| parse_cursor(&text)).transpose()?,
            q: q.map(|text| text.to_lowercase())
                .filter(|text| !text.is_empty()),
            sort: sort.unwrap_or_default(),
            filter: filter(&filters)?,
        })
    }

    /// The key after which the page begins and its size, if it is a part of the whole list in the order of the keys.
    pub(super) fn plain<K: FromStr>(&self) -> Result<Option<(Option<K>, usize)>, Problem> {
        if self.q.is_some() || !self.sort.is_empty() {
            return Ok(None);
        }
        let after = self.after.as_ref().map(|cursor| self.cursor(cursor, 0));
        Ok(Some((after.transpose()?.map(|(_, key)| key), self.limit)))
    }

    /// The key after which the page begins, its size and the text to search for, in lower case, where the list is read in the
    /// order of its keys alone.
    pub(super) fn position<K: FromStr>(
        &self,
    ) -> Result<(Option<K>, usize, Option<String>), Problem> {
        let after = self.after.as_ref().map(|cursor| self.cursor(cursor, 0));
        let after = after.transpose()?.map(|(_, key)| key);
        Ok((after, self.limit, self.q.clone()))
    }

    /// The order that was asked for.
    pub(super) fn sort(&self) -> &str {
        &self.sort
    }

    /// The page of a list that was searched elsewhere, after which the next begins with this key.
    pub(super) fn found<T>(&self, items: Vec<T>, next: Option<impl Display>) -> List<T> {
        List {
            items,
            next: next.map(|key| cursor(&self.sort, &[], &key)),
            total: None,
        }
    }

    /// The page of the whole list whose `items` begin after the key, and are more than fit if there is a next page.
    pub(super) fn first<T: Row>(&self, mut items: Vec<T>, total: Option<usize>) -> List<T> {
        let is_last = items.len() <= self.limit;
        items.truncate(self.limit);
        let last = items.last().filter(|_| !is_last);
        List {
            next: last.map(|item| cursor("", &[], &item.key())),
            items,
            total,
        }
    }

    /// The page of a list whose `items` have passed the filters.
    pub(super) fn of<T: Row>(&self, items: Vec<T>) -> Result<List<T>, Problem> {
        let order = order(&self.sort, T::SORTED_BY)?;
        let after = self.after.as_ref();
        let after = after.map(|cursor| self.cursor::<T::Key>(cursor, order.len()));
        let after = after.transpose()?;
        let mut rows: Vec<(Vec<Value>, T::Key, T)> = Vec::with_capacity(items.len());
        for item in items {
            let mut values = Vec::new();
            if self.q.is_some() || !order.is_empty() {
                let mut shown = serde_json::to_value(&item).unwrap_or_default();
                if self.q.as_ref().is_some_and(|q| !has_text(&shown, q)) {
                    continue;
                }
                values.extend(order.iter().map(|(name, _)| shown[name].take()));
            }
            rows.push((values, item.key(), item));
        }
        let total = rows.len();
        let compare = |one: (&[Value], &T::Key), other: (&[Value], &T::Key)| {
            let values = one.0.iter().zip(other.0).zip(&order);
            let mut orders = values.map(|((one, other), (_, reversed))| {
                let order = compare_values(one, other);
                if *reversed { order.reverse() } else { order }
            });
            let first = orders.find(|order| order.is_ne());
            first.unwrap_or_else(|| one.1.cmp(other.1))
        };
        rows.sort_by(|one, other| compare((&one.0, &one.1), (&other.0, &other.1)));
        if let Some((values, key)) = &after {
            rows.retain(|row| compare((&row.0, &row.1), (values, key)).is_gt());
        }
        let is_last = rows.len() <= self.limit;
        rows.truncate(self.limit);
        let last = rows.last().filter(|_| !is_last);
        Ok(List {
            next: last.map(|(values, key, _)| cursor(&self.sort, values, key)),
            items: rows.into_iter().map(|(_, _, item)| item).collect(),
            total: Some(total),
        })
    }

    /// The values and the key in a cursor of this order.
    fn cursor<K: FromStr>(
        &self,
        cursor: &Value,
        values: usize,
    ) -> Result<(Vec<Value>, K), Problem> {
        let parts = cursor.as_array().map(Vec::as_slice).unwrap_or_default();
        let read = match parts {
            [sort, given @ .., key] if *sort == self.sort && given.len() == values => {
                let key = key.as_str().and_then(|key| key.parse().ok());
                key.map(|key| (given.to_vec(), key))
            }
            _ => None,
        };
        read.ok_or_else(|| Problem::parameter("after", Text::new("no-next")))
    }
}

fn parse_limit(text: &str) -> Result<usize, Problem> {
    let limit = text.parse().ok().filter(|limit| (1..=MOST).contains(limit));
    limit.ok_or_else(|| Problem::parameter("limit", Text::new("no-limit").with("most", MOST)))
}

fn parse_cursor(text: &str) -> Result<Value, Problem> {
    let octets = BASE64URL_NOPAD.decode(text.as_bytes()).ok();
    octets
        .and_then(|octets| serde_json::from_slice(&octets).ok())
        .ok_or_else(|| Problem::parameter("after", Text::new("no-next")))
}

fn cursor(sort: &str, values: &[Value], key: &impl Display) -> String {
    let mut parts = vec![Value::from(sort)];
    parts.extend_from_slice(values);
    parts.push(key.to_string().into());
    BASE64URL_NOPAD.encode(Value::from(parts).to_string().as_bytes())
}

/// The members to sort by, and whether each is reversed.
fn order(sort: &str, known: &[&str]) -> Result<Vec<(String, bool)>, Problem> {
    let mut order: Vec<(String, bool)> = Vec::new();
    for name in sort.split(',').filter(|name| !name.is_empty()) {
        let bare = name.strip_prefix('-').unwrap_or(name);
        if !known.contains(&bare) {
            let detail = Text::new("not-sorted-by").with("known", known.join(", "));
            return Err(Problem::parameter("sort", detail.with("name", bare)));
        }
        // Each name costs a copy of its member for each row.
        if order.iter().any(|(before, _)| before == bare) {
            let detail = Text::new("sorted-twice").with("name", bare);
            return Err(Problem::parameter("sort", detail));
        }
        order.push((bare.to_owned(), bare != name));
    }
    Ok(order)
}

/// Nothing comes first, then numbers, then texts in any case.
fn compare_values(one: &Value, other: &Value) -> Ordering {
    let text = |value: &Value| value.as_str().map(str::to_lowercase);
    let kind = |value: &Value| match value {
        Value::Null => 0,
        Value::Bool(false) => 1,
        Value::Bool(true) => 2,
        Value::Number(_) => 3,
        _ => 4,
    };
    let numbers = one.as_f64().partial_cmp(&other.as_f64());
    kind(one)
        .cmp(&kind(other))
        .then(numbers.unwrap_or(Ordering::Equal))
        .then_with(|| text(one).cmp(&text(other)))
}

/// Whether a text within the value has `part`, which is in lower case.
fn has_text(value: &Value, part: &str) -> bool {
    match value {
        Value::String(text) => text.to_lowercase().contains(part),
        Value::Array(items) => items.iter().any(|item| has_text(item, part)),
        // What to do names what is all right, too.
        Value::Object(members) => {
            let mut told = members.iter().filter(|(name, _)| *name != "remedy");
            told.any(|(_, member)| has_text(member, part))
        }
        _ => false,
    }
}

/// Reads the filters, all of which may be left out; names each that is wrong.
fn filter<F: DeserializeOwned>(pairs: &[(String, String)]) -> Result<F, Problem> {
    let read = |pairs: &[(String, String)]| -> Result<F, String> {
        let text = serde_urlencoded::to_string(pairs).map_err(|error| error.to_string())?;
        serde_urlencoded::from_str(&text).map_err(|error| error.to_string())
    };
    read(pairs).map_err(|error| {
        let each = pairs.iter().filter_map(|pair| {
            let error = read(std::slice::from_ref(pair)).err()?;
            Some((format!("?{}", pair.0), wrong_value(error)))
        });
        let violations: Vec<_> = each.collect();
        match violations.is_empty() {
            true => Problem::invalid([(String::new(), wrong_value(error))]),
            false => Problem::invalid(violations),
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::texts::Language;

    #[derive(Clone, Debug, PartialEq, Serialize)]
    struct Item {
        number: u32,
        name: Option<&'static str>,
    }

    impl Row for Item {
        type Key = u32;
        const SORTED_BY: &'static [&'static str] = &["name"];

        fn key(&self) -> u32 {
            self.number
        }
    }

    const NAMES: [Option<&str>; 5] = [Some("b"), None, Some("A"), Some("b"), Some("c")];

    fn items() -> Vec<Item> {
        let item = |(at, name): (usize, &Option<&'static str>)| Item {
            number: u32::try_from(at).unwrap(),
            name: *name,
        };
        NAMES.iter().enumerate().map(item).collect()
    }

    /// The numbers of all items, page by page.
    fn paged(query: &str) -> Vec<u32> {
        let mut found = Vec::new();
        let mut after = String::new();
        loop {
            let page = Page::<NoFilter>::read(&format!("{query}{after}")).unwrap();
            let list = page.of(items()).unwrap();
            assert!(list.items.len() <= 2, "{query}");
            found.extend(list.items.iter().map(Row::key));
            let Some(next) = list.next else { return found };
            after = format!("&after={next}");
        }
    }

    #[test]
    fn pages_hold_each_item_once_in_the_asked_order() {
        for (query, expected) in [
            ("limit=2", &[0, 1, 2, 3, 4][..]),
            ("limit=2&sort=name", &[1, 2, 0, 3, 4]),
            ("limit=2&sort=-name", &[4, 0, 3, 2, 1]),
            ("limit=2&q=B", &[0, 3]),
            ("limit=1&q=none", &[]),
        ] {
            assert_eq!(paged(query), expected, "{query}");
        }
    }

    #[test]
    fn wrong_parameters_are_named() {
        let next = cursor("", &[], &3);
        for (query, named) in [
            ("limit=0", "?limit"),
            ("limit=1001", "?limit"),
            ("limit=x", "?limit"),
            ("limit=1&limit=2", "?limit"),
            ("after=%25", "?after"),
            ("after=AAAA", "?after"),
            ("sort=number", "?sort"),
            ("sort=name,-name", "?sort"),
            (&format!("sort=name&after={next}"), "?after"),
            ("state=x", "?state"),
        ] {
            let page = Page::<NoFilter>::read(query);
            let problem = page.and_then(|page| page.of(items())).unwrap_err();
            let told: Value = serde_json::from_slice(&problem.body(Language::English, "")).unwrap();
            assert_eq!(told["violations"][0]["pointer"], named, "{query}: {told}");
        }
    }
}
