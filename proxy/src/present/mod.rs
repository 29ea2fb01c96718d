//! Domain -> wire: spellings of the majors, selectors, pages, entity tags.
