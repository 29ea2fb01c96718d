//! Notifications on the wire: what is posted to a callback, how it is signed, and an inbox that receives it.

pub mod inbox;
pub mod notification;
pub mod sealing;
pub mod signature;
pub mod signers;
mod watched;
