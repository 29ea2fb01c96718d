//! Stacks, as `perf script` or `netweave profile` prints them, folded into a tree.

/// What a frame has no name for.
const UNKNOWN: &str = "[unknown]";
/// Frames of one stack that are kept, from the outermost.
const DEEPEST: usize = 100;

/// A frame with those that it called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The function; at the root `all`, below it the thread.
    pub(crate) name: String,
    /// It is of the kernel.
    pub(crate) kernel: bool,
    /// Samples, or bytes, in it and in what it called.
    pub(crate) weight: u64,
    pub(crate) callees: Vec<Frame>,
}

impl Frame {
    /// Folds what `perf script -F comm,ip,sym` printed: for each sample the thread, then address and function of each frame, the
    /// innermost first, then an empty line.
    pub(crate) fn of_script(text: &str) -> Self {
        let mut root = Self { name: "all".to_owned(), ..Self::default() };
        for sample in text.split("\n\n") {
            let mut lines = sample.lines().filter(|line| !line.trim().is_empty());
            let Some(thread) = lines.next() else { continue };
            let frames: Vec<(bool, &str)> = lines.filter_map(frame).collect();
            let outermost = frames.iter().rev().skip_while(|(_, name)| *name == UNKNOWN);
            root.add(1, std::iter::once((false, thread.trim())).chain(outermost.copied().take(DEEPEST)));
        }
        root
    }

    /// Folds stacks with what each weighs.
    pub(crate) fn of_stacks<'a>(
        stacks: impl Iterator<Item = (impl IntoIterator<Item = &'a str>, u64)>,
    ) -> Self {
        let mut root = Self { name: "all".to_owned(), ..Self::default() };
        for (stack, weight) in stacks {
            root.add(weight, stack.into_iter().take(DEEPEST).map(|name| (false, name)));
        }
        root
    }

    fn add<'a>(&mut self, weight: u64, stack: impl Iterator<Item = (bool, &'a str)>) {
        self.weight += weight;
        let mut at = self;
        for (kernel, name) in stack {
            at = at.callee(kernel, name);
            at.weight += weight;
        }
    }

    #[expect(clippy::indexing_slicing, reason = "found, or just added")]
    fn callee(&mut self, kernel: bool, name: &str) -> &mut Self {
        let at = self.callees.iter().position(|callee| callee.name == name).unwrap_or_else(|| {
            self.callees.push(Self { name: name.to_owned(), kernel, ..Self::default() });
            self.callees.len() - 1
        });
        &mut self.callees[at]
    }

    /// Returns how many frames of at least some weight lie upon each other at most.
    pub(crate) fn depth(&self, least: u64) -> usize {
        let callees = self.callees.iter().filter(|callee| callee.weight >= least);
        1 + callees.map(|callee| callee.depth(least)).max().unwrap_or_default()
    }
}

/// Reads address and function of a line.
fn frame(line: &str) -> Option<(bool, &str)> {
    let (address, name) = line.trim_start().split_once(' ')?;
    Some((address.len() == 16 && address.starts_with("ffffffff"), name.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "api \n\tffffffff822010c9 tcp_sendmsg\n\t          fa9886 netweave::listen::serve::{{closure}}\n\
        \tffffffffffffffff [unknown]\n\napi \n\t          d9ac8f memchr::find\n\t          fa9886 netweave::listen::serve::{{closure}}\n\n\
        main \n\t          d9ac8f [unknown]\n\n";

    #[test]
    fn stacks_are_folded_by_thread_and_function() {
        let root = Frame::of_script(SCRIPT);
        assert_eq!((root.weight, root.callees.len(), root.depth(1)), (3, 2, 4));
        let api = &root.callees[0];
        assert_eq!((api.name.as_str(), api.weight), ("api", 2));
        let serve = &api.callees[0];
        assert_eq!((serve.name.as_str(), serve.weight), ("netweave::listen::serve::{{closure}}", 2));
        let inner: Vec<_> =
            serve.callees.iter().map(|one| (one.name.as_str(), one.kernel, one.weight)).collect();
        assert_eq!(inner, [("tcp_sendmsg", true, 1), ("memchr::find", false, 1)]);
        assert!(root.callees[1].callees.is_empty(), "a frame without a name is left out at the outer end");
    }

    #[test]
    fn stacks_with_a_weight_are_folded_by_function() {
        let stacks = [(vec!["main", "f"], 30), (vec!["main"], 10), (vec!["main", "f", "g"], 2)];
        let root = Frame::of_stacks(stacks.into_iter());
        assert_eq!((root.weight, root.depth(1), root.depth(3)), (42, 4, 3));
        assert_eq!((root.callees[0].weight, root.callees[0].callees[0].weight), (42, 32));
    }

    #[test]
    fn nothing_has_no_samples() {
        assert_eq!(Frame::of_script("").weight, 0);
    }
}
