//! The few calls of the C library that std does not offer, each with a safe face.

use std::ffi::CString;
use std::io;
use std::os::raw::{c_char, c_int, c_short, c_uint, c_ulong, c_void};
use std::os::unix::io::RawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

pub const SIGHUP: i32 = 1;
pub const SIGINT: i32 = 2;
pub const SIGKILL: i32 = 9;
pub const SIGUSR1: i32 = 10;
pub const SIGUSR2: i32 = 12;
pub const SIGPIPE: i32 = 13;
pub const SIGTERM: i32 = 15;
pub const SIGCHLD: i32 = 17;
pub const SIGPWR: i32 = 30;

/// Flags of mount(2).
pub type MountFlags = c_ulong;

pub const MS_RDONLY: MountFlags = 1;
pub const MS_NOSUID: MountFlags = 2;
pub const MS_NODEV: MountFlags = 4;
pub const MS_NOEXEC: MountFlags = 8;
pub const MS_REMOUNT: MountFlags = 32;

pub const POWER_OFF: u32 = 0x4321_fedc;
pub const RESTART: u32 = 0x0123_4567;
pub const HALT: u32 = 0xcdef_0123;
/// Ctrl-alt-del sends SIGINT to process 1 instead of restarting at once.
pub const CAD_OFF: u32 = 0;

const SIG_IGN: usize = 1;
const WNOHANG: c_int = 1;
pub const O_NONBLOCK: c_int = 0o4000;
const O_CLOEXEC: c_int = 0o2_000_000;
const F_SETFL: c_int = 4;
const F_GETFL: c_int = 3;
const POLLIN: c_short = 1;
const AF_INET: c_int = 2;
const SOCK_DGRAM: c_int = 2;
const SIOCGIFFLAGS: c_ulong = 0x8913;
const SIOCSIFFLAGS: c_ulong = 0x8914;
const IFF_UP: c_short = 1;

#[repr(C)]
struct PollFd {
    fd: c_int,
    events: c_short,
    revents: c_short,
}

/// struct ifreq of the kernel: name and the largest member of its union.
#[repr(C)]
struct InterfaceRequest {
    name: [u8; 16],
    flags: c_short,
    rest: [u8; 22],
}

extern "C" {
    fn mount(source: *const c_char, target: *const c_char, kind: *const c_char, flags: c_ulong, data: *const c_void) -> c_int;
    fn umount2(target: *const c_char, flags: c_int) -> c_int;
    #[link_name = "reboot"]
    fn libc_reboot(command: c_int) -> c_int;
    fn waitpid(pid: c_int, status: *mut c_int, options: c_int) -> c_int;
    #[link_name = "kill"]
    fn libc_kill(pid: c_int, signal: c_int) -> c_int;
    fn sethostname(name: *const c_char, length: usize) -> c_int;
    fn signal(number: c_int, handler: usize) -> usize;
    fn setsid() -> c_int;
    #[link_name = "sync"]
    fn libc_sync();
    #[link_name = "umask"]
    fn libc_umask(mask: c_uint) -> c_uint;
    fn poll(fds: *mut PollFd, count: c_ulong, milliseconds: c_int) -> c_int;
    fn pipe2(fds: *mut c_int, flags: c_int) -> c_int;
    fn dup2(from: c_int, to: c_int) -> c_int;
    fn close(fd: c_int) -> c_int;
    fn fcntl(fd: c_int, command: c_int, ...) -> c_int;
    fn read(fd: c_int, buffer: *mut c_void, count: usize) -> isize;
    fn write(fd: c_int, buffer: *const c_void, count: usize) -> isize;
    fn socket(domain: c_int, kind: c_int, protocol: c_int) -> c_int;
    fn ioctl(fd: c_int, request: c_ulong, ...) -> c_int;
}

fn checked(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn text(value: &str) -> io::Result<CString> {
    CString::new(value).map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a NUL byte"))
}

pub fn mount_on(source: &str, target: &str, kind: &str, flags: MountFlags, data: &str) -> io::Result<()> {
    let (source, target, kind, data) = (text(source)?, text(target)?, text(kind)?, text(data)?);
    // SAFETY: all pointers are to strings that end with NUL and live until the call returns.
    checked(unsafe { mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, data.as_ptr().cast()) }).map(drop)
}

