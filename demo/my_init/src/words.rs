//! Splits a command as a shell would: blanks separate, quotes and backslashes protect. Nothing is expanded.

pub fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                let target = word.get_or_insert_with(String::new);
                loop {
                    match chars.next() {
                        Some('\'') => break,
                        Some(inner) => target.push(inner),
                        None => return Err("the closing ' is missing".into()),
                    }
                }
            }
            '"' => {
                let target = word.get_or_insert_with(String::new);
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some('\\') => match chars.next() {
                            Some(inner) if "\"\\$`".contains(inner) => target.push(inner),
                            Some(inner) => target.extend(['\\', inner]),
                            None => return Err("the closing \" is missing".into()),
                        },
                        Some(inner) => target.push(inner),
                        None => return Err("the closing \" is missing".into()),
                    }
                }
            }
            '\\' => match chars.next() {
                Some(inner) => word.get_or_insert_with(String::new).push(inner),
                None => return Err("nothing follows the last \\".into()),
            },
            c if c.is_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_with(String::new).push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn splits_like_a_shell() {
        assert_eq!(split("a  b\tc").unwrap(), ["a", "b", "c"]);
        assert_eq!(split("sh -c 'echo \"x y\"; exit' ''").unwrap(), ["sh", "-c", "echo \"x y\"; exit", ""]);
        assert_eq!(split("a\"b \\\" \\n\"c\\ d").unwrap(), ["ab \" \\nc d"]);
        assert!(split("").unwrap().is_empty());
    }

    #[test]
    fn refuses_open_quotes() {
        assert!(split("a 'b").is_err());
        assert!(split("a \"b").is_err());
        assert!(split("a \\").is_err());
    }
}
