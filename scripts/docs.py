"""Write the generated parts of docs/ anew: `python scripts/docs.py`. A test finds stale ones."""

from pathlib import Path

from sightline.data import inventory

DATA_SETS = Path(__file__).parent.parent / "docs" / "data-sets.md"


def main() -> None:
    text = DATA_SETS.read_text("utf-8")
    begin, end = inventory.GENERATED
    before, after = text.split(begin, 1)[0], text.split(end, 1)[1]
    DATA_SETS.write_text(f"{before}{inventory.to_markdown()}{after}", "utf-8")


if __name__ == "__main__":
    main()
