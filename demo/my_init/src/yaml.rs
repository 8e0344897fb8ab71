//! The subset of YAML that my_init's files use: mappings by indentation, `- item` and `[a, b]` lists, plain, 'single' and "double" quoted
//! scalars, comments. Block text (`|`, `>`), anchors, tags and `{...}` are errors. Every error names its line.

use std::fmt;

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Scalar(String),
    List(Vec<String>),
    Map(Vec<Entry>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: String,
    pub value: Value,
    pub line: usize,
}

#[derive(Debug, PartialEq)]
pub struct Error {
    pub line: usize,
    pub what: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

pub fn error<T>(line: usize, what: impl Into<String>) -> Result<T, Error> {
    Err(Error { line, what: what.into() })
}

struct Line {
    number: usize,
    indent: usize,
    text: String,
}

/// Reads a document whose top level is a mapping; an empty document is an empty mapping.
pub fn parse(text: &str) -> Result<Vec<Entry>, Error> {
    let mut lines = Vec::new();
    for (index, raw) in text.lines().enumerate() {
        let content = without_comment(raw);
        let stripped = content.trim_start();
        if stripped.is_empty() || (stripped == "---" && lines.is_empty()) {
            continue;
        }
        let indent = content.len() - stripped.len();
        if content[..indent].contains('\t') {
            return error(index + 1, "indented with a tab: use blanks");
        }
        lines.push(Line { number: index + 1, indent, text: stripped.trim_end().to_string() });
    }
    let mut at = 0;
    let entries = mapping(&lines, &mut at, 0)?;
    match lines.get(at) {
        Some(line) => error(line.number, "indented more than the lines before it"),
        None => Ok(entries),
    }
}

fn mapping(lines: &[Line], at: &mut usize, indent: usize) -> Result<Vec<Entry>, Error> {
    let mut entries: Vec<Entry> = Vec::new();
    while *at < lines.len() && lines[*at].indent == indent {
        let line = &lines[*at];
        *at += 1;
        let (key, rest) = match split_key(&line.text) {
            Some(parts) => parts,
            None => return error(line.number, format!("expected `key: value`, not `{}`", line.text)),
        };
        if entries.iter().any(|entry| entry.key == key) {
            return error(line.number, format!("`{}` is given twice", key));
        }
        let value = if rest.is_empty() { nested(lines, at, indent)? } else { inline(rest, line.number)? };
        entries.push(Entry { key, value, line: line.number });
    }
    Ok(entries)
}

/// What stands below a `key:` without a value on its own line: a list (which may stand as far left as the key), a mapping or nothing.
fn nested(lines: &[Line], at: &mut usize, indent: usize) -> Result<Value, Error> {
    match lines.get(*at) {
        Some(next) if next.indent >= indent && is_item(&next.text) => Ok(Value::List(items(lines, at, next.indent)?)),
        Some(next) if next.indent > indent => Ok(Value::Map(mapping(lines, at, next.indent)?)),
        _ => Ok(Value::Scalar(String::new())),
    }
}

fn items(lines: &[Line], at: &mut usize, indent: usize) -> Result<Vec<String>, Error> {
    let mut items = Vec::new();
    while *at < lines.len() && lines[*at].indent == indent && is_item(&lines[*at].text) {
        let line = &lines[*at];
        items.push(scalar(line.text[1..].trim(), line.number)?);
        *at += 1;
    }
    Ok(items)
}

fn is_item(text: &str) -> bool {
    text == "-" || text.starts_with("- ")
}

fn split_key(text: &str) -> Option<(String, &str)> {
    let colon = text.find(": ").or_else(|| if text.ends_with(':') { Some(text.len() - 1) } else { None })?;
    let key = text[..colon].trim().trim_matches(|c| c == '"' || c == '\'');
    if key.is_empty() || key.contains(char::is_whitespace) || is_item(text) {
        return None;
    }
    Some((key.to_string(), text[colon + 1..].trim()))
}

fn inline(text: &str, line: usize) -> Result<Value, Error> {
    if let Some(rest) = text.strip_prefix('[') {
        return match rest.strip_suffix(']') {
            Some(inner) => Ok(Value::List(flow_items(inner, line)?)),
            None => error(line, "a list that does not end on its line: `]` is missing"),
        };
    }
    Ok(Value::Scalar(scalar(text, line)?))
}

fn flow_items(inner: &str, line: usize) -> Result<Vec<String>, Error> {
    let mut items = Vec::new();
    let mut quote = None;
    let mut start = 0;
    for (index, c) in inner.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c == ',' => {
                items.push(scalar(inner[start..index].trim(), line)?);
                start = index + 1;
            }
            None => {}
        }
    }
    let last = inner[start..].trim();
    if !last.is_empty() {
        items.push(scalar(last, line)?);
    }
    if items.iter().any(String::is_empty) {
        return error(line, "an empty item in a list");
    }
    Ok(items)
}

