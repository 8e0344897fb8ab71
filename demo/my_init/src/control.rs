//! `my_init VERB [SERVICE]`: one line over a Unix socket to process 1, text back. Only root can reach the socket.

use crate::supervisor::Supervisor;
use crate::sys;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

const SOCKET: &str = "/run/my_init.sock";
const USAGE: &str = "usage: my_init status [SERVICE] | start SERVICE | stop SERVICE | restart SERVICE | log [SERVICE] | poweroff | reboot | halt | --version";

/// How the system goes down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Down {
    PowerOff,
    Reboot,
    Halt,
}

impl Down {
    pub fn from_signal(number: i32) -> Option<Down> {
        match number {
            sys::SIGUSR2 | sys::SIGPWR => Some(Down::PowerOff),
            sys::SIGTERM | sys::SIGINT => Some(Down::Reboot),
            sys::SIGUSR1 => Some(Down::Halt),
            _ => None,
        }
    }

    fn from_verb(verb: &str) -> Option<(Down, i32)> {
        match verb {
            "poweroff" => Some((Down::PowerOff, sys::SIGUSR2)),
            "reboot" => Some((Down::Reboot, sys::SIGTERM)),
            "halt" => Some((Down::Halt, sys::SIGUSR1)),
            _ => None,
        }
    }
}

pub fn listen() -> std::io::Result<UnixListener> {
    let _ = std::fs::remove_file(SOCKET);
    let listener = UnixListener::bind(SOCKET)?;
    std::fs::set_permissions(SOCKET, std::fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Answers one client; its wish to go down, when that was what it asked.
pub fn answer(listener: &UnixListener, supervisor: &mut Supervisor) -> Option<Down> {
    let (mut stream, _) = listener.accept().ok()?;
    // A client that says nothing must not keep process 1 from its work.
    stream.set_read_timeout(Some(Duration::from_millis(500))).ok()?;
    stream.set_write_timeout(Some(Duration::from_millis(500))).ok()?;
    let mut line = String::new();
    BufReader::new((&mut stream).take(256)).read_line(&mut line).ok()?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let down = words.first().and_then(|verb| Down::from_verb(verb));
    let reply = match (words.as_slice(), down) {
        ([_], Some(_)) => Ok(String::new()),
        (["status"], _) => supervisor.status(None),
        (["status", name], _) => supervisor.status(Some(name)),
        (["log"], _) => Ok(supervisor.outputs.kept(None)),
        (["log", name], _) => Ok(supervisor.outputs.kept(Some(name))),
        ([verb @ ("start" | "stop" | "restart"), name], _) => supervisor.order(verb, name),
        _ => Err(USAGE.to_string()),
    };
    let text = match &reply {
        Ok(text) => format!("ok\n{}", text),
        Err(text) => format!("error\n{}\n", text),
    };
    let _ = stream.write_all(text.as_bytes());
    down.filter(|_| reply.is_ok()).map(|(down, _)| down)
}

/// The client's side: sends the words, prints the answer; its exit code.
pub fn ask(words: &[String]) -> i32 {
    let down = words.first().and_then(|verb| Down::from_verb(verb));
    match exchange(words) {
        Ok(text) => match text.strip_prefix("ok\n") {
            Some(body) => {
                print!("{}", body);
                0
            }
            None => {
                eprint!("my_init: {}", text.strip_prefix("error\n").unwrap_or(&text));
                1
            }
        },
        // Process 1 may be some other init, or too early for its socket: a signal says the same.
        Err(e) => match down.map(|(_, signal)| sys::kill(1, signal)) {
            Some(Ok(())) => 0,
            Some(Err(kill)) => fail(&format!("cannot signal process 1: {}", kill)),
            None if words.is_empty() => fail(USAGE),
            None => fail(&format!("cannot reach process 1 through {}: {}", SOCKET, e)),
        },
    }
}

fn fail(what: &str) -> i32 {
    eprintln!("my_init: {}", what);
    1
}

fn exchange(words: &[String]) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(SOCKET)?;
    stream.write_all(format!("{}\n", words.join(" ")).as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}