pub fn unmount(target: &str) -> io::Result<()> {
    let target = text(target)?;
    // SAFETY: as above.
    checked(unsafe { umount2(target.as_ptr(), 0) }).map(drop)
}

/// Powers off, restarts or halts at once (one of the constants above); returns only when the kernel refuses.
pub fn reboot(command: u32) -> io::Result<()> {
    // SAFETY: no memory is involved. Commands are 32-bit patterns.
    checked(unsafe { libc_reboot(command as c_int) }).map(drop)
}

pub fn sync() {
    // SAFETY: takes and returns nothing.
    unsafe { libc_sync() }
}

pub fn umask(mask: u32) {
    // SAFETY: cannot fail.
    unsafe { libc_umask(mask) };
}

pub fn set_host_name(name: &str) -> io::Result<()> {
    // SAFETY: the length is that of the bytes pointed to.
    checked(unsafe { sethostname(name.as_ptr().cast(), name.len()) }).map(drop)
}

pub fn kill(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: no memory is involved.
    checked(unsafe { libc_kill(pid, signal) }).map(drop)
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum End {
    Exit(i32),
    Signal(i32),
}

impl End {
    fn from_status(status: c_int) -> End {
        if status & 0x7f == 0 { End::Exit((status >> 8) & 0xff) } else { End::Signal(status & 0x7f) }
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            End::Exit(code) => write!(f, "exit code {}", code),
            End::Signal(number) => write!(f, "signal {}", number),
        }
    }
}

/// Some child that has ended, whoever started it; `None` when none has (or none is left).
pub fn reap() -> Option<(i32, End)> {
    let mut status = 0;
    // SAFETY: `status` lives until the call returns.
    let pid = unsafe { waitpid(-1, &mut status, WNOHANG) };
    if pid > 0 { Some((pid, End::from_status(status))) } else { None }
}

/// Whether this process has any child at all.
pub fn has_children() -> bool {
    let mut status = 0;
    // SAFETY: as above. 0: there are some, none has ended; -1 (ECHILD): there are none. One that had ended is reaped here.
    unsafe { waitpid(-1, &mut status, WNOHANG) >= 0 }
}

