"""Many files: finding, planning, reading ahead in processes, committing."""
