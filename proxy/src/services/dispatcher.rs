//! Dispatcher: event x subscriptions -> per-subscription queues.
