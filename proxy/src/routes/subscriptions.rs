//! The subscriptions of the O2-IMS interface.
