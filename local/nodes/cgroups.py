"""A node's own cgroup in every hierarchy of this machine; each becomes the root that the node sees."""
import errno
import os
import signal
import time

ROOT = "/sys/fs/cgroup"
# cgroup v2: what kubelet and containerd need handed down.
CONTROLLERS = ("cpu", "cpuset", "memory", "pids")


def layout():
    """`v2` where everything is in one hierarchy, `v1` where controllers have hierarchies of their own, None where neither is mounted."""
    if os.path.exists(ROOT + "/cgroup.controllers"):
        return "v2"
    return "v1" if os.path.isdir(ROOT + "/memory") and os.path.isdir(ROOT + "/systemd") else None


def hierarchies(proc_self_cgroup, kind):
    """(controllers, folder of this process's own cgroup), one for each mounted hierarchy."""
    found = []
    for line in proc_self_cgroup.splitlines():
        _, controllers, path = line.split(":", 2)
        if kind == "v2":
            # Beside the other processes of our own cgroup no controller could be handed down; the root may.
            return [("", ROOT)]
        mount = os.path.join(ROOT, controllers.replace("name=", "", 1) if controllers else "unified")
        if os.path.isdir(mount):
            found.append((controllers, os.path.normpath(mount + path)))
    return found


def planned(node):
    """The folders that `make` makes for this node."""
    with open("/proc/self/cgroup") as file:
        return [os.path.join(own, "clowder-" + node) for _, own in hierarchies(file.read(), layout())]


def make(folders):
    for folder in folders:
        above = os.path.dirname(folder)
        if above == ROOT:
            for name in CONTROLLERS:
                write(above + "/cgroup.subtree_control", "+" + name)
        os.makedirs(folder, exist_ok=True)
        # A new cpuset of v1 is empty, and an empty one takes no process.
        for name in ("cpuset.cpus", "cpuset.mems") if "/cpuset/" in folder + "/" else ():
            with open(above + "/" + name) as file:
                write(folder + "/" + name, file.read())


def enter(folders):
    for folder in folders:
        write(folder + "/cgroup.procs", "0")


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def below(folder):
    """The folder and all cgroups in it, deepest first."""
    return [path for path, _, _ in os.walk(folder, topdown=False)]


def processes(folders):
    """Ids of every process in the cgroups or below."""
    found = set()
    for folder in folders:
        for path in below(folder):
            try:
                with open(path + "/cgroup.procs") as file:
                    found.update(int(line) for line in file.read().split() if line != "0")
            except OSError:
                pass  # gone since
    return found


def remove(folders, seconds=20):
    """Ends every process in them and removes them. @raises TimeoutError naming what stays"""
    deadline = time.monotonic() + seconds
    while True:
        for process in processes(folders):
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        left = [folder for folder in folders if not removed(folder)]
        if not left:
            return
        if time.monotonic() > deadline:
            raise TimeoutError("these cgroups do not empty: " + " ".join(left))
        time.sleep(0.05)


def removed(folder):
    for path in below(folder):
        try:
            os.rmdir(path)
        except OSError as error:
            # Ended processes leave it a moment later.
            if error.errno != errno.ENOENT:
                return False
    return True
