//! Services: started in order, watched, started again, stopped in reverse order.

use crate::backoff::Backoff;
use crate::conf::{Output, Service};
use crate::graph;
use crate::log;
use crate::output::Outputs;
use crate::sys::{self, End};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::io::{FromRawFd, IntoRawFd};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const TEST_EVERY: Duration = Duration::from_millis(500);
const TEST_LIMIT: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, PartialEq)]
enum State {
    /// Something that it comes after is not up.
    Blocked,
    /// A oneshot that runs, or a daemon whose test has not passed yet.
    Starting,
    Running,
    /// A oneshot that has exited with 0.
    Done,
    /// A daemon that has ended and starts again at this time.
    Pausing(Instant),
    /// Asked to end; killed at this time.
    Stopping(Instant),
    Stopped,
    Failed(String),
}

struct Unit {
    service: Service,
    state: State,
    pid: Option<i32>,
    began: Instant,
    backoff: Backoff,
    restarts: u32,
    /// Whether it has been up at least once.
    reached: bool,
    /// Start again once it has stopped.
    again: bool,
    test: Option<(i32, Instant)>,
    next_test: Instant,
}

pub struct Supervisor {
    units: BTreeMap<String, Unit>,
    after: BTreeMap<String, Vec<String>>,
    pub outputs: Outputs,
    stopping: bool,
}

impl Supervisor {
    pub fn new(services: Vec<Service>) -> Supervisor {
        let now = Instant::now();
        let after = services.iter().map(|one| (one.name.clone(), one.after.clone())).collect();
        let units = services.into_iter().map(|service| (service.name.clone(), Unit::new(service, now))).collect();
        let mut supervisor = Supervisor { units, after, outputs: Outputs::default(), stopping: false };
        supervisor.check_order();
        supervisor
    }

    /// Services that can never start fail at once, with the reason.
    fn check_order(&mut self) {
        for (name, after) in &self.after {
            if let Some(missing) = after.iter().find(|one| !self.after.contains_key(*one)) {
                self.units.get_mut(name).expect("same names").fail(format!("it comes after `{}`, which does not exist", missing));
            }
        }
        let mut rest = self.after.clone();
        while let Err(circle) = graph::order(&rest) {
            for name in &circle {
                self.units.get_mut(name).expect("same names").fail(format!("it waits for itself: {} after {}", circle.join(" after "), circle[0]));
                rest.remove(name);
            }
        }
    }

    /// Does all that is due at `now`.
    pub fn step(&mut self, now: Instant) {
        if self.stopping {
            self.stop_next(now);
        } else {
            self.start_ready(now);
        }
        for unit in self.units.values_mut() {
            unit.test_if_due(now);
            unit.kill_if_due(now);
        }
    }

    fn start_ready(&mut self, now: Instant) {
        let up: BTreeSet<String> = self.units.iter().filter(|(_, unit)| unit.is_up()).map(|(name, _)| name.clone()).collect();
        for unit in self.units.values_mut() {
            let due = match unit.state {
                State::Blocked => unit.service.after.iter().all(|name| up.contains(name)),
                State::Pausing(until) => now >= until,
                _ => false,
            };
            if due {
                unit.start(now, &mut self.outputs);
            }
        }
    }

    /// A service that started at once may unblock others: there is more to do without waiting.
    pub fn more_to_start(&self) -> bool {
        !self.stopping && self.units.values().any(|unit| unit.state == State::Blocked
            && unit.service.after.iter().all(|name| self.units.get(name).map_or(false, Unit::is_up)))
    }

    fn stop_next(&mut self, now: Instant) {
        let alive: BTreeSet<String> = self.units.iter().filter(|(_, unit)| unit.pid.is_some()).map(|(name, _)| name.clone()).collect();
        for name in graph::stoppable(&self.after, &alive) {
            self.units.get_mut(&name).expect("a unit's name").stop(now);
        }
    }

    /// The next time at which `step` has something to do, apart from ends of processes.
    pub fn deadline(&self) -> Option<Instant> {
        self.units.values().filter(|unit| !self.stopping || unit.pid.is_some()).filter_map(Unit::deadline).min()
    }

