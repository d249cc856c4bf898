"""The conversation at `/ws`: handshake, wire, messages, one manager per connection."""
