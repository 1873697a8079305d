"""`python -m cosimo` is `cosimo`."""

from cosimo.serve.cli import main

if __name__ == "__main__":
    main()
