//! Runs services as Pingora background services.
