//! Decorators over the backend port: time-out, retry, limits, breaker, observation.
