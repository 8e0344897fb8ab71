//! The loop of process 1: signals, ends of processes, output of services, requests, time.

use crate::button::Buttons;
use crate::cmdline::Options;
use crate::control::{self, Down};
use crate::log;
use crate::supervisor::Supervisor;
use crate::sys;
use std::os::unix::io::{AsRawFd, RawFd};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub struct Events {
    pub signals: RawFd,
    pub listener: Option<UnixListener>,
    pub buttons: Buttons,
    pub options: Options,
    pub began: Instant,
}

/// What is still to do once all services have reached their state.
#[derive(PartialEq)]
enum Then {
    Wait,
    /// The command of `my_init.run` runs as this process.
    Command(i32),
    Nothing,
}

impl Events {
    /// Runs until all services have been stopped; how the system is to go down.
    pub fn run(&mut self, supervisor: &mut Supervisor) -> Down {
        let mut then = Then::Wait;
        let mut going = None;
        loop {
            supervisor.step(Instant::now());
            if going.is_none() && then == Then::Wait {
                if let Some(missing) = supervisor.settled() {
                    self.announce(&missing);
                    then = self.start_command();
                    going = self.finished(&then);
                }
            }
            if let (Some(down), Then::Command(pid)) = (going, &then) {
                end_command(*pid, down);
                then = Then::Nothing;
            }
            if let Some(down) = going {
                supervisor.stop_all();
                supervisor.step(Instant::now());
                if supervisor.all_stopped() {
                    return down;
                }
            }
            let ready = self.wait(supervisor);
            supervisor.outputs.take(&ready);
            let mut wish = self.signalled(&ready);
            if self.buttons.pressed(&ready) {
                wish = wish.or(Some(Down::PowerOff));
            }
            while let Some((pid, end)) = sys::reap() {
                if !supervisor.ended(pid, end) && then == Then::Command(pid) {
                    log::info(format!("run ended with {}", end));
                    then = Then::Nothing;
                    wish = wish.or_else(|| self.finished(&then));
                }
            }
            if let Some(listener) = self.listener.as_ref().filter(|listener| ready.contains(&listener.as_raw_fd())) {
                wish = wish.or(control::answer(listener, supervisor));
            }
            if let (None, Some(down)) = (going, wish) {
                log::info(format!("going down: {:?}", down));
                going = Some(down);
            }
        }
    }

    fn wait(&self, supervisor: &Supervisor) -> Vec<RawFd> {
        let mut fds = supervisor.outputs.fds();
        fds.push(self.signals);
        fds.extend(self.buttons.fds());
        fds.extend(self.listener.iter().map(|listener| listener.as_raw_fd()));
        let timeout = if supervisor.more_to_start() {
            Some(Duration::ZERO)
        } else {
            supervisor.deadline().map(|time| time.saturating_duration_since(Instant::now()))
        };
        sys::readable(&fds, timeout)
    }

    fn signalled(&self, ready: &[RawFd]) -> Option<Down> {
        if !ready.contains(&self.signals) {
            return None;
        }
        let numbers = sys::read_now(self.signals).unwrap_or_default();
        numbers.iter().find_map(|number| Down::from_signal(i32::from(*number)))
    }

    fn announce(&self, missing: &[String]) {
        let since_kernel = std::fs::read_to_string("/proc/uptime").ok()
            .and_then(|text| text.split(' ').next().map(|seconds| format!(" ({} s after the kernel)", seconds))).unwrap_or_default();
        let seconds = self.began.elapsed().as_secs_f64();
        if missing.is_empty() {
            log::info(format!("ready in {:.2} s{}", seconds, since_kernel));
        } else {
            log::error(format!("not ready after {:.2} s{}: {} did not come up", seconds, since_kernel, missing.join(", ")));
        }
    }

    fn start_command(&self) -> Then {
        let text = match &self.options.run {
            Some(text) => text,
            None => return Then::Nothing,
        };
        log::info(format!("run {}", text));
        let mut command = Command::new("/bin/sh");
        command.args(["-c", text]).stdin(Stdio::null());
        sys::own_session(&mut command);
        match command.spawn() {
            Ok(child) => Then::Command(child.id() as i32),
            Err(e) => {
                log::error(format!("run: cannot start /bin/sh: {}", e));
                Then::Nothing
            }
        }
    }

    fn finished(&self, then: &Then) -> Option<Down> {
        if self.options.poweroff && *then == Then::Nothing { Some(Down::PowerOff) } else { None }
    }
}

fn end_command(pid: i32, down: Down) {
    log::debug(format!("run is ended for {:?}", down));
    let _ = sys::kill(-pid, sys::SIGKILL);
    let _ = sys::wait_for(pid);
}
