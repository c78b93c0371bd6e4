"""``python -m smilecam``: the command line."""

from smilecam.cli import run

if __name__ == "__main__":
    run()
