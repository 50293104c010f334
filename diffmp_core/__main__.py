"""``python -m diffmp_core`` is ``diffmp`` (for torchrun)."""

from diffmp_core.cli import run

if __name__ == "__main__":
    run()
