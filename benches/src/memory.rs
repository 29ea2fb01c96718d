//! Resident memory over time of every process in care, as the kernel counts it.

use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Between two looks, at first.
const EVERY: Duration = Duration::from_millis(500);
/// Looks that are kept of one process; with more, every second one goes and looks become half as frequent.
const MOST: usize = 512;

/// A process, looked at from its start to its end.
#[derive(Clone, Debug)]
pub struct Course {
    /// Its number.
    pub pid: u32,
    /// Its program, as the kernel names it.
    pub name: String,
    /// Seconds since the first process was started, and KiB of it and its children.
    pub looks: Vec<(f64, u64)>,
    /// The most that was seen, in KiB.
    pub peak_kib: u64,
}

#[derive(Debug)]
struct Watched {
    started: Option<Instant>,
    every: Duration,
    last: Option<Instant>,
    courses: Vec<Course>,
    living: Vec<u32>,
}

static WATCHED: Mutex<Watched> =
    Mutex::new(Watched { started: None, every: EVERY, last: None, courses: Vec::new(), living: Vec::new() });

fn watched<T>(f: impl FnOnce(&mut Watched) -> T) -> T {
    f(&mut WATCHED.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Takes a process into view.
pub(crate) fn began(pid: u32) {
    watched(|all| {
        all.started.get_or_insert_with(Instant::now);
        all.living.push(pid);
        all.courses.push(Course { pid, name: String::new(), looks: Vec::new(), peak_kib: 0 });
    });
}

/// Looks a last time at a process that is about to be ended.
pub(crate) fn ending(pid: u32) {
    watched(|all| {
        all.look(pid);
        all.living.retain(|one| *one != pid);
    });
}

/// Looks at every process, if it is time to.
pub fn tick() {
    watched(|all| {
        if all.last.is_none_or(|last| last.elapsed() >= all.every) {
            all.last = Some(Instant::now());
            for pid in all.living.clone() {
                all.look(pid);
            }
        }
    });
}

/// Returns what was seen so far, in the order in which the processes were started.
pub fn courses() -> Vec<Course> {
    watched(|all| all.courses.iter().filter(|course| !course.looks.is_empty()).cloned().collect())
}

/// Forgets what was seen.
pub fn forget() {
    watched(|all| {
        all.courses.clear();
        all.living.clear();
        (all.started, all.every) = (None, EVERY);
    });
}

/// Returns the numbers of living processes of a program.
pub(crate) fn of_program(name: &str) -> Vec<u32> {
    watched(|all| all.living.iter().copied().filter(|pid| program(*pid).as_deref() == Some(name)).collect())
}

impl Watched {
    fn look(&mut self, pid: u32) {
        let (Some(started), Some(kib)) = (self.started, resident(pid)) else { return };
        // A number may be given anew; the latest process has it.
        let Some(course) = self.courses.iter_mut().rfind(|course| course.pid == pid) else { return };
        course.name = program(pid).unwrap_or_default();
        course.peak_kib = course.peak_kib.max(kib);
        course.looks.push((started.elapsed().as_secs_f64(), kib));
        if course.looks.len() > MOST {
            for course in &mut self.courses {
                course.looks = course.looks.iter().copied().step_by(2).collect();
            }
            self.every *= 2;
        }
    }
}

fn program(pid: u32) -> Option<String> {
    Some(fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim().to_owned())
}

/// KiB of a process and its children.
fn resident(pid: u32) -> Option<u64> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = children.split_ascii_whitespace().filter_map(|id| id.parse().ok());
    let of_children: u64 = children.filter_map(of_one).sum();
    Some(of_one(pid)? + of_children)
}

fn of_one(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_course_keeps_half_of_its_looks() {
        let own = std::process::id();
        let course = Course { pid: own, name: String::new(), looks: vec![(0.0, 1); MOST], peak_kib: 1 };
        let mut all = Watched {
            started: Some(Instant::now()),
            every: EVERY,
            last: None,
            courses: vec![course],
            living: vec![own],
        };
        all.look(own);
        let course = &all.courses[0];
        assert!(course.looks.len() <= MOST / 2 + 1 && course.peak_kib > 100, "{course:?}");
        assert_eq!(all.every, EVERY * 2);
    }
}
