//! Error -> `ProblemDetails` and status: the only place that picks a status code.
