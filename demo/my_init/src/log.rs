//! Lines on the console.

use std::io::Write;
use std::sync::atomic::{AtomicU8, Ordering};

#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub enum Level {
    Error = 0,
    Info = 1,
    Debug = 2,
}

static LEVEL: AtomicU8 = AtomicU8::new(Level::Info as u8);

impl Level {
    pub fn parse(text: &str) -> Option<Level> {
        match text {
            "error" => Some(Level::Error),
            "info" => Some(Level::Info),
            "debug" => Some(Level::Debug),
            _ => None,
        }
    }

    /// From now on only lines of this level or a more urgent one are printed.
    pub fn apply(self) {
        LEVEL.store(self as u8, Ordering::Relaxed);
    }
}

pub fn error(line: impl AsRef<str>) {
    say(Level::Error, &format!("error: {}", line.as_ref()));
}

pub fn info(line: impl AsRef<str>) {
    say(Level::Info, line.as_ref());
}

pub fn debug(line: impl AsRef<str>) {
    say(Level::Debug, line.as_ref());
}

fn say(level: Level, line: &str) {
    if level as u8 <= LEVEL.load(Ordering::Relaxed) {
        raw(&format!("my_init: {}", line));
    }
}

/// A line as it is. A console that cannot be written to is no reason to stop.
pub fn raw(line: &str) {
    let _ = std::io::stdout().write_all(format!("{}\n", line).as_bytes());
}
