//! What the chain knows of one request.
