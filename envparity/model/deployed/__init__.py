"""What already runs somewhere: where it is, and how one shows who one is. Looked at, never ordered or broken."""
