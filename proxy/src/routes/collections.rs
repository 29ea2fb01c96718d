//! The read-only collections of the inventory: lists, objects, cloud, versions.
