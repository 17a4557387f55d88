"""How much memory there is."""

SHARE = 0.25  # of the memory that is free: below it, a set is held as one array of canvases


def free() -> int:
    """Bytes that could be used now, as far as the system tells; 4 GB where it does not."""
    try:
        with open("/proc/meminfo", encoding="ascii") as table:  # noqa: PTH123
            rows = dict(line.split(":", 1) for line in table)
        return int(rows["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return 4 * 2**30
