"""The tests mirror the modules and run on real artefacts."""
