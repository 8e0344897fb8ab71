//! my_init.conf and service files, read and checked.

use crate::log::Level;
use crate::sys;
use crate::words;
use crate::yaml::{self, error, Entry, Error, Value};
use std::time::Duration;

/// What happens at boot, in the order of the `init:` list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stage {
    LoadModules,
    Networking,
    Services,
}

#[derive(Debug, PartialEq)]
pub struct Main {
    pub level: Level,
    pub stages: Vec<Stage>,
}

impl Default for Main {
    fn default() -> Main {
        Main { level: Level::Info, stages: vec![Stage::LoadModules, Stage::Networking, Stage::Services] }
    }
}

pub fn main(text: &str) -> Result<Main, Error> {
    let mut main = Main::default();
    for entry in yaml::parse(text)? {
        match entry.key.as_str() {
            "log_level" => {
                let word = scalar(&entry)?;
                main.level = Level::parse(&word).ok_or_else(|| wrong(&entry, &format!("`{}` is not error, info or debug", word)))?;
            }
            "init" => main.stages = list(&entry)?.iter().map(|name| stage(&entry, name)).collect::<Result<_, _>>()?,
            other => return error(entry.line, format!("unknown key `{}`: the keys are log_level and init", other)),
        }
    }
    Ok(main)
}

fn stage(entry: &Entry, name: &str) -> Result<Stage, Error> {
    match name {
        "load-modules" => Ok(Stage::LoadModules),
        "networking" => Ok(Stage::Networking),
        "services" => Ok(Stage::Services),
        _ => error(entry.line, format!("unknown stage `{}`: the stages are load-modules, networking and services", name)),
    }
}

/// Where the output of a service goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Output {
    Ring,
    Stdout,
    None,
}

/// A service file; the head of `main.rs` says what each key means.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    pub name: String,
    pub exec: Vec<String>,
    pub oneshot: bool,
    pub after: Vec<String>,
    pub test: Option<Vec<String>>,
    pub stop: i32,
    pub env: Vec<(String, String)>,
    pub dir: String,
    pub output: Output,
    pub shutdown_timeout: Duration,
}

pub fn service(name: &str, text: &str) -> Result<Service, Error> {
    let mut service = Service {
        name: name.to_string(),
        exec: Vec::new(),
        oneshot: false,
        after: Vec::new(),
        test: None,
        stop: sys::SIGTERM,
        env: Vec::new(),
        dir: "/".to_string(),
        output: Output::Ring,
        shutdown_timeout: Duration::from_secs(10),
    };
    for entry in yaml::parse(text)? {
        match entry.key.as_str() {
            "exec" => service.exec = command(&entry)?,
            "oneshot" => service.oneshot = boolean(&entry)?,
            "after" => service.after = list(&entry)?,
            "test" => service.test = Some(command(&entry)?),
            "signal" => service.stop = stop_signal(&entry)?,
            "env" => service.env = environment(&entry)?,
            "dir" => service.dir = scalar(&entry)?,
            "log" => service.output = output(&entry)?,
            "shutdown_timeout" => service.shutdown_timeout = seconds(&entry)?,
            other => {
                let keys = "exec oneshot after test signal env dir log shutdown_timeout";
                return error(entry.line, format!("unknown key `{}`: the keys are {}", other, keys));
            }
        }
    }
    if service.exec.is_empty() {
        return error(1, "`exec` is missing: it says what the service runs");
    }
    if service.oneshot && service.test.is_some() {
        return error(1, "a oneshot needs no `test`: it is done when it has exited with 0");
    }
    Ok(service)
}

fn wrong(entry: &Entry, what: &str) -> Error {
    Error { line: entry.line, what: format!("{}: {}", entry.key, what) }
}

fn scalar(entry: &Entry) -> Result<String, Error> {
    match &entry.value {
        Value::Scalar(text) if !text.is_empty() => Ok(text.clone()),
        Value::Scalar(_) => Err(wrong(entry, "a value is missing")),
        _ => Err(wrong(entry, "one value is expected, not several")),
    }
}

fn list(entry: &Entry) -> Result<Vec<String>, Error> {
    match &entry.value {
        Value::List(items) => Ok(items.clone()),
        Value::Scalar(text) if text.is_empty() => Ok(Vec::new()),
        Value::Scalar(text) => Ok(vec![text.clone()]),
        Value::Map(_) => Err(wrong(entry, "a list is expected")),
    }
}

