//! Follow: the change log -> the views.
