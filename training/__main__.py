"""`python -m training` is the `regulars` command."""

from training.cli import main

if __name__ == "__main__":
    main()
