//! Tests that lack their means: with `CI=true` they fail instead of being skipped.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

#[test]
fn test_without_its_means_fails_in_ci() {
    let programs = tempfile::tempdir().unwrap();
    for name in ["unshare", "ip"] {
        let file = programs.path().join(name);
        fs::write(&file, "#!/bin/sh\nexit 1\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let none = tempfile::tempdir().unwrap();
    for (path, test, reason) in [
        (
            &programs,
            "storage::unwritable_data_folder_is_named",
            "unshare -rm is not permitted",
        ),
        (
            &programs,
            "interfaces::late_or_returning_address_is_served_within_5_s",
            "no test may have a network of its own",
        ),
        (
            &none,
            "interfaces::late_or_returning_address_is_served_within_5_s",
            "unshare is not installed",
        ),
        (
            &none,
            "storage::hanging_disk_is_waited_for_at_most_30_s",
            "strace is not installed",
        ),
    ] {
        let ran = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture"])
            .env("CI", "true")
            .env("PATH", path.path())
            .output()
            .unwrap();
        let said = [ran.stdout, ran.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert_eq!(ran.status.code(), Some(101), "{test}: {said}");
        assert!(said.contains(reason), "{reason}: {said}");
        assert!(said.contains("CI=true demands it"), "{said}");
    }
}
