"""A node's keeper, outside of it: `keeper.py FOLDER`. Holds its console and starts it again when it reboots, as a hypervisor would.
The node ends with its keeper."""
import ctypes
import json
import os
import pty
import signal
import sys
import termios
import time

import cgroups

HERE = os.path.dirname(os.path.abspath(__file__))
PR_SET_PDEATHSIG = 1
BOOT = ("unshare", "--pid", "--fork", "--kill-child")


def start(folder, spec, slave, boot):
    """unshare's process id: the parent of the node's first process."""
    console = os.ttyname(slave)
    process = os.fork()
    if process:
        return process
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        for descriptor in (0, 1, 2):
            os.dup2(slave, descriptor)
        os.closerange(3, 1024)
        os.execvp("nsenter", ["nsenter", "--net=" + spec["netns"], *BOOT, sys.executable, HERE + "/root.py", folder, console, str(boot)])
    except BaseException as error:
        os.write(2, ("clowder: %s\n" % error).encode())
    os._exit(127)


def child_of(process):
    """The first process of the node, as this machine numbers it; None when there is none (yet)."""
    try:
        with open("/proc/%d/task/%d/children" % (process, process)) as file:
            return int(file.read().split()[0])
    except (OSError, IndexError):
        return None


def note(folder, name, text):
    """Whole or not there."""
    with open(folder + "/" + name + ".part", "w") as file:
        file.write(text)
    os.rename(folder + "/" + name + ".part", folder + "/" + name)


def name_of(process):
    try:
        with open("/proc/%d/comm" % process) as file:
            return file.read().strip()
    except OSError:
        return None


def await_first(unshare):
    """The first process once it is systemd; None when the node ended before."""
    while not (first := child_of(unshare)) or name_of(first) != "systemd":
        if os.waitid(os.P_PID, unshare, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return None
        time.sleep(0.01)
    return first


def copy(master, log):
    """Until nothing holds the console any more."""
    while True:
        try:
            read = os.read(master, 65536)
        except OSError:
            return
        os.write(log, read.replace(b"\r", b""))


def run(folder):
    with open(folder + "/spec.json") as file:
        spec = json.load(file)
    log = os.open(folder + "/console.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    boots = 0
    while True:
        # What a boot left there would be taken for containers that run: kubelet asks for each of them for seconds.
        cgroups.remove(spec["cgroups"])
        cgroups.make(spec["cgroups"])
        master, slave = pty.openpty()
        attributes = termios.tcgetattr(slave)
        attributes[1] &= ~termios.ONLCR
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        boots += 1
        unshare = start(folder, spec, slave, boots)
        os.close(slave)
        first = await_first(unshare)
        if first:
            note(folder, "first.json", json.dumps({"pid": first, "boot": boots}))
        copy(master, log)
        _, status = os.waitpid(unshare, 0)
        os.close(master)
        if first:
            os.remove(folder + "/first.json")
        # reboot(2) in a pid namespace: SIGHUP is a restart, SIGINT the end.
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGHUP:
            return


if __name__ == "__main__":
    run(sys.argv[1])
