//! Loads the settings from their layers: defaults, file, `conf.d`, `settings.toml`, environment, `admin.toml`.

mod merged;
#[cfg(test)]
mod tests;
mod type_error;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
};

use merged::Merged;

use crate::{
    error::{SettingsError, remedy},
    layer::Layer,
    origin::{Origin, Origins, Source},
    settings::Settings,
};

/// The file in the data folder with what operators set through the API.
pub const OPERATOR_FILE: &str = "settings.toml";

/// The setting whose lists add up over the layers.
const CODES: &str = "licenses.codes";

/// Reads the settings, each layer overriding the one before: the defaults, `file`, `conf.d/*.toml` beside it in order of
/// name, [`OPERATOR_FILE`] in the folder `data`, the environment (`UACSTA__SECTION__KEY`), and `admin.toml` in `data`. Licence
/// codes add up instead. A password that none of them sets is taken from `secrets.toml` in `data`.
///
/// # Errors
/// All mistakes that were found: unreadable files, unknown keys, invalid values.
pub fn load(file: Option<&Path>, data: Option<&Path>) -> Result<Settings, SettingsError> {
    load_with(file, data, None, std::env::vars_os())
}

/// As [`load`], with the TOML `operator` in the place of the operators' file.
///
/// # Errors
/// As [`load`].
pub fn load_changed(
    file: Option<&Path>,
    data: &Path,
    operator: &str,
) -> Result<Settings, SettingsError> {
    load_with(file, Some(data), Some(operator), std::env::vars_os())
}

impl Settings {
    /// The defaults.
    pub fn builtin() -> Self {
        Merged::of([Layer::defaults()])
            .and_then(|merged| merged.settings())
            .expect("default.toml is part of the program and tested")
    }
}

fn load_with(
    file: Option<&Path>,
    data: Option<&Path>,
    operator: Option<&str>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Settings, SettingsError> {
    let defaults = Layer::defaults();
    let mut mistakes = Vec::new();
    let mut files = Vec::new();
    if let Some(file) = file {
        files.push(file.to_owned());
        files.extend(parts(&file.with_file_name("conf.d"))?);
    }
    let (admin, secrets) = (existing(data, "admin.toml"), existing(data, "secrets.toml"));
    let mut read = |file: PathBuf, source| Layer::file(&file, source, &defaults, &mut mistakes);
    let mut files: Vec<_> = files
        .into_iter()
        .map(|file| read(file, Source::File))
        .collect();
    let admin = admin.map(|file| read(file, Source::File).map(Layer::locked));
    let operator_file = existing(data, OPERATOR_FILE);
    files.extend(match operator {
        None => operator_file.map(|file| read(file, Source::Operator)),
        Some(text) => Some(Layer::text(
            OPERATOR_FILE,
            text,
            Source::Operator,
            &defaults,
            &mut mistakes,
        )),
    });
    let environment = Layer::environment(environment, &defaults, &mut mistakes);
    let read = files.into_iter().chain([Ok(environment)]).chain(admin);
    let mut layers = vec![defaults.clone()];
    let mut unread = Vec::new();
    for layer in read {
        match layer {
            Ok(layer) => layers.push(layer),
            Err(error) => unread.push(error),
        }
    }
    if !unread.is_empty() {
        // Rules between settings may fail for what is missing.
        mistakes.extend(unread);
        SettingsError::of_all(mistakes.clone())?;
    }
    if let Some(secrets) = secrets {
        let merged = Merged::of(layers.clone())?;
        let is_given = |key: &str| !merged.is_empty(key);
        let secrets = Layer::secrets(&secrets, &defaults, is_given, &mut mistakes)?;
        layers.push(secrets);
    }
    let (merged, mut settings) = parse(&mut layers, &mut mistakes)?;
    let set = layers.iter().skip(1).flat_map(Layer::origins);
    let codes = (0..settings.licenses.codes.len()).map(|index| format!("{CODES}[{index}]"));
    let codes = codes.filter_map(|key| {
        let origin = Origin {
            source: Source::File,
            place: merged.origin(&key)?,
            locked: false,
        };
        Some((key, origin))
    });
    settings.file = file.map(Path::to_owned);
    settings.origins = Origins(Arc::new(set.chain(codes).collect()));
    let wrong = settings.mistakes().into_iter();
    mistakes.extend(wrong.map(|mistake| merged.with_place(mistake)));
    SettingsError::of_all(mistakes)?;
    Ok(settings)
}

/// Merges and parses the layers. A value that cannot be parsed is added to `mistakes` and left out, so that others are found.
fn parse(
    layers: &mut [Layer],
    mistakes: &mut Vec<SettingsError>,
) -> Result<(Merged, Settings), SettingsError> {
    loop {
        // A code in any layer counts, whatever operators added at run time.
        let codes = Layer::joined(layers, CODES);
        let merged = Merged::of(layers.iter().cloned().chain([codes]))?;
        let error = match merged.settings() {
            Ok(settings) => return Ok((merged, settings)),
            Err(error) => error,
        };
        let mut is_left_out = false;
        for layer in layers.iter_mut().skip(1) {
            is_left_out |= error.key().is_some_and(|key| layer.remove(key));
        }
        mistakes.push(error.clone());
        if !is_left_out {
            SettingsError::of_all(std::mem::take(mistakes))?;
            return Err(error);
        }
    }
}

fn existing(data: Option<&Path>, name: &str) -> Option<PathBuf> {
    data.map(|data| data.join(name))
        .filter(|path| path.exists())
}

/// The TOML files of a folder, sorted by name; none if the folder does not exist.
fn parts(folder: &Path) -> Result<Vec<PathBuf>, SettingsError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut parts = std::fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<Vec<_>, _>>()
        })
        .map_err(|error| {
            let what = format!("cannot be read: {error}{}", remedy(&error));
            SettingsError::of_place(folder.display().to_string(), what)
        })?;
    parts.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "toml")
    });
    parts.sort();
    Ok(parts)
}
