"""Build one or many releases into checked wheels in the output directory."""
