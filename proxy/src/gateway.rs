//! The only implementation of `ProxyHttp`: Pingora's session <-> plain HTTP types.
