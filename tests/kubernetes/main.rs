//! The whole gateway before a real kube-apiserver.
