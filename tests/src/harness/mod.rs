//! Starts what a test needs: the gateway, certificates, clients, consumers.
