"""`python -m auricle`."""

from auricle.cli.main import run

if __name__ == "__main__":
    run()
