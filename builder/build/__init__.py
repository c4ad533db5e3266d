"""A release into a checked wheel in the output directory, one or many."""
