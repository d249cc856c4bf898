"""What a message of the wire says: one file for each codec, which reads messages as frames and writes them."""
