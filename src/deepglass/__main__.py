"""`python -m deepglass VERB`: the command line where no script `deepglass` is on the path."""

from deepglass.cli.main import main

if __name__ == "__main__":
    main()