    /// A process has ended; `false`: it is none of ours (an orphan that process 1 has inherited).
    pub fn ended(&mut self, pid: i32, end: End) -> bool {
        let now = Instant::now();
        for unit in self.units.values_mut() {
            if unit.pid == Some(pid) {
                unit.ended(pid, end, now);
                return true;
            }
            if unit.test.map_or(false, |(test, _)| test == pid) {
                unit.tested(end, now);
                return true;
            }
        }
        false
    }

    /// Nothing more will change by itself: names of the services that are not up (none: all are), or `None` while some are on their way.
    pub fn settled(&self) -> Option<Vec<String>> {
        let on_their_way = self.more_to_start() || self.units.values().any(|unit| !unit.reached && matches!(unit.state, State::Starting | State::Pausing(_)));
        if on_their_way {
            return None;
        }
        Some(self.units.iter().filter(|(_, unit)| !unit.reached).map(|(name, _)| name.clone()).collect())
    }

    /// From now on services are only stopped, those first that nothing else needs.
    pub fn stop_all(&mut self) {
        self.stopping = true;
        for unit in self.units.values_mut() {
            unit.end_test();
        }
    }

    pub fn all_stopped(&self) -> bool {
        self.stopping && self.units.values().all(|unit| unit.pid.is_none())
    }

    /// One line a service; of one service only, when named.
    pub fn status(&self, name: Option<&str>) -> Result<String, String> {
        match name {
            Some(name) => self.units.get(name).map(|unit| unit.to_string()).ok_or_else(|| no_service(name)),
            None => Ok(self.units.values().map(Unit::to_string).collect()),
        }
    }

    /// Does `start`, `stop` or `restart`.
    pub fn order(&mut self, verb: &str, name: &str) -> Result<String, String> {
        let unit = self.units.get_mut(name).ok_or_else(|| no_service(name))?;
        if self.stopping {
            return Err("the system is going down".to_string());
        }
        unit.again = verb != "stop";
        match (verb, unit.pid) {
            ("start", Some(_)) => return Err(format!("{} runs already", name)),
            (_, Some(_)) => unit.stop(Instant::now()),
            ("stop", None) => unit.state = State::Stopped,
            (_, None) => unit.state = State::Blocked,
        }
        Ok(unit.to_string())
    }
}

fn no_service(name: &str) -> String {
    format!("there is no service {}", name)
}

impl Unit {
    fn new(service: Service, now: Instant) -> Unit {
        Unit { service, state: State::Blocked, pid: None, began: now, backoff: Backoff::default(), restarts: 0, reached: false, again: false,
            test: None, next_test: now }
    }

    fn is_up(&self) -> bool {
        matches!(self.state, State::Running | State::Done)
    }

    fn fail(&mut self, why: String) {
        log::error(format!("service {} failed: {}", self.service.name, why));
        self.state = State::Failed(why);
    }

    fn start(&mut self, now: Instant, outputs: &mut Outputs) {
        self.began = now;
        self.next_test = now;
        match spawn(&self.service, outputs) {
            Ok(pid) => {
                log::debug(format!("service {} started (pid {})", self.service.name, pid));
                self.pid = Some(pid);
                self.state = State::Starting;
                if !self.service.oneshot && self.service.test.is_none() {
                    self.up(State::Running, "running");
                }
            }
            Err(e) => self.fail(format!("cannot run {}: {}", self.service.exec[0], e)),
        }
    }

    fn up(&mut self, state: State, word: &str) {
        self.state = state;
        self.reached = true;
        log::info(format!("service {} {}", self.service.name, word));
    }

    fn ended(&mut self, pid: i32, end: End, now: Instant) {
        self.pid = None;
        self.end_test();
        if !self.service.oneshot {
            // What it left behind would hold its ports and files.
            let _ = sys::kill(-pid, sys::SIGKILL);
        }
        if matches!(self.state, State::Stopping(_)) {
            log::info(format!("service {} stopped", self.service.name));
            self.state = if self.again { State::Blocked } else { State::Stopped };
        } else if !self.service.oneshot {
            let pause = self.backoff.after(now - self.began);
            self.restarts += 1;
            log::error(format!("service {} ended ({}), again in {} s", self.service.name, end, pause.as_secs()));
            self.state = State::Pausing(now + pause);
        } else if end == End::Exit(0) {
            self.up(State::Done, "done");
        } else {
            self.fail(end.to_string());
        }
    }

