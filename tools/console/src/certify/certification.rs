//! A certification: which phone is tried, on which line, with which calls; checked before it begins.

use clap::Args;
use clap_complete::ArgValueCompleter;
use serde::Deserialize;
use uacsta_connect::CommandError;
use uacsta_schema::{csta::DeviceId, phone_id::PhoneId};

use super::{
    asker::Asker, calls, device_under_test::DeviceUnderTest, features, report::Report,
    unfinished::broken_off,
};

/// What is tried.
#[derive(Args, Clone, Debug)]
pub struct Wanted {
    /// MAC address, with or without separators, or the extension that the phone is listed under
    #[arg(value_name = "PHONE", value_parser = uacsta_connect::parse_phone, add = ArgValueCompleter::new(uacsta_connect::completion::phones))]
    pub phone: PhoneId,
    /// The phone's line, where it has several [default: the first]
    #[arg(long, value_name = "NUMBER")]
    pub line: Option<String>,
    /// Have the phone call this number
    #[arg(long, value_name = "NUMBER")]
    pub call: Option<String>,
    /// Have this line of another phone call the phone
    #[arg(long, value_name = "NUMBER", requires = "call")]
    pub caller: Option<String>,
}

/// A phone as the API lists it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Listed {
    /// Its name in the list.
    pub id: String,
    /// Its maker.
    pub maker: String,
    /// Its model.
    pub model: Option<String>,
    /// Its firmware.
    pub firmware: Option<String>,
    /// `controlled` if it has a CSTA session.
    pub state: String,
    /// Its lines.
    pub lines: Vec<String>,
    /// Why it cannot be controlled.
    pub reason: Option<Reason>,
}

/// Why a phone cannot be controlled.
#[derive(Clone, Debug, Deserialize)]
pub struct Reason {
    /// The facts in a sentence.
    pub detail: String,
}

/// A certification that can begin.
pub struct Certification {
    phone: Listed,
    id: PhoneId,
    line: DeviceId,
    /// The number to call.
    call: Option<String>,
    /// The line of another phone that calls the phone.
    caller: Option<(PhoneId, DeviceId)>,
}

impl Certification {
    /// Checks what is wanted of the listed phones.
    ///
    /// # Errors
    /// The phone cannot be asked, or there is no such line.
    pub fn new(wanted: &Wanted, phones: &[Listed]) -> Result<Self, CommandError> {
        let id = wanted.phone.to_string();
        let unknown = || CommandError::Failed(format!("no phone {id} in the phone list"));
        let phone = phones.iter().find(|phone| phone.id == id);
        let phone = phone.ok_or_else(unknown)?;
        if phone.state != "controlled" {
            let reason = phone.reason.as_ref().map(|reason| &reason.detail);
            let reason = reason.unwrap_or(&phone.state);
            return Err(CommandError::Failed(format!(
                "{id} cannot be asked: {reason}; see uacsta phones"
            )));
        }
        let line = line(phone, wanted.line.as_deref())?;
        let caller = wanted.caller.as_deref();
        let caller = caller.map(|number| other(wanted.phone, phones, number));
        Ok(Self {
            phone: phone.clone(),
            id: wanted.phone,
            line,
            call: wanted.call.clone(),
            caller: caller.transpose()?,
        })
    }

    /// Tries every service.
    ///
    /// # Errors
    /// The phone cannot be asked any more, or the certification was broken off; with what is left at the phones.
    pub async fn run(self, asker: &dyn Asker) -> Result<Report, CommandError> {
        let mut dut = DeviceUnderTest::new(asker, self.id, self.line);
        let caller = self.caller;
        let mut caller = caller.map(|(phone, line)| DeviceUnderTest::new(asker, phone, line));
        if let Err(error) = try_all(&mut dut, self.call.as_deref(), caller.as_mut()).await {
            return Err(broken_off(error, [&dut].into_iter().chain(&caller)).await);
        }
        Ok(Report::new(self.phone, dut))
    }
}

async fn try_all(
    dut: &mut DeviceUnderTest<'_>,
    call: Option<&str>,
    caller: Option<&mut DeviceUnderTest<'_>>,
) -> Result<(), CommandError> {
    dut.require_idle().await?;
    features::try_all(dut).await?;
    match call {
        None => calls::try_without(dut).await,
        Some(number) => calls::try_with(dut, number, caller).await,
    }
}

/// The line of another phone that makes the calls.
fn other(
    own: PhoneId,
    phones: &[Listed],
    number: &str,
) -> Result<(PhoneId, DeviceId), CommandError> {
    let owner = phones.iter().find_map(|phone| {
        let line = line(phone, Some(number)).ok()?;
        Some((phone.id.parse().ok()?, line))
    });
    let nobody = || CommandError::Usage(format!("no phone of this server has the line {number}"));
    let (phone, line) = owner.ok_or_else(nobody)?;
    if phone == own {
        return Err(CommandError::Usage(format!(
            "{number} is a line of the phone itself; name a line of another phone as caller"
        )));
    }
    Ok((phone, line))
}

/// The phone's line with that number, or its first line.
fn line(phone: &Listed, number: Option<&str>) -> Result<DeviceId, CommandError> {
    let lines = || phone.lines.iter().map(|line| DeviceId::from(line.as_str()));
    let found = match number {
        None => lines().next(),
        Some(number) => lines().find(|line| line.user() == number),
    };
    found.ok_or_else(|| {
        let known: Vec<_> = lines().map(|line| line.user().to_owned()).collect();
        CommandError::Usage(format!(
            "{} has no such line; its lines are: {}",
            phone.id,
            known.join(", ")
        ))
    })
}
