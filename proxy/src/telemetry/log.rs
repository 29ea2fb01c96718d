//! Log output: JSON lines or text, with the fixed field names.
