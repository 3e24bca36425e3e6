"""Peak memory of this process; it imports nothing that would count itself."""


def peak_mebibytes() -> float:
    """Peak resident memory since the interpreter started.

    On Linux from the kernel's table of this program: ``ru_maxrss`` also remembers how large the parent was.
    """
    try:
        with open("/proc/self/status", encoding="ascii") as lines:
            return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        import resource
        import sys

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)
