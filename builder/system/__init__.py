"""Access to the machine: other programs, the console, settings, files, ports, virtualenvs."""
