"""`python -m builder VERB …`: hands the words to the command line and nothing more."""

from builder.cli import main

if __name__ == "__main__":
    main()
