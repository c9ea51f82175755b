//! The README's commands, played one after the other as printed.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use crate::support::{
    PATIENCE,
    process::{finish, on_free_ports, program, run},
};

/// The commands of the README's `sh` blocks, without comments.
fn commands(readme: &str) -> Vec<&str> {
    let blocks = readme.split("```sh\n").skip(1);
    let blocks = blocks.map(|rest| rest.split("```").next().unwrap_or_default());
    blocks
        .flat_map(str::lines)
        .map(|line| line.split(" #").next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
        .collect()
}

/// A command in a shell, in `folder`, with the built program on the PATH and every interface on a free port.
fn shell(line: &str, folder: &Path) -> Command {
    let mut path = folder.join("target/release").into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    // The environment of the program, for the shell.
    let clean = program();
    let mut command = Command::new("sh");
    for (name, value) in clean.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    on_free_ports(&mut command);
    command
        .args(["-c", &format!("exec {line}")])
        .current_dir(folder)
        .env("PATH", path)
        .stdin(Stdio::null());
    command
}

/// A command that goes on; it is killed when dropped.
struct Background(Child);

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a command that goes on, and waits until it says `ready`.
fn start(line: &str, folder: &Path, ready: &str) -> Background {
    let mut child = shell(line, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let said = child.stdout.take().unwrap();
    let child = Background(child);
    if !ready.is_empty() {
        let mut lines = BufReader::new(said).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains(ready)), "{line} has ended");
        // It must be able to go on writing.
        std::thread::spawn(move || lines.for_each(drop));
    }
    child
}

#[test]
fn readme_names_every_command() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    let commands = help.split("Commands:\n").nth(1).unwrap();
    let commands = commands.lines().take_while(|line| !line.is_empty());
    for command in commands.filter_map(|line| line.split_whitespace().next()) {
        assert!(readme.contains(&format!("uacsta {command}")), "{command}");
    }
}

#[cfg(unix)]
#[test]
fn readme_commands_work_one_after_the_other_as_printed() {
    let clone = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let release = folder.path().join("target/release");
    fs::create_dir_all(&release).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_uacsta"), release.join("uacsta")).unwrap();
    std::os::unix::fs::symlink(clone.join("config"), folder.path().join("config")).unwrap();
    let readme = fs::read_to_string(clone.join("README.md")).unwrap();
    let mut background = Vec::new();
    let mut played = 0;
    for line in commands(&readme) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            // They build the program and find it, which cargo has done for this test.
            ["cargo" | "export", ..] => continue,
            ["uacsta", "serve", ..] => {
                background.push(start(line, folder.path(), ""));
                let begun = Instant::now();
                let ready = || finish(&mut shell("uacsta phones", folder.path()));
                while !ready().status.success() {
                    assert!(begun.elapsed() < PATIENCE, "{line} does not serve");
                }
            }
            ["uacsta", "simulate", ..] => {
                background.push(start(line, folder.path(), "3 under control"));
            }
            _ => {
                let output = finish(&mut shell(line, folder.path()));
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{line}: {said}");
            }
        }
        played += 1;
    }
    assert!(played > 10, "only {played} commands in the README");
}
