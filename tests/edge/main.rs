//! Hostile and malformed requests against the edge.
