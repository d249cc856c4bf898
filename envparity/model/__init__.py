"""Plain frozen data: what is compared, how it is booted and what is played. No I/O."""
