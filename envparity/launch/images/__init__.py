"""Images by their content: what is built, from what, by whom, and what is in them."""
