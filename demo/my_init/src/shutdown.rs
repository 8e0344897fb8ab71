//! The last things: processes that are left, file systems, the kernel.

use crate::control::Down;
use crate::log;
use crate::sys;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

const GRACE: Duration = Duration::from_secs(2);
/// File systems that live in memory: nothing is lost with them, and the system needs them until the end.
const IN_MEMORY: [&str; 9] = ["proc", "sysfs", "devtmpfs", "devpts", "tmpfs", "ramfs", "rootfs", "cgroup2", "securityfs"];

/// All services have been stopped.
pub fn finish(down: Down) -> ! {
    end_processes();
    sys::sync();
    unmount_all();
    sys::sync();
    let (command, word) = match down {
        Down::PowerOff => (sys::POWER_OFF, "power off"),
        Down::Reboot => (sys::RESTART, "reboot"),
        Down::Halt => (sys::HALT, "halt"),
    };
    log::info(format!("{} now", word));
    let refused = sys::reboot(command);
    log::error(format!("the kernel does not {}: {:?}", word, refused));
    loop {
        // Process 1 must not end.
        sleep(GRACE);
    }
}

fn end_processes() {
    for signal in [sys::SIGTERM, sys::SIGKILL] {
        // -1 is every process but this one; an error means that there is none.
        let _ = sys::kill(-1, signal);
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline {
            while sys::reap().is_some() {}
            if !sys::has_children() {
                return;
            }
            sleep(Duration::from_millis(20));
        }
    }
}

fn unmount_all() {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    for line in mounts.lines().rev() {
        let fields: Vec<&str> = line.split(' ').collect();
        if fields.len() < 3 || IN_MEMORY.contains(&fields[2]) {
            continue;
        }
        let target = unescape(fields[1]);
        if let Err(e) = sys::unmount(&target) {
            let read_only = sys::mount_on("", &target, "", sys::MS_REMOUNT | sys::MS_RDONLY, "");
            log::error(format!("{} stays mounted{}: {}", target, if read_only.is_ok() { " read-only" } else { "" }, e));
        }
    }
}

/// Undoes the octal escapes of /proc/mounts (\040 for a blank).
fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some(first) = rest.first() {
        let code = if *first == b'\\' { rest.get(1..4).and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()) } else { None };
        bytes.push(code.unwrap_or(*first));
        rest = &rest[if code.is_some() { 4 } else { 1 }..];
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn reads_escaped_mount_points() {
        assert_eq!(unescape("/mnt/a\\040b\\134c"), "/mnt/a b\\c");
        assert_eq!(unescape("/mnt\\0"), "/mnt\\0");
    }
}
