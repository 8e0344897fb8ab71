//! my_init: a small PID 1.
//!
//! Files it reads:
//!
//! ```yaml
//! # /etc/my_init/my_init.conf
//! log_level: debug            # error, info (default) or debug
//! init: [load-modules, networking, services]   # stages, in this order
//! ```
//!
//! ```yaml
//! # /etc/my_init/services/NAME.yaml: one service, named as its file
//! exec: httpd -f -p 80        # required; split like a shell would, but no shell runs it: write sh -c '...' for one
//! oneshot: false              # true: runs once; those after it wait until it has exited with 0
//! after: [network]            # names of services that must be running (or, oneshots, done) before
//! test: wget -q -O /dev/null http://127.0.0.1/   # run until it exits with 0; only then the service counts as running
//! signal:
//!   stop: SIGTERM             # sent to the process group at shutdown (default SIGTERM)
//! env:
//!   KEY: value                # on top of PATH, HOME and TERM
//! dir: /                      # working directory
//! log: ring                   # ring: to the console as "[+] NAME: line", the last lines kept for `my_init log`;
//!                             # stdout: straight to the console; none: nowhere
//! shutdown_timeout: 10        # seconds between signal.stop and SIGKILL
//! ```
//!
//! Both are a subset of YAML: see `yaml.rs`. Unknown keys are errors. A bad service file is reported and left out.
//!
//! Kernel command line: `my_init.run="COMMAND"` runs COMMAND by /bin/sh once all services are up; `my_init.poweroff=1`
//! powers off when they are up (and COMMAND has ended); `my_init.log_level=debug`.
//!
//! Signals, as busybox' poweroff, reboot and halt send them: USR2 and PWR power off, TERM and INT (ctrl-alt-del) reboot, USR1 halts.
//! The power button powers off.

mod backoff;
mod boot;
mod button;
mod cmdline;
mod conf;
mod control;
mod event;
mod graph;
mod log;
mod output;
mod shutdown;
mod supervisor;
mod sys;
mod words;
mod yaml;

use std::path::Path;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let called = arguments.first().and_then(|path| Path::new(path).file_name()?.to_str().map(String::from)).unwrap_or_default();
    let request: Vec<String> = match called.as_str() {
        "poweroff" | "reboot" | "halt" => vec![called],
        _ => arguments.into_iter().skip(1).collect(),
    };
    if std::process::id() == 1 {
        boot::run();
    } else if request.first().map(String::as_str) == Some("--version") {
        println!("my_init {}", env!("CARGO_PKG_VERSION"));
    } else {
        std::process::exit(control::ask(&request));
    }
}
