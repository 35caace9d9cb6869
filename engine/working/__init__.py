"""Many workers for one index: files are queued once, and indexed by whichever machine comes."""