    fn test_if_due(&mut self, now: Instant) {
        match (&self.service.test, self.test) {
            (_, Some((pid, since))) if now >= since + TEST_LIMIT => drop(sys::kill(-pid, sys::SIGKILL)),
            (Some(words), None) if self.state == State::Starting && now >= self.next_test => {
                let mut command = command(words, &self.service);
                match command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
                    Ok(child) => self.test = Some((child.id() as i32, now)),
                    Err(e) => {
                        log::error(format!("service {}: cannot run its test {}: {}", self.service.name, words[0], e));
                        self.next_test = now + TEST_LIMIT;
                    }
                }
            }
            _ => {}
        }
    }

    fn tested(&mut self, end: End, now: Instant) {
        self.test = None;
        self.next_test = now + TEST_EVERY;
        if self.state == State::Starting && end == End::Exit(0) {
            self.up(State::Running, "running");
        }
    }

    fn end_test(&mut self) {
        if let Some((pid, _)) = self.test {
            let _ = sys::kill(-pid, sys::SIGKILL);
        }
    }

    fn stop(&mut self, now: Instant) {
        if let (Some(pid), false) = (self.pid, matches!(self.state, State::Stopping(_))) {
            log::debug(format!("service {} is asked to stop", self.service.name));
            let _ = sys::kill(-pid, self.service.stop);
            self.state = State::Stopping(now + self.service.shutdown_timeout);
        }
    }

    fn kill_if_due(&mut self, now: Instant) {
        if let (State::Stopping(until), Some(pid)) = (&self.state, self.pid) {
            if now >= *until {
                log::error(format!("service {} did not stop within {} s: killed", self.service.name, self.service.shutdown_timeout.as_secs()));
                let _ = sys::kill(-pid, sys::SIGKILL);
                self.state = State::Stopping(now + Duration::from_secs(3600));
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match (&self.state, self.test) {
            (State::Pausing(until), _) | (State::Stopping(until), _) => Some(*until),
            (State::Starting, Some((_, since))) => Some(since + TEST_LIMIT),
            (State::Starting, None) => self.service.test.as_ref().map(|_| self.next_test),
            _ => None,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let state = match &self.state {
            State::Blocked => "blocked".to_string(),
            State::Starting => "starting".to_string(),
            State::Running => "running".to_string(),
            State::Done => "done".to_string(),
            State::Pausing(_) => "pausing".to_string(),
            State::Stopping(_) => "stopping".to_string(),
            State::Stopped => "stopped".to_string(),
            State::Failed(why) => format!("failed: {}", why),
        };
        let pid = self.pid.map_or(String::new(), |pid| format!(" pid {}", pid));
        writeln!(f, "{:<16} {}{} restarts {}", self.service.name, state, pid, self.restarts)
    }
}

fn spawn(service: &Service, outputs: &mut Outputs) -> io::Result<i32> {
    let mut command = command(&service.exec, service);
    match service.output {
        Output::Ring => command.stdout(Stdio::piped()).stderr(Stdio::piped()),
        Output::Stdout => &mut command,
        Output::None => command.stdout(Stdio::null()).stderr(Stdio::null()),
    };
    let mut child = command.spawn()?;
    if let Some(stream) = child.stdout.take() {
        outputs.add(&service.name, '+', owned(stream));
    }
    if let Some(stream) = child.stderr.take() {
        outputs.add(&service.name, '-', owned(stream));
    }
    Ok(child.id() as i32)
}

fn owned(stream: impl IntoRawFd) -> File {
    // SAFETY: the descriptor was just given up by its only owner.
    unsafe { File::from_raw_fd(stream.into_raw_fd()) }
}

fn command(words: &[String], service: &Service) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).envs(service.env.iter().map(|(key, value)| (key, value))).current_dir(&service.dir).stdin(Stdio::null());
    sys::own_session(&mut command);
    command
}
