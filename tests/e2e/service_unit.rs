//! The unit for systemd, as `systemd-analyze` judges it.

use std::{fs, path::Path, process::Command};

use crate::support::{process::finish, programs};

#[test]
fn unit_is_valid_for_systemd_252_and_its_exposure_is_at_most_2() {
    let Some(program) = programs::find("systemd-analyze", "systemd") else {
        return;
    };
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/uacsta.service");
    let text = fs::read_to_string(&unit).unwrap();
    // systemd 252 ignores other types with a warning, and then takes the server for started at once.
    assert!(text.contains("\nType=notify\nExecStart="), "{text}");
    assert!(text.contains("\nExecReload="), "{text}");
    // Whether the program is installed on this machine does not matter.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("uacsta.service");
    let built = env!("CARGO_BIN_EXE_uacsta");
    fs::write(&copy, text.replace("/usr/local/bin/uacsta", built)).unwrap();

    let mut command = Command::new(&program);
    let verified = finish(command.arg("verify").arg(&copy));
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    let faults = said.lines().filter(|line| line.contains("uacsta.service"));
    let faults: Vec<&str> = faults.collect();
    assert!(faults.is_empty(), "{faults:?}");

    let mut command = Command::new(&program);
    command.args(["security", "--offline=true", "--threshold=20"]);
    let judged = finish(command.arg(&copy));
    let said = String::from_utf8_lossy(&judged.stdout);
    assert!(judged.status.success(), "{said}");
}
