//! From the kernel's hand-over to the first service.

use crate::button::Buttons;
use crate::cmdline;
use crate::conf::{self, Main, Service, Stage};
use crate::control;
use crate::event::Events;
use crate::log::{self, Level};
use crate::shutdown;
use crate::supervisor::Supervisor;
use crate::sys::{self, End};
use std::fs;
use std::os::unix::io::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const CONF: &str = "/etc/my_init/my_init.conf";
const SERVICES: &str = "/etc/my_init/services";

/// The life of process 1; it must never return.
pub fn run() -> ! {
    let began = Instant::now();
    sys::umask(0o022);
    std::env::set_var("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let unmounted = mount_all();
    use_console();
    log::info(format!("started (pid {})", std::process::id()));
    for what in unmounted {
        log::error(what);
    }
    only_warnings_of_the_kernel();
    let options = cmdline::parse(&fs::read_to_string("/proc/cmdline").unwrap_or_default());
    let main = read_main();
    options.log_level.as_deref().and_then(Level::parse).unwrap_or(main.level).apply();
    let signals = sys::catch_signals(&[sys::SIGCHLD, sys::SIGINT, sys::SIGTERM, sys::SIGUSR1, sys::SIGUSR2, sys::SIGPWR]);
    if let Err(e) = sys::reboot(sys::CAD_OFF) {
        log::debug(format!("ctrl-alt-del stays the kernel's: {}", e));
    }
    set_host_name();
    let mut supervisor = Supervisor::new(Vec::new());
    for stage in main.stages {
        log::debug(format!("stage {:?}", stage));
        match stage {
            Stage::LoadModules => load_modules(),
            Stage::Networking => networking(),
            Stage::Services => supervisor = Supervisor::new(read_services()),
        }
    }
    let listener = control::listen().map_err(|e| log::error(format!("no control socket: {}", e))).ok();
    let signals = signals.unwrap_or_else(|e| {
        log::error(format!("signals cannot be caught: {}", e));
        -1
    });
    let down = Events { signals, listener, buttons: Buttons::open(), options, began }.run(&mut supervisor);
    shutdown::finish(down)
}

/// Type (and source), target, flags, options.
const MOUNTS: [(&str, &str, sys::MountFlags, &str); 8] = [
    ("proc", "/proc", sys::MS_NOSUID | sys::MS_NODEV | sys::MS_NOEXEC, ""),
    ("sysfs", "/sys", sys::MS_NOSUID | sys::MS_NODEV | sys::MS_NOEXEC, ""),
    ("devtmpfs", "/dev", sys::MS_NOSUID, "mode=0755"),
    ("devpts", "/dev/pts", sys::MS_NOSUID | sys::MS_NOEXEC, "gid=5,mode=0620,ptmxmode=0666"),
    ("tmpfs", "/dev/shm", sys::MS_NOSUID | sys::MS_NODEV, "mode=1777"),
    ("tmpfs", "/run", sys::MS_NOSUID | sys::MS_NODEV, "mode=0755"),
    ("tmpfs", "/tmp", sys::MS_NOSUID | sys::MS_NODEV, "mode=1777"),
    ("cgroup2", "/sys/fs/cgroup", sys::MS_NOSUID | sys::MS_NODEV | sys::MS_NOEXEC, ""),
];

/// Mounts what is not mounted yet (EBUSY); what went wrong otherwise.
fn mount_all() -> Vec<String> {
    const EBUSY: i32 = 16;
    let mut wrong = Vec::new();
    for (kind, target, flags, data) in MOUNTS {
        // In /sys no folder can or need be made.
        let _ = fs::create_dir_all(target);
        match sys::mount_on(kind, target, kind, flags, data) {
            Err(e) if e.raw_os_error() != Some(EBUSY) => wrong.push(format!("cannot mount {} on {}: {}", kind, target, e)),
            _ => {}
        }
    }
    wrong
}

/// The kernel opens /dev/console for process 1 only when the initramfs holds that node; now devtmpfs has it.
fn use_console() {
    if let Ok(console) = fs::OpenOptions::new().read(true).write(true).open("/dev/console") {
        sys::as_standard_streams(console.as_raw_fd());
    }
}

/// The kernel's own messages share the console and would cut lines of services in two: from now on only its warnings and errors are
/// shown there (dmesg has all). A kernel that was told `debug` or `quiet` keeps what it was told.
fn only_warnings_of_the_kernel() {
    const PRINTK: &str = "/proc/sys/kernel/printk";
    const DEFAULT_LEVEL: &str = "7";
    const WARNINGS: &str = "5";
    let level = fs::read_to_string(PRINTK).unwrap_or_default();
    if level.split_whitespace().next() == Some(DEFAULT_LEVEL) && fs::write(PRINTK, WARNINGS).is_err() {
        log::debug("the kernel's messages stay on the console");
    }
}

fn read_main() -> Main {
    let text = match fs::read_to_string(CONF) {
        Ok(text) => text,
        Err(e) => {
            log::error(format!("{}: {}", CONF, e));
            return Main::default();
        }
    };
    conf::main(&text).unwrap_or_else(|e| {
        log::error(format!("{}: {}", CONF, e));
        Main::default()
    })
}

fn set_host_name() {
    let name = fs::read_to_string("/etc/hostname").unwrap_or_default();
    let name = name.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or("localhost");
    match sys::set_host_name(name) {
        Ok(()) => log::debug(format!("host name {}", name)),
        Err(e) => log::error(format!("cannot set the host name {}: {}", name, e)),
    }
}

/// All modules of /etc/modules-load.d/*.conf through one modprobe (busybox' or kmod's: both know -a). Alpine's /etc/modules is for
/// the services of OpenRC and names modules of Alpine's own kernels.
fn load_modules() {
    let files = files_in("/etc/modules-load.d", "conf");
    let mut names: Vec<String> = Vec::new();
    for text in files.iter().filter_map(|file| fs::read_to_string(file).ok()) {
        for word in text.lines().map(|line| line.split(['#', ';']).next().unwrap_or("").trim()).filter(|line| !line.is_empty()) {
            if !names.iter().any(|name| name == word) {
                names.push(word.to_string());
            }
        }
    }
    if names.is_empty() {
        return;
    }
    // Its end is waited for here, before anything else runs: no other child can be meant.
    let ended = Command::new("modprobe").arg("-a").args(&names).stdin(Stdio::null()).spawn().and_then(|child| sys::wait_for(child.id() as i32));
    match ended {
        Ok(End::Exit(0)) => log::info(format!("modules loaded: {}", names.join(" "))),
        Ok(end) => log::error(format!("modprobe -a {} ended with {}", names.join(" "), end)),
        Err(e) => log::error(format!("cannot run modprobe: {}", e)),
    }
}

fn networking() {
    match sys::interface_up("lo") {
        Ok(()) => log::info("network lo is up"),
        Err(e) => log::error(format!("cannot bring up lo: {}", e)),
    }
}

fn read_services() -> Vec<Service> {
    let mut services = Vec::new();
    for file in files_in(SERVICES, "yaml") {
        let name = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let read = fs::read_to_string(&file).map_err(|e| e.to_string()).and_then(|text| conf::service(&name, &text).map_err(|e| e.to_string()));
        match read {
            Ok(service) => services.push(service),
            Err(what) => log::error(format!("{}: {}: service left out", file.display(), what)),
        }
    }
    services
}

/// Files with this extension, sorted by name; a missing folder is an empty one.
fn files_in(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect()).unwrap_or_default();
    files.retain(|file: &PathBuf| Path::new(file).extension().map_or(false, |one| one == extension) && file.is_file());
    files.sort();
    files
}