/// Waits for one child.
pub fn wait_for(pid: i32) -> io::Result<End> {
    let mut status = 0;
    loop {
        // SAFETY: as above.
        match checked(unsafe { waitpid(pid, &mut status, 0) }) {
            Ok(_) => return Ok(End::from_status(status)),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// The child will lead a session (hence a process group) of its own, so that signals reach all that it starts
/// and a getty can take a terminal.
pub fn own_session(command: &mut Command) {
    // SAFETY: setsid is async-signal-safe; std resets the signal mask and SIGPIPE, exec the handlers.
    unsafe {
        command.pre_exec(|| checked(setsid()).map(drop));
    }
}

static SIGNAL_PIPE: AtomicI32 = AtomicI32::new(-1);

extern "C" fn on_signal(number: c_int) {
    let byte = number as u8;
    // SAFETY: write is async-signal-safe; a full pipe loses the byte, but then others wake the reader already.
    unsafe { write(SIGNAL_PIPE.load(Ordering::Relaxed), (&byte as *const u8).cast(), 1) };
}

/// From now on these signals arrive as bytes at the returned descriptor.
pub fn catch_signals(numbers: &[i32]) -> io::Result<RawFd> {
    let mut ends = [0; 2];
    // SAFETY: two descriptors are written into an array of two.
    checked(unsafe { pipe2(ends.as_mut_ptr(), O_CLOEXEC | O_NONBLOCK) })?;
    SIGNAL_PIPE.store(ends[1], Ordering::Relaxed);
    for number in numbers {
        // SAFETY: the handler only calls write.
        unsafe { signal(*number, on_signal as extern "C" fn(c_int) as usize) };
    }
    for ignored in [SIGHUP, SIGPIPE] {
        // SAFETY: no handler is run.
        unsafe { signal(ignored, SIG_IGN) };
    }
    Ok(ends[0])
}

/// What can be read now from a descriptor that does not block. Empty: its end; the error WouldBlock: nothing yet.
pub fn read_now(fd: RawFd) -> io::Result<Vec<u8>> {
    let mut buffer = [0u8; 4096];
    // SAFETY: at most the buffer's length is written into it.
    let count = unsafe { read(fd, buffer.as_mut_ptr().cast(), buffer.len()) };
    if count < 0 { Err(io::Error::last_os_error()) } else { Ok(buffer[..count as usize].to_vec()) }
}

pub fn never_block(fd: RawFd) -> io::Result<()> {
    // SAFETY: no memory is involved.
    let flags = checked(unsafe { fcntl(fd, F_GETFL) })?;
    checked(unsafe { fcntl(fd, F_SETFL, flags | O_NONBLOCK) }).map(drop)
}

/// Waits until one of the descriptors can be read (or its other end is closed) or the time is over; those that can.
pub fn readable(fds: &[RawFd], timeout: Option<Duration>) -> Vec<RawFd> {
    let mut polled: Vec<PollFd> = fds.iter().map(|fd| PollFd { fd: *fd, events: POLLIN, revents: 0 }).collect();
    // One more millisecond, so that a deadline is over when its time-out is.
    let milliseconds = timeout.map_or(-1, |time| time.as_millis().min(3_600_000) as c_int + 1);
    // SAFETY: the count is the vector's length. An interrupted call leaves all `revents` at zero.
    unsafe { poll(polled.as_mut_ptr(), polled.len() as c_ulong, milliseconds) };
    polled.iter().filter(|one| one.revents != 0).map(|one| one.fd).collect()
}

/// Makes an open file this process's standard input, output and error.
pub fn as_standard_streams(fd: RawFd) {
    for stream in 0..3 {
        // SAFETY: no memory is involved; dup2 replaces the old descriptor.
        unsafe { dup2(fd, stream) };
    }
}

/// Brings a network interface up.
pub fn interface_up(name: &str) -> io::Result<()> {
    let mut request = InterfaceRequest { name: [0; 16], flags: 0, rest: [0; 22] };
    request.name[..name.len().min(15)].copy_from_slice(&name.as_bytes()[..name.len().min(15)]);
    // SAFETY: the request is as large as the kernel's struct ifreq and lives until the calls return.
    unsafe {
        let fd = checked(socket(AF_INET, SOCK_DGRAM | O_CLOEXEC, 0))?;
        let result = checked(ioctl(fd, SIOCGIFFLAGS, &mut request)).and_then(|_| {
            request.flags |= IFF_UP;
            checked(ioctl(fd, SIOCSIFFLAGS, &mut request))
        });
        close(fd);
        result.map(drop)
    }
}

const SIGNALS: [(&str, i32); 14] = [("HUP", SIGHUP), ("INT", SIGINT), ("QUIT", 3), ("ABRT", 6), ("KILL", SIGKILL), ("USR1", SIGUSR1),
    ("USR2", SIGUSR2), ("PIPE", SIGPIPE), ("ALRM", 14), ("TERM", SIGTERM), ("CONT", 18), ("STOP", 19), ("PWR", SIGPWR), ("WINCH", 28)];

/// The number of SIGTERM, sigterm or TERM.
pub fn signal_number(name: &str) -> Option<i32> {
    let upper = name.to_uppercase();
    let short = upper.strip_prefix("SIG").unwrap_or(&upper);
    SIGNALS.iter().find(|(known, _)| *known == short).map(|(_, number)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_signals_by_all_their_names() {
        assert_eq!(signal_number("sigterm"), Some(15));
        assert_eq!(signal_number("SIGUSR2"), Some(12));
        assert_eq!(signal_number("hup"), Some(1));
        assert_eq!(signal_number("SIGNONE"), None);
    }

    #[test]
    fn reads_wait_statuses() {
        assert_eq!(End::from_status(0x0300), End::Exit(3));
        assert_eq!(End::from_status(0x0009), End::Signal(9));
        assert_eq!(End::from_status(0x008b), End::Signal(11));
    }
}
