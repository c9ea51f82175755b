//! The rights under which a client's requests wait for their phone; a reload may withdraw them.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwapOption;
use uacsta_schema::csta::Document;

use super::rights::Rights;
use crate::{registrar::Line, sip::responder::Permission};

/// The client's rights after a reload; `None` while they are those of its log-on.
#[derive(Default)]
pub struct ChangedRights(Arc<ArcSwapOption<Rights>>);

/// The right to one request for a line.
struct LinePermission {
    changed: Arc<ArcSwapOption<Rights>>,
    line: Arc<Line>,
    request: Arc<Document>,
}

impl ChangedRights {
    /// The rights have changed: requests without a right are not sent any more.
    pub(super) fn set(&self, rights: Rights) {
        self.0.store(Some(Arc::new(rights)));
    }

    /// The right to a request for a line.
    pub(super) fn permission(
        &self,
        line: &Arc<Line>,
        request: &Arc<Document>,
    ) -> Arc<dyn Permission> {
        Arc::new(LinePermission {
            changed: Arc::clone(&self.0),
            line: Arc::clone(line),
            request: Arc::clone(request),
        })
    }
}

impl Permission for LinePermission {
    fn is_withdrawn(&self) -> bool {
        let rights = self.changed.load();
        rights
            .as_ref()
            .is_some_and(|rights| rights.check(&self.line, &self.request).is_err())
    }
}

impl fmt::Debug for LinePermission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinePermission({})", self.line.entry.device)
    }
}
