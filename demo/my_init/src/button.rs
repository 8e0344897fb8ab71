//! The power button: a hypervisor that asks a machine to power off presses it (ACPI), and the kernel reports it as a key.

use std::fs::{read_dir, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::io::{AsRawFd, RawFd};

use crate::sys;

const INPUT: &str = "/dev/input";
/// struct input_event of a 64-bit kernel: 16 bytes of time, type, code, value.
const EVENT: usize = 24;
const EV_KEY: u16 = 1;
const KEY_POWER: u16 = 116;
const PRESSED: i32 = 1;

/// All keys of the machine; none where the kernel knows no input devices.
pub struct Buttons {
    devices: Vec<File>,
}

impl Buttons {
    pub fn open() -> Buttons {
        let names = read_dir(INPUT).map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect::<Vec<_>>()).unwrap_or_default();
        let devices = names.iter().filter(|path| path.to_string_lossy().contains("/event"))
            .filter_map(|path| OpenOptions::new().read(true).custom_flags(sys::O_NONBLOCK).open(path).ok()).collect();
        Buttons { devices }
    }

    pub fn fds(&self) -> Vec<RawFd> {
        self.devices.iter().map(|device| device.as_raw_fd()).collect()
    }

    /// Whether one of the ready devices reports that a power button was pressed. A device that is gone is closed.
    pub fn pressed(&mut self, ready: &[RawFd]) -> bool {
        let mut pressed = false;
        self.devices.retain(|device| {
            if !ready.contains(&device.as_raw_fd()) {
                return true;
            }
            let events = sys::read_now(device.as_raw_fd());
            pressed |= events.as_ref().map_or(false, |bytes| is_power(bytes));
            events.map_or_else(|e| e.kind() == std::io::ErrorKind::WouldBlock, |bytes| !bytes.is_empty())
        });
        pressed
    }
}

fn is_power(bytes: &[u8]) -> bool {
    bytes.chunks_exact(EVENT).any(|event| {
        u16::from_ne_bytes([event[16], event[17]]) == EV_KEY
            && u16::from_ne_bytes([event[18], event[19]]) == KEY_POWER
            && i32::from_ne_bytes([event[20], event[21], event[22], event[23]]) == PRESSED
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: u16, code: u16, value: i32) -> Vec<u8> {
        let mut bytes = vec![0xff; 16];
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(code.to_ne_bytes());
        bytes.extend(value.to_ne_bytes());
        bytes
    }

    #[test]
    fn only_a_power_key_that_goes_down_counts() {
        assert!(is_power(&[event(EV_KEY, 30, 1), event(EV_KEY, KEY_POWER, 1)].concat()));
        assert!(!is_power(&event(EV_KEY, KEY_POWER, 0)));
        assert!(!is_power(&event(2, KEY_POWER, 1)));
        assert!(!is_power(&event(EV_KEY, KEY_POWER, 1)[..20]));
    }
}
