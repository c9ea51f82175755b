//! Results of a phone as a table, as Markdown and as JSON, with the contradictions to its profile.

use std::{fmt::Write, fs, path::Path};

use serde_json::{Value, json};
use uacsta_connect::{CommandError, ProbeOutcome, ProbeResult};
use uacsta_schema::{escape_controls, phone_id::PhoneId};

use super::{certification::Listed, device_under_test::DeviceUnderTest};

/// The results of one phone.
pub struct Report {
    phone: Listed,
    line: String,
    time: String,
    rows: Vec<Row>,
}

/// What the words and signs of the table mean.
pub(super) const LEGEND: &str = "\
PROFILE  the first firmware that has the service, yes or no; unlisted: the maker's profile does not name it;
         emulated: the server does it in the phone's place
PHONE    done              carried it out
         known, refused    has the service, and refused this request for the reason in WHY
         lacking           answered that it does not have the service
         silent            did not answer in time
         answers nonsense  answered, but not as ECMA-323 says
         not tried         needs what WHY names
         !                 contradicts the profile
";

/// Checks that files can be written into a folder.
///
/// # Errors
/// It is missing, or cannot be written.
pub(super) fn check_folder(folder: &Path) -> Result<(), CommandError> {
    let name = format!(".certify-{}", std::process::id());
    let file = folder.join(name);
    let tried = fs::File::create_new(&file).and_then(|_| fs::remove_file(&file));
    tried.map_err(|error| {
        let folder = folder.display();
        CommandError::Usage(format!(
            "cannot write into the folder {folder} (--save): {error}"
        ))
    })
}

/// One service.
#[derive(Clone, Debug)]
pub struct Row {
    /// Root element of its request.
    pub service: String,
    /// The profile's entry.
    pub profile: String,
    /// What the phone did; `None` if the service was not tried.
    pub outcome: Option<ProbeOutcome>,
    /// Why it failed, or was not tried.
    pub why: String,
    /// How the result contradicts the profile, if it does.
    pub contradiction: Option<&'static str>,
    /// Whether the phone has the service, if the outcome shows that.
    pub has: Option<bool>,
}

impl Report {
    pub(super) fn new(phone: Listed, dut: DeviceUnderTest<'_>) -> Self {
        let (line, results, skipped) = dut.into_results();
        let tried = results.into_iter().map(Row::of);
        let skipped = skipped.into_iter().map(|(service, why)| Row {
            service: service.name().to_owned(),
            profile: String::new(),
            outcome: None,
            why: why.to_owned(),
            contradiction: None,
            has: None,
        });
        let mut rows: Vec<Row> = tried.chain(skipped).collect();
        rows.sort_by(|one, other| one.service.cmp(&other.service));
        Self {
            phone,
            line: line.as_str().to_owned(),
            time: jiff::Zoned::now().strftime("%Y-%m-%d %H:%M").to_string(),
            rows,
        }
    }

    /// The phone's name in the list.
    pub fn phone(&self) -> &str {
        &self.phone.id
    }

    /// The line that was tried.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// The services, by name.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Aligned columns.
    pub(super) fn table(&self) -> String {
        let mut rows = vec![["SERVICE", "PROFILE", "PHONE", "WHY"].map(str::to_owned)];
        rows.extend(self.rows.iter().map(Row::cells));
        let widths: [usize; 3] = std::array::from_fn(|column| {
            let lengths = rows.iter().map(|row| row[column].chars().count());
            lengths.max().unwrap_or(0)
        });
        let mut text = format!("{}\n\n", self.title());
        for [service, profile, phone, why] in rows {
            let [one, two, three] = widths;
            let row = format!("{service:one$}  {profile:two$}  {phone:three$}  {why}");
            text.push_str(row.trim_end());
            text.push('\n');
        }
        text.push('\n');
        text.push_str(LEGEND);
        text.push('\n');
        text.push_str(&self.contradictions());
        text
    }

