//! A view: the objects of one kind of one source, sorted and serialised once, patched in O(log n).
