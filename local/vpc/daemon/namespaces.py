"""Network namespaces of this run, named `clowder-<pid of the daemon>-<name>` below /run/netns, so that those of a run that was killed are
told from those of one that lives: a living daemon holds the lock of `/run/clowder-<pid>.lock`. setns(2): https://man7.org/linux/man-pages/man2/setns.2.html"""
import asyncio
import ctypes
import fcntl
import glob
import os
import signal
from contextlib import contextmanager

FOLDER = "/run/netns"
LOCK = "/run/clowder-{}.lock"
STAMP = "clowder-"
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def full_name(name, pid=None):
    return f"{STAMP}{pid or os.getpid()}-{name}"


def enter(descriptor):
    """Moves this thread; sockets made and /proc/sys/net read or written from now on are those of that namespace."""
    if libc.setns(descriptor, CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "setns")


async def run(*command, text=""):
    """Ends well or raises RuntimeError with the program's own words."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    said, _ = await process.communicate(text.encode())
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: {said.decode(errors='replace').strip()[:800]}")
    return said.decode()


class Namespace:
    """One that this run made. Everything between `with space:` is done inside and must not wait."""

    def __init__(self, name):
        self.name = full_name(name)
        self.descriptor = None

    async def make(self):
        await run("ip", "netns", "add", self.name)
        self.descriptor = os.open(f"{FOLDER}/{self.name}", os.O_RDONLY | os.O_CLOEXEC)
        await self.ip("link set lo up")
        return self

    @contextmanager
    def entered(self):
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            enter(self.descriptor)
            yield
        finally:
            enter(home)
            os.close(home)

    def sysctl(self, values):
        with self.entered():
            for path, value in values.items():
                with open(f"/proc/sys/net/{path}", "w") as file:
                    file.write(str(value))

    async def ip(self, *lines):
        """`ip` commands, all in one process; the first that fails raises."""
        if lines:
            await run("ip", "-n", self.name, "-batch", "-", text="\n".join(lines) + "\n")

    async def nft(self, ruleset):
        await run("nsenter", f"--net={FOLDER}/{self.name}", "nft", "-f", "-", text=ruleset)

    async def remove(self):
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None
        await remove(self.name)


async def remove(name):
    """What still runs inside is ended: nothing but what was put there does."""
    for pid in (await run("ip", "netns", "pids", name)).split():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            pass
    await run("ip", "netns", "delete", name)


def present(pid):
    stamp = full_name("", pid)
    return sorted(name for name in (os.listdir(FOLDER) if os.path.isdir(FOLDER) else ()) if name.startswith(stamp))


def hold_lock():
    """The file has its name only once it is locked: another daemon would take it for a dead one's."""
    name = LOCK.format(os.getpid())
    lock = open(f"{name}.new", "w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.rename(f"{name}.new", name)
    return lock, name


async def remove_dead_runs():
    """Names of what runs that were killed had left, now gone. A run that lives keeps its own."""
    removed = []
    for path in glob.glob(LOCK.format("*")):
        try:
            with open(path) as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                removed += await remove_run(path.split("-")[-1].removesuffix(".lock"))
                os.unlink(path)
        except (BlockingIOError, FileNotFoundError):
            continue
    return removed + await remove_run(os.getpid())


async def remove_run(pid):
    names = present(pid)
    for name in names:
        await remove(name)
    return names
