"""Every mend rests on lines of the emulator that may change: it takes them by the digest of their source."""
import hashlib
import inspect
from importlib.metadata import version


def digest(source):
    return hashlib.sha256(source.encode()).hexdigest()[:12]


def take(holder, name, expected):
    """`holder.name`, if its source (or text) is the one the mend was written for; ends the process otherwise."""
    found = getattr(holder, name, None)
    code = found.fget if isinstance(found, property) else found
    source = code if isinstance(code, str) else inspect.getsource(code) if code else ""
    if digest(source) != expected:
        package = (holder.__module__ if inspect.isclass(holder) else holder.__name__).partition(".")[0]
        raise SystemExit(
            f"{package} {version(package)}: {holder.__name__}.{name} is not what local/emulators/mends expects "
            f"(digest {digest(source)}, expected {expected}): review the mend that takes it, then pin the new digest"
        )
    return found
