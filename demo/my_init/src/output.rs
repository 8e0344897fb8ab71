//! What services print: to the console line by line with the service's name, the last lines kept.

use crate::log;
use crate::sys;
use std::collections::VecDeque;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::io::{AsRawFd, RawFd};

const KEPT: usize = 1000;
/// A line longer than this is broken.
const LONGEST: usize = 4096;

struct Stream {
    file: File,
    /// `+` for standard output, `-` for standard error, as zinit marks them.
    mark: char,
    name: String,
    partial: Vec<u8>,
}

#[derive(Default)]
pub struct Outputs {
    streams: Vec<Stream>,
    ring: VecDeque<(String, String)>,
}

impl Outputs {
    pub fn add(&mut self, name: &str, mark: char, file: File) {
        if sys::never_block(file.as_raw_fd()).is_ok() {
            self.streams.push(Stream { file, mark, name: name.to_string(), partial: Vec::new() });
        }
    }

    pub fn fds(&self) -> Vec<RawFd> {
        self.streams.iter().map(|stream| stream.file.as_raw_fd()).collect()
    }

    /// Takes what has arrived on these descriptors; streams that have ended are closed.
    pub fn take(&mut self, ready: &[RawFd]) {
        let ring = &mut self.ring;
        self.streams.retain_mut(|stream| {
            if !ready.contains(&stream.file.as_raw_fd()) {
                return true;
            }
            match sys::read_now(stream.file.as_raw_fd()) {
                Ok(bytes) if !bytes.is_empty() => {
                    stream.partial.extend(bytes);
                    print_lines(stream, ring);
                    true
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock || e.kind() == ErrorKind::Interrupted => true,
                _ => {
                    stream.partial.push(b'\n');
                    print_lines(stream, ring);
                    false
                }
            }
        });
    }

    /// The lines kept of one service, or of all.
    pub fn kept(&self, name: Option<&str>) -> String {
        self.ring.iter().filter(|(who, _)| name.map_or(true, |wanted| wanted == who)).map(|(_, line)| format!("{}\n", line)).collect()
    }
}

fn print_lines(stream: &mut Stream, ring: &mut VecDeque<(String, String)>) {
    loop {
        let end = match stream.partial.iter().position(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            None if stream.partial.len() > LONGEST => LONGEST,
            None => return,
        };
        let bytes: Vec<u8> = stream.partial.drain(..end).collect();
        let text = String::from_utf8_lossy(&bytes);
        if !text.trim_end().is_empty() {
            let line = format!("[{}] {}: {}", stream.mark, stream.name, text.trim_end());
            log::raw(&line);
            ring.push_back((stream.name.clone(), line));
        }
        if ring.len() > KEPT {
            ring.pop_front();
        }
    }
}
