//! What O2-IMS does not define: `/netweave/v1/`.