fn command(entry: &Entry) -> Result<Vec<String>, Error> {
    let words = words::split(&scalar(entry)?).map_err(|what| wrong(entry, &what))?;
    if words.is_empty() { Err(wrong(entry, "the command is empty")) } else { Ok(words) }
}

fn boolean(entry: &Entry) -> Result<bool, Error> {
    match scalar(entry)?.as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(wrong(entry, &format!("`{}` is not true or false", other))),
    }
}

fn seconds(entry: &Entry) -> Result<Duration, Error> {
    let text = scalar(entry)?;
    text.parse().map(Duration::from_secs).map_err(|_| wrong(entry, &format!("`{}` is not a number of seconds", text)))
}

fn output(entry: &Entry) -> Result<Output, Error> {
    match scalar(entry)?.as_str() {
        "ring" => Ok(Output::Ring),
        "stdout" => Ok(Output::Stdout),
        "none" => Ok(Output::None),
        other => Err(wrong(entry, &format!("`{}` is not ring, stdout or none", other))),
    }
}

fn stop_signal(entry: &Entry) -> Result<i32, Error> {
    match &entry.value {
        Value::Map(inner) if inner.len() == 1 && inner[0].key == "stop" => {
            let name = scalar(&inner[0])?;
            sys::signal_number(&name).ok_or_else(|| wrong(&inner[0], &format!("unknown signal `{}`", name)))
        }
        _ => Err(wrong(entry, "expected `stop: SIGNAL` below it")),
    }
}

fn environment(entry: &Entry) -> Result<Vec<(String, String)>, Error> {
    match &entry.value {
        Value::Map(inner) => inner.iter().map(|one| match &one.value {
            Value::Scalar(text) => Ok((one.key.clone(), text.clone())),
            _ => Err(wrong(one, "one value is expected")),
        }).collect(),
        _ => Err(wrong(entry, "expected lines `NAME: value` below it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_key_of_a_service() {
        let text = "exec: httpd -f -h '/var/my www'\nafter: [network, syslog]\ntest: wget -q http://x/\nsignal:\n  stop: sigint\n\
                    env:\n  A: b c\ndir: /srv\nlog: none\nshutdown_timeout: 3\noneshot: false\n";
        let service = service("web", text).unwrap();
        assert_eq!(service.exec, ["httpd", "-f", "-h", "/var/my www"]);
        assert_eq!(service.after, ["network", "syslog"]);
        assert_eq!(service.test.as_deref(), Some(&["wget".to_string(), "-q".into(), "http://x/".into()][..]));
        assert_eq!((service.stop, service.output, service.dir.as_str()), (sys::SIGINT, Output::None, "/srv"));
        assert_eq!(service.env, [("A".to_string(), "b c".to_string())]);
        assert_eq!(service.shutdown_timeout, Duration::from_secs(3));
        assert!(!service.oneshot);
    }

    #[test]
    fn says_where_a_service_is_wrong() {
        let said = |text: &str| service("x", text).unwrap_err().to_string();
        assert_eq!(said("exec: a\nonshot: true"), "line 2: unknown key `onshot`: the keys are exec oneshot after test signal env dir log shutdown_timeout");
        assert_eq!(said("exec: a\noneshot: yes"), "line 2: oneshot: `yes` is not true or false");
        assert_eq!(said("exec: a 'b"), "line 1: exec: the closing ' is missing");
        assert_eq!(said("exec: a\nsignal:\n  stop: SIGFOO"), "line 3: stop: unknown signal `SIGFOO`");
        assert_eq!(said("exec: a\nlog: null"), "line 2: log: `null` is not ring, stdout or none");
        assert_eq!(said("exec: a\nshutdown_timeout: soon"), "line 2: shutdown_timeout: `soon` is not a number of seconds");
        assert_eq!(said("oneshot: true"), "line 1: `exec` is missing: it says what the service runs");
        assert_eq!(said("exec: a\noneshot: true\ntest: b"), "line 1: a oneshot needs no `test`: it is done when it has exited with 0");
        assert_eq!(said("exec:\n  - a"), "line 1: exec: one value is expected, not several");
    }

    #[test]
    fn reads_the_main_file() {
        let conf = main("log_level: debug\ninit:\n  - load-modules\n  - services\n").unwrap();
        assert_eq!(conf, Main { level: Level::Debug, stages: vec![Stage::LoadModules, Stage::Services] });
        assert_eq!(main("").unwrap(), Main::default());
        assert_eq!(main("init: [network]").unwrap_err().line, 1);
        assert_eq!(main("log_level: loud").unwrap_err().to_string(), "line 1: log_level: `loud` is not error, info or debug");
    }
}
