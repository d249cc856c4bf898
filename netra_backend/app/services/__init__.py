"""What the conversation asks: who somebody is, and what their threads hold."""