fn scalar(text: &str, line: usize) -> Result<String, Error> {
    match text.chars().next() {
        Some('"') => double_quoted(&text[1..], line),
        Some('\'') => match text[1..].strip_suffix('\'') {
            Some(inner) if !inner.replace("''", "").contains('\'') => Ok(inner.replace("''", "'")),
            _ => error(line, "the closing ' is missing or something follows it"),
        },
        Some(c) if "|>&*!%@`{[".contains(c) => error(line, format!("`{}` at the start of a value is not supported: quote the value", c)),
        _ => Ok(text.to_string()),
    }
}

fn double_quoted(text: &str, line: usize) -> Result<String, Error> {
    let mut result = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next() {
            None => return error(line, "the closing \" is missing"),
            Some('"') if chars.as_str().is_empty() => return Ok(result),
            Some('"') => return error(line, "something follows the closing \""),
            Some('\\') => result.push(match chars.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some(c) if c == '"' || c == '\\' => c,
                _ => return error(line, "only \\n, \\t, \\\" and \\\\ are known in \"...\""),
            }),
            Some(c) => result.push(c),
        }
    }
}

/// A `#` begins a comment at the start of a line or after a blank, but not inside quotes. A quote opens only where a value begins.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    let mut escaped = false;
    for (index, c) in line.char_indices() {
        match quote {
            Some('"') if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '#' && before.is_whitespace() => return &line[..index],
            None if (c == '"' || c == '\'') && begins_value(line[..index].trim()) => quote = Some(c),
            None => {}
        }
        before = c;
    }
    line
}

/// Whether a value begins behind `before`: at the start of a line, behind `key:` or `-`, or in a `[list]` behind `[` or `,`.
fn begins_value(before: &str) -> bool {
    let value = before.find(": ").map_or(before, |colon| before[colon + 1..].trim_start());
    let single_key = before.ends_with(':') && !before.contains(char::is_whitespace);
    before.is_empty() || before == "-" || single_key || (value.starts_with('[') && (value.ends_with('[') || value.ends_with(',')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        parse(text).unwrap().remove(0).value
    }

    fn strings(items: &[&str]) -> Value {
        Value::List(items.iter().map(|item| item.to_string()).collect())
    }

    #[test]
    fn reads_scalars_with_comments_and_quotes() {
        assert_eq!(value("exec: httpd -f  # web"), Value::Scalar("httpd -f".into()));
        assert_eq!(value("exec: sh -c 'echo a # b'"), Value::Scalar("sh -c 'echo a".into()));
        assert_eq!(value("exec: \"sh -c 'a # b'\""), Value::Scalar("sh -c 'a # b'".into()));
        assert_eq!(value("exec: echo - 'x # y'"), Value::Scalar("echo - 'x".into()));
        assert_eq!(value("after: [ 'x # y', \"#\" ] # c"), strings(&["x # y", "#"]));
        assert_eq!(value("exec: 'it''s'"), Value::Scalar("it's".into()));
        assert_eq!(value("exec: \"a\\n\\\"b\\\"\" # c"), Value::Scalar("a\n\"b\"".into()));
        assert_eq!(value("url: http://a:80/#x"), Value::Scalar("http://a:80/#x".into()));
    }

    #[test]
    fn reads_lists_in_both_forms() {
        assert_eq!(value("after: [a, 'b,c' , d]"), strings(&["a", "b,c", "d"]));
        assert_eq!(value("after: []"), strings(&[]));
        assert_eq!(value("after:\n  - a\n  # comment\n  - \"b\"\n"), strings(&["a", "b"]));
        assert_eq!(value("after:\n- a\n- b\n"), strings(&["a", "b"]));
    }

    #[test]
    fn reads_nested_mappings_and_goes_on_after_them() {
        let entries = parse("signal:\n  stop: SIGINT\nenv:\n    A: 1\n    B: 2\ndir: /x\n").unwrap();
        assert_eq!(entries.len(), 3);
        assert_eq!(entries[1].value, Value::Map(vec![
            Entry { key: "A".into(), value: Value::Scalar("1".into()), line: 4 },
            Entry { key: "B".into(), value: Value::Scalar("2".into()), line: 5 },
        ]));
        assert_eq!(entries[2].line, 6);
    }

    #[test]
    fn errors_name_the_line() {
        let line = |text: &str| parse(text).unwrap_err().line;
        assert_eq!(line("a: b\nnonsense\n"), 2);
        assert_eq!(line("a: b\n\n# c\na: d\n"), 4);
        assert_eq!(line("a: b\n   c: d\n"), 2);
        assert_eq!(line("a:\n\tb: c\n"), 2);
        assert_eq!(line("a: [b, c\n"), 1);
        assert_eq!(line("a: [b,, c]\n"), 1);
        assert_eq!(line("a: \"b\n"), 1);
        assert_eq!(line("a: 'b' c\n"), 1);
        assert_eq!(line("a: b\nexec: |\n  text\n"), 2);
        assert_eq!(line("- a\n"), 1);
    }
}
