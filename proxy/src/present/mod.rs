//! Domain -> wire: spellings of the majors, pages, entity tags, and the description of the interface.

pub mod etag;
pub mod link;
pub mod openapi;
pub mod page;
pub mod spelling;
