//! Options on the kernel's command line that are meant for my_init.

#[derive(Debug, Default, PartialEq)]
pub struct Options {
    /// Shell command to run once all services are up.
    pub run: Option<String>,
    /// Power off when all is up and `run` has ended.
    pub poweroff: bool,
    pub log_level: Option<String>,
}

/// Reads the text of /proc/cmdline. Quotes may stand around a value or around the whole word, as the kernel allows both.
pub fn parse(text: &str) -> Options {
    let mut options = Options::default();
    for word in words(text) {
        let (key, value) = match word.split_once('=') {
            Some((key, value)) => (key, value),
            None => (word.as_str(), "1"),
        };
        match key {
            "my_init.run" => options.run = Some(value.to_string()),
            "my_init.poweroff" => options.poweroff = !matches!(value, "0" | "n" | "no" | "off"),
            "my_init.log_level" => options.log_level = Some(value.to_string()),
            _ => {}
        }
    }
    options
}

fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in text.trim().chars() {
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => words.push(String::new()),
            c => words.last_mut().expect("there is always a word").push(c),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_its_own_options_among_others() {
        let options = parse("console=ttyS0 my_init.run=\"uname -r; id\" quiet my_init.poweroff=1 my_init.log_level=debug\n");
        assert_eq!(options, Options { run: Some("uname -r; id".into()), poweroff: true, log_level: Some("debug".into()) });
        assert_eq!(parse("\"my_init.run=echo a=b\"").run, Some("echo a=b".into()));
        assert!(parse("my_init.poweroff").poweroff);
        assert!(!parse("my_init.poweroff=0").poweroff);
        assert_eq!(parse(""), Options::default());
    }
}
