"""`python -m sightline`, and so `torchrun -m sightline`."""

from sightline.cli import main

if __name__ == "__main__":
    main()
