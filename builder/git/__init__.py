"""Work with upstream's repository and with our own, by GitPython and the system's git."""
