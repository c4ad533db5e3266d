"""What is asserted about a running Jupyter, one module for each kind of question."""