    fn markdown(&self) -> String {
        let mut text = format!(
            "# {}\n\n| service | profile | phone | why |\n|---|---|---|---|\n",
            self.title()
        );
        for row in &self.rows {
            let cells = row.cells().map(|cell| cell.replace('|', "\\|"));
            // Writing to a string does not fail.
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        let _ = write!(
            text,
            "\n{}\nAs the profile of such phones, from this firmware on:\n\n```toml\n[services]\n",
            self.contradictions()
        );
        let firmware = self.phone.firmware.as_deref();
        for row in &self.rows {
            let _ = match (row.has, firmware) {
                (Some(true), Some(firmware)) => writeln!(text, "{} = {firmware:?}", row.service),
                (Some(has), _) => writeln!(text, "{} = {has}", row.service),
                (None, _) => Ok(()),
            };
        }
        text.push_str("```\n");
        text
    }

    /// As JSON.
    pub(super) fn json(&self) -> Value {
        let services: Vec<Value> = self.rows.iter().map(Row::json).collect();
        let Listed {
            id: mac,
            maker,
            model,
            firmware,
            ..
        } = &self.phone;
        json!({
            "mac": mac, "maker": maker, "model": model, "firmware": firmware, "line": self.line, "time": self.time,
            "contradictions": self.count(), "services": services,
        })
    }

    /// Writes both files into a folder; their names.
    pub(super) fn save(&self, folder: &Path, mac: PhoneId) -> Result<String, CommandError> {
        let name = format!("certify-{}", mac.bare());
        let (markdown, json) = (
            folder.join(format!("{name}.md")),
            folder.join(format!("{name}.json")),
        );
        for (file, text) in [
            (&markdown, self.markdown()),
            (&json, format!("{:#}\n", self.json())),
        ] {
            fs::write(file, text).map_err(|error| {
                CommandError::Failed(format!("{} cannot be written: {error}", file.display()))
            })?;
        }
        Ok(format!("{} and {}", markdown.display(), json.display()))
    }

    /// # Errors
    /// The phone contradicts its profile.
    pub(super) fn verdict(&self) -> Result<(), CommandError> {
        match self.count() {
            0 => Ok(()),
            1 => Err(CommandError::Failed(format!(
                "{} contradicts its profile in one service",
                self.phone.id
            ))),
            count => Err(CommandError::Failed(format!(
                "{} contradicts its profile in {count} services",
                self.phone.id
            ))),
        }
    }

    fn count(&self) -> usize {
        let rows = self.rows.iter();
        rows.filter(|row| row.contradiction.is_some()).count()
    }

    fn title(&self) -> String {
        let phone = &self.phone;
        let words = [
            Some(&phone.maker),
            phone.model.as_ref(),
            phone.firmware.as_ref(),
        ];
        let words: Vec<&str> = words.into_iter().flatten().map(String::as_str).collect();
        // The phone chooses these texts.
        let words = words.join(" ");
        let name = escape_controls(&words, &[]);
        format!("{name}, {}, line {}, {}", phone.id, self.line, self.time)
    }

    fn contradictions(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            if let Some(contradiction) = row.contradiction {
                // Writing to a string does not fail.
                let _ = writeln!(text, "- {}: {contradiction}", row.service);
            }
        }
        match text.is_empty() {
            true => "The phone does what its profile says.\n".to_owned(),
            false => format!("The phone contradicts its profile:\n{text}"),
        }
    }
}

impl Row {
    fn of(result: ProbeResult) -> Self {
        let has = match result.outcome {
            ProbeOutcome::Done | ProbeOutcome::Refused => Some(true),
            ProbeOutcome::Lacking => Some(false),
            ProbeOutcome::Useless | ProbeOutcome::Silent | ProbeOutcome::NotAsked => None,
        };
        let listed = result.listed.is_some();
        let contradiction = match (listed, result.expected, result.outcome) {
            (true, true, ProbeOutcome::Lacking) => Some("the profile has it, the phone does not"),
            (true, true, ProbeOutcome::Silent | ProbeOutcome::Useless) => {
                Some("the profile has it, the phone does not answer to it")
            }
            (true, false, ProbeOutcome::Done) => Some("the profile lacks it, the phone does it"),
            (true, false, ProbeOutcome::Refused) => {
                Some("the profile lacks it, the phone knows it")
            }
            _ => None,
        };
        let mut profile = result.listed.unwrap_or_else(|| "unlisted".to_owned());
        if result.emulated && !result.expected {
            profile.push_str(", emulated");
        }
        Self {
            service: result.service,
            profile,
            outcome: Some(result.outcome),
            why: result.reason.unwrap_or_default(),
            contradiction,
            has,
        }
    }

    /// What the phone did, in words.
    fn words(&self) -> &'static str {
        match self.outcome {
            Some(ProbeOutcome::Done) => "done",
            Some(ProbeOutcome::Refused) => "known, refused",
            Some(ProbeOutcome::Lacking) => "lacking",
            Some(ProbeOutcome::Useless) => "answers nonsense",
            Some(ProbeOutcome::Silent) => "silent",
            Some(ProbeOutcome::NotAsked) => "not asked",
            None => "not tried",
        }
    }

    fn cells(&self) -> [String; 4] {
        let mark = if self.contradiction.is_some() {
            " !"
        } else {
            ""
        };
        [
            self.service.clone(),
            self.profile.clone(),
            format!("{}{mark}", self.words()),
            escape_controls(&self.why, &[]).into_owned(),
        ]
    }

    fn json(&self) -> Value {
        json!({
            "service": self.service, "profile": self.profile, "phone": self.words(), "why": self.why,
            "has": self.has, "contradiction": self.contradiction,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictions_are_reported() {
        fn check(listed: Option<&str>, expected: bool, outcome: ProbeOutcome, contradicts: bool) {
            let result = ProbeResult {
                service: "HoldCall".to_owned(),
                expected,
                listed: listed.map(str::to_owned),
                emulated: false,
                outcome,
                reason: None,
                document: None,
            };
            let row = Row::of(result);
            let told = row.contradiction.is_some();
            assert_eq!(told, contradicts, "{listed:?} {expected} {outcome:?}");
        }
        check(Some("8.7.3"), true, ProbeOutcome::Done, false);
        check(Some("8.7.3"), true, ProbeOutcome::Refused, false);
        check(Some("8.7.3"), true, ProbeOutcome::Lacking, true);
        check(Some("8.7.3"), true, ProbeOutcome::Silent, true);
        check(Some("8.7.3"), false, ProbeOutcome::Lacking, false);
        check(Some("8.7.3"), false, ProbeOutcome::Done, true);
        check(Some("no"), false, ProbeOutcome::Refused, true);
        check(Some("no"), false, ProbeOutcome::Silent, false);
        check(None, true, ProbeOutcome::Lacking, false);
    }
}
