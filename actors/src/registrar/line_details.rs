//! Lists lines for operators, each with the reason why it cannot be controlled.

use actix::{Context, Handler, MessageResult};
use uacsta_schema::phone_id::PhoneId;

use super::{
    actor::Registrar,
    batches::{BATCH, LaterResult},
    messages::{GetLineDetails, LineDetails, LineDetailsPage, ListLineDetails},
    records::Record,
};
use crate::reason::Code;

impl Registrar {
    /// The lines of a phone. Their reason is the phone's, but a line that two phones have says nothing about the others.
    fn line_details<'r>(
        &'r self,
        phone: PhoneId,
        record: &'r Record,
    ) -> impl Iterator<Item = LineDetails> + 'r {
        let of_phone = self.reason(phone, record);
        let is_shared = |code| code == Some(Code::SameNumber);
        self.directory.of(phone).into_iter().map(move |entry| {
            let code = of_phone.as_ref().map(|reason| reason.cause.code());
            let reason = match is_shared(code) {
                true => self.same_number_of(&entry, record),
                false => of_phone.clone(),
            };
            LineDetails {
                entry,
                display_name: record.entry().display_name.clone(),
                actor: record.actor().cloned(),
                status: record.status(),
                since: record.status_since(),
                reason,
            }
        })
    }
}

impl Handler<ListLineDetails> for Registrar {
    type Result = LaterResult<ListLineDetails>;

    fn handle(&mut self, list: ListLineDetails, ctx: &mut Self::Context) -> Self::Result {
        self.answer_later(ctx, move |registrar| {
            let mut page = LineDetailsPage::default();
            for (phone, record) in registrar.records.after(list.after).take(BATCH) {
                page.lines.extend(registrar.line_details(phone, record));
                page.last = Some(phone);
            }
            page
        })
    }
}

impl Handler<GetLineDetails> for Registrar {
    type Result = MessageResult<GetLineDetails>;

    fn handle(
        &mut self,
        GetLineDetails(phone): GetLineDetails,
        _: &mut Context<Self>,
    ) -> Self::Result {
        let record = self.records.get(phone);
        let lines = record.map(|record| self.line_details(phone, record).collect());
        MessageResult(lines.unwrap_or_default())
    }
}
