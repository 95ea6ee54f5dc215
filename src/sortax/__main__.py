"""`python -m sortax`: the guided tour."""

from sortax.tour import main

if __name__ == "__main__":
    raise SystemExit(main())
