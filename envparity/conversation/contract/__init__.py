"""The contract: what an AsyncAPI document, 2.x or 3.x, says against a frame, a close or a handshake."""
