"""One machine made of namespaces: systemd, journald and cloud-init are real, kernel and clock are this machine's.

    node.py up SPEC.json        answers when its first process has started
    node.py reboot ID           the same disk, a second boot; answers when the new first process has started
    node.py exec ID COMMAND...  in the node, as root
    node.py console ID          what was printed to its console since the first boot
    node.py down ID             removes all of it, however far it was made; twice is once
    node.py list                ids of the nodes there are, whole or not

Needs root. SPEC: {"id", "hostname", "netns": path of a network namespace with its interfaces set up, "folder": of this node alone, on a
real filesystem, "layers": root folders of the machine image, the upper first, "store"?: containerd's folder to begin with, "images"?: folder of image
archives, "files"?: {path: text}, put over the image's}.
"""
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import cgroups

HERE = os.path.dirname(os.path.abspath(__file__))
# By id, a link to the node's folder.
NODES = "/run/clowder/nodes"
# systemd gives its units 90 s to stop before a reboot.
BOOT_SECONDS = 120
INSIDE = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}


def folder_of(node):
    return os.readlink(os.path.join(NODES, node))


def read(folder, name):
    """A note of the keeper's or the spec; None where it is not there."""
    try:
        with open(os.path.join(folder, name)) as file:
            return json.load(file)
    except FileNotFoundError:
        return None


def wait_for_boot(folder, boot, keeper_ended=lambda: False):
    deadline = time.monotonic() + BOOT_SECONDS
    while time.monotonic() < deadline and not keeper_ended():
        first = read(folder, "first.json")
        if first and first["boot"] >= boot:
            return first
        time.sleep(0.02)
    said = ""
    for name in ("keeper.log", "console.log"):
        with open(os.path.join(folder, name)) as file:
            said += file.read()[-1000:]
    sys.exit("the node did not start: " + said)


def up(path):
    with open(path) as file:
        spec = json.load(file)
    node, folder = spec["id"], os.path.abspath(spec["folder"])
    if re.search(r"[^\w.-]", node) or re.search(r"[:,\\]", "".join([folder, *spec["layers"]])):
        sys.exit("an id has letters, digits, dots and dashes; the paths of a node have no colon, comma or backslash")
    os.makedirs(NODES, exist_ok=True)
    try:
        os.symlink(folder, os.path.join(NODES, node))
    except FileExistsError:
        sys.exit("there is a node %s: take it down first" % node)
    for name in ("upper", "work", "root", "disk/kubelet", "disk/etcd"):
        os.makedirs(os.path.join(folder, name))
    spec["cgroups"] = cgroups.planned(node)
    with open(folder + "/spec.json", "w") as file:
        json.dump(spec, file, indent=2)
    copy_store(spec.get("store"), folder + "/disk/containerd")
    write_files(folder + "/upper", spec)
    # It outlives this process, and is found again by its cgroup.
    keeper = subprocess.Popen([sys.executable, HERE + "/keeper.py", folder], start_new_session=True, cwd="/", stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=open(folder + "/keeper.log", "w"))
    print(json.dumps(wait_for_boot(folder, 1, lambda: keeper.poll() is not None)))


def copy_store(store, target):
    """What containerd never writes again, blobs and layers, is linked where it lies on the same filesystem; its databases are copied."""
    if not store:
        return os.makedirs(target)
    if os.stat(store).st_dev != os.stat(os.path.dirname(target)).st_dev:
        return subprocess.run(["cp", "-a", store, target], check=True)
    subprocess.run(["cp", "-al", store, target], check=True)
    for folder, _, names in os.walk(target):
        for name in (name for name in names if name.endswith(".db")):
            path = os.path.join(folder, name)
            shutil.copy2(path, path + ".own")
            os.replace(path + ".own", path)


def write_files(upper, spec):
    files = {
        "/etc/hostname": spec["hostname"] + "\n",
        # As first boots go this one is not: systemd would enable all that is there.
        "/etc/machine-id": hashlib.sha256(spec["id"].encode()).hexdigest()[:32] + "\n",
        **(spec.get("files") or {}),
    }
    for path, text in files.items():
        os.makedirs(os.path.dirname(upper + path), exist_ok=True)
        with open(upper + path, "w") as file:
            file.write(text)


def command_in(folder, command):
    first, spec = read(folder, "first.json"), read(folder, "spec.json")
    # Its number may be another process's by now.
    if not first or first["pid"] not in cgroups.processes(spec["cgroups"]):
        sys.exit("the node is not running")
    words = " ".join("%s=%s" % item for item in INSIDE.items()).split(" ")
    return ["nsenter", "--target", str(first["pid"]), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd",
            "env", "-i", *words, *command]


def execute(node, *command):
    program = command_in(folder_of(node), command)
    os.execvp(program[0], program)


def reboot(node):
    folder = folder_of(node)
    boot = read(folder, "first.json")["boot"] + 1
    # Without logind it complains and reboots.
    subprocess.run(command_in(folder, ["systemctl", "reboot"]), check=True, stderr=subprocess.DEVNULL)
    print(json.dumps(wait_for_boot(folder, boot)))


def console(node):
    with open(os.path.join(folder_of(node), "console.log")) as file:
        shutil.copyfileobj(file, sys.stdout)


def down(node):
    try:
        folder = folder_of(node)
    except FileNotFoundError:
        return
    spec = read(folder, "spec.json")
    if spec:
        end_keeper(folder)
        cgroups.remove(spec["cgroups"])
    shutil.rmtree(folder, ignore_errors=False) if os.path.isdir(folder) else None
    os.remove(os.path.join(NODES, node))


def end_keeper(folder):
    """Found by what it runs: a number in a file may be another process's by now."""
    wanted = [HERE + "/keeper.py", folder]
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % process) as file:
                if file.read().split("\0")[1:3] == wanted:
                    os.kill(int(process), signal.SIGKILL)
        except (OSError, UnicodeDecodeError):
            pass  # ended since


def show_all():
    print("\n".join(sorted(os.listdir(NODES) if os.path.isdir(NODES) else [])))


if __name__ == "__main__":
    commands = {"up": up, "reboot": reboot, "exec": execute, "console": console, "down": down, "list": show_all}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])
