//! Orders of services by what they come after.

use std::collections::{BTreeMap, BTreeSet};

/// Names in an order in which each stands behind all that it comes after; ties by name.
/// `Err`: the names that wait for one another in a circle.
pub fn order(after: &BTreeMap<String, Vec<String>>) -> Result<Vec<String>, Vec<String>> {
    let mut done: Vec<String> = Vec::new();
    let mut open: BTreeSet<&String> = after.keys().collect();
    while !open.is_empty() {
        let ready = open.iter().find(|name| after[**name].iter().all(|one| !open.contains(one))).copied();
        match ready {
            Some(name) => {
                open.remove(name);
                done.push(name.clone());
            }
            None => return Err(circle(after, &open)),
        }
    }
    Ok(done)
}

/// From any open name, always on to something open that it waits for, must come back to where it has been.
fn circle(after: &BTreeMap<String, Vec<String>>, open: &BTreeSet<&String>) -> Vec<String> {
    let mut path: Vec<String> = Vec::new();
    let mut name = open.iter().next().expect("a circle has members").to_string();
    while !path.contains(&name) {
        path.push(name.clone());
        name = after[&name].iter().find(|one| open.contains(one)).expect("an open name waits for an open one").clone();
    }
    let start = path.iter().position(|one| *one == name).expect("the name is on the path");
    path.drain(..start);
    path
}

/// Names that nothing in `running` comes after: they can be stopped now.
pub fn stoppable(after: &BTreeMap<String, Vec<String>>, running: &BTreeSet<String>) -> Vec<String> {
    running.iter().filter(|name| !running.iter().any(|other| other != *name && reaches(after, other, name, &mut BTreeSet::new()))).cloned().collect()
}

/// Whether `from` comes after `to`, directly or through others (which may have ended already).
fn reaches(after: &BTreeMap<String, Vec<String>>, from: &str, to: &str, seen: &mut BTreeSet<String>) -> bool {
    seen.insert(from.to_string())
        && after.get(from).map_or(false, |names| names.iter().any(|name| name == to || reaches(after, name, to, seen)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        edges.iter().map(|(name, after)| (name.to_string(), after.iter().map(|one| one.to_string()).collect())).collect()
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    #[test]
    fn puts_each_service_behind_those_it_comes_after() {
        let services = graph(&[("a", &["z"]), ("b", &[]), ("sshd", &["a", "net"]), ("net", &["b"]), ("z", &[])]);
        assert_eq!(order(&services).unwrap(), ["b", "net", "z", "a", "sshd"]);
    }

    #[test]
    fn names_that_do_not_exist_do_not_count() {
        assert_eq!(order(&graph(&[("a", &["missing"])])).unwrap(), ["a"]);
    }

    #[test]
    fn names_the_members_of_a_circle_and_nobody_else() {
        let services = graph(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"]), ("free", &[])]);
        assert_eq!(order(&services).unwrap_err(), ["b", "c"]);
        assert_eq!(order(&graph(&[("me", &["me"])])).unwrap_err(), ["me"]);
    }

    #[test]
    fn stops_from_the_end_through_services_that_are_gone() {
        let services = graph(&[("log", &[]), ("setup", &["log"]), ("web", &["setup"]), ("other", &[])]);
        assert_eq!(stoppable(&services, &set(&["log", "web", "other"])), ["other", "web"]);
        assert_eq!(stoppable(&services, &set(&["log"])), ["log"]);
    }

    #[test]
    fn a_circle_can_still_be_stopped_when_one_member_runs() {
        assert_eq!(stoppable(&graph(&[("a", &["b"]), ("b", &["a"])]), &set(&["a"])), ["a"]);
    }
}
