//! The overview: one line if all is well, else what is wrong, grouped by cause, with what mends it.

use actix_web::HttpResponse;
use askama::Template;
use jiff::Timestamp;

use super::{
    frame::{Frame, answer},
    licences::Licensing,
    phones::Phone,
    settings::Certificate,
    shared::{List, query},
    status::Status,
};
use crate::api::{Shown, Visitor};

#[derive(Template)]
#[template(path = "overview.html")]
struct Page {
    frame: Frame,
    status: Status,
    licensing: Licensing,
    certificate: Certificate,
    groups: Vec<Group>,
}

/// The telephones that cannot be controlled for the same cause.
struct Group {
    code: String,
    remedy: String,
    /// The telephones with what is wrong with each, at most [`NAMED`].
    named: Vec<(String, String, String)>,
    count: usize,
}

/// How many telephones of a group are named.
const NAMED: usize = 3;
/// What an operator wanted is no trouble.
const WANTED: [&str; 2] = ["notInOperation", "serviceStopped"];

/// Shows the overview.
pub(super) async fn show(visitor: Visitor) -> HttpResponse {
    let page = page(&visitor).await;
    answer(&visitor, "overview", page)
}

async fn page(visitor: &Visitor) -> Shown<Page> {
    Ok(Page {
        frame: Frame::new(visitor, "overview", "phones,clients,licenses"),
        status: visitor.status().await?,
        licensing: visitor.licenses().await?,
        certificate: visitor.certificate()?,
        groups: groups(visitor).await?,
    })
}

/// The groups, that with the most telephones first.
async fn groups(visitor: &Visitor) -> Shown<Vec<Group>> {
    let mut groups: Vec<Group> = Vec::new();
    let mut after = String::new();
    loop {
        let wanted = query(&[("limit", "1000"), ("after", &after)]);
        let List { items, next, .. } = visitor.phones::<List<Phone>>(&wanted).await?;
        for phone in items {
            add(&mut groups, &phone);
        }
        let Some(next) = next else { break };
        after = next;
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    Ok(groups)
}

fn add(groups: &mut Vec<Group>, phone: &Phone) {
    let Some(reason) = phone.reason.as_ref() else {
        return;
    };
    if WANTED.contains(&reason.code.as_str()) {
        return;
    }
    let at = groups.iter().position(|group| group.code == reason.code);
    let at = at.unwrap_or_else(|| {
        groups.push(Group {
            code: reason.code.clone(),
            remedy: reason.remedy.clone(),
            named: Vec::new(),
            count: 0,
        });
        groups.len() - 1
    });
    let group = &mut groups[at];
    group.count += 1;
    if group.named.len() < NAMED {
        let named = (
            phone.id().to_owned(),
            phone.title().to_owned(),
            reason.detail.clone(),
        );
        group.named.push(named);
    }
}

impl Page {
    fn is_well(&self) -> bool {
        self.groups.is_empty()
            && self.status.warnings.is_empty()
            && self.status.service.is_running()
    }

    /// The whole days until the certificate ends; 0 if it has ended.
    fn certificate_days(&self) -> usize {
        let until: Result<Timestamp, _> = self.certificate.valid_until.parse();
        let left = until.map(|until| until.as_second() - Timestamp::now().as_second());
        usize::try_from(left.unwrap_or_default() / 86_400).unwrap_or_default()
    }
}

impl Group {
    fn others(&self) -> usize {
        self.count - self.named.len()
    }
}
