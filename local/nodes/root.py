"""Runs as the first process of a node's process namespace: `root.py FOLDER CONSOLE BOOT`. Takes the node's other namespaces, puts its own
root together, moves into it and becomes systemd. What it mounts goes with it. Whatever would reach the machine itself is read-only,
private or empty.

https://systemd.io/CONTAINER_INTERFACE/
"""
import ctypes
import json
import os
import socket
import subprocess
import sys
import uuid

import cgroups

NEWNS, NEWCGROUP, NEWUTS, NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
RDONLY, NOSUID, NODEV, NOEXEC, REMOUNT, BIND, REC, PRIVATE, SHARED = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18, 1 << 20
DETACH = 2
libc = ctypes.CDLL(None, use_errno=True)
DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "fuse")
# containerd's and etcd's files lie on the disk itself: an overlay cannot be another overlay's upper folder.
DISK = {"containerd": "/var/lib/containerd", "kubelet": "/var/lib/kubelet", "etcd": "/var/lib/etcd"}
# kubelet rewrites these, and they are not in any namespace.
PRIVATE_SYSCTLS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
EXECUTED = {"container": "clowder", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


def mount(source, target, kind=None, flags=0, options=None):
    encoded = [text.encode() if text else None for text in (source, target, kind)]
    if libc.mount(*encoded, ctypes.c_ulong(flags), options.encode() if options else None):
        error = ctypes.get_errno()
        raise OSError(error, "mount %s on %s: %s" % (source, target, os.strerror(error)))


def bind(source, target, flags=0):
    mount(source, target, flags=BIND | REC)
    if flags:
        mount(None, target, flags=BIND | REMOUNT | flags)


def fresh(target, kind, flags=0, options=None):
    os.makedirs(target, exist_ok=True)
    mount(kind, target, kind, flags, options)


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def mount_root(folder, spec):
    """The image below, the node's own files above it."""
    root = folder + "/root"
    mount("overlay", root, "overlay", 0, "lowerdir=%s,upperdir=%s,workdir=%s" % (":".join(spec["layers"]), folder + "/upper", folder + "/work"))
    mount(None, root, flags=PRIVATE)
    for name, target in DISK.items():
        os.makedirs(root + target, exist_ok=True)
        bind(folder + "/disk/" + name, root + target)
    if spec.get("images"):
        os.makedirs(root + "/opt/clowder/images", exist_ok=True)
        bind(spec["images"], root + "/opt/clowder/images", RDONLY)
    return root


def mount_proc(root):
    fresh(root + "/proc", "proc", NOSUID | NODEV | NOEXEC)
    keys = root + "/proc/sys"
    bind(keys, keys, RDONLY)
    bind(keys + "/net", keys + "/net")
    mount(None, keys + "/net", flags=BIND | REMOUNT)
    for name, value in {**PRIVATE_SYSCTLS, "kernel/random/boot_id": str(uuid.uuid4())}.items():
        private = root + "/run/clowder-sysctl/" + name
        write(private, value + "\n")
        bind(private, keys + "/" + name)
    if os.path.exists(root + "/proc/sysrq-trigger"):
        bind(root + "/proc/sysrq-trigger", root + "/proc/sysrq-trigger", RDONLY)


def mount_sys(root, instance):
    """sysfs, read-only, and beside its folders the one by which software knows an EC2 instance, which only Xen's kernel makes:
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html"""
    sys_folder, whole = root + "/sys", root + "/run/clowder-sysfs"
    fresh(whole, "sysfs", NOSUID | NODEV | NOEXEC)
    fresh(sys_folder, "tmpfs", NOSUID | NODEV | NOEXEC, "mode=755")
    for name in os.listdir(whole):
        os.makedirs(sys_folder + "/" + name)
        bind(whole + "/" + name, sys_folder + "/" + name, RDONLY)
    write(sys_folder + "/hypervisor/uuid", "ec2%s\n" % instance[-5:])
    libc.umount2(whole.encode(), DETACH)
    os.rmdir(whole)
    mount_cgroups(sys_folder + "/fs/cgroup")
    mount("bpf", sys_folder + "/fs/bpf", "bpf", 0, "mode=700")
    mount(None, sys_folder, flags=REMOUNT | RDONLY)


def mount_cgroups(target):
    """The same hierarchies as this machine has: one cannot be put together in two ways."""
    if os.path.exists(cgroups.ROOT + "/cgroup.controllers"):
        return mount("cgroup2", target, "cgroup2")
    mount("tmpfs", target, "tmpfs", NOSUID | NODEV | NOEXEC, "mode=755")
    for entry in os.scandir(cgroups.ROOT):
        path = target + "/" + entry.name
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), path)
        elif entry.name == "unified":
            fresh(path, "cgroup2")
        elif entry.is_dir():
            fresh(path, "cgroup", options="none,name=systemd" if entry.name == "systemd" else entry.name)


def mount_devices(root, console):
    folder = root + "/dev"
    fresh(folder, "tmpfs", NOSUID, "mode=755")
    # Nothing is heard from or told to the machine's kernel log; kubelet wants the file.
    sources = {name: "/dev/" + name for name in DEVICES if os.path.exists("/dev/" + name)}
    for name, source in {**sources, "kmsg": "/dev/null", "console": console}.items():
        write(folder + "/" + name, "")
        bind(source, folder + "/" + name)
    fresh(folder + "/pts", "devpts", NOSUID | NOEXEC, "newinstance,ptmxmode=0666,mode=620,gid=5")
    fresh(folder + "/shm", "tmpfs", NOSUID | NODEV, "mode=1777")
    for name, target in {"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}.items():
        os.symlink(target, folder + "/" + name)


def move_into(root):
    """The old root is hidden below the new one and let go: pivot_root(2)."""
    os.chdir(root)
    subprocess.run(["pivot_root", ".", "."], check=True)
    libc.umount2(b".", DETACH)
    os.chdir("/")
    mount(None, "/", flags=SHARED | REC)


def main(folder, console, boot):
    with open(folder + "/spec.json") as file:
        spec = json.load(file)
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "clear-network.sh")) as file:
        clear_network = file.read()
    # First the cgroups: those that it is in become the roots of what it sees.
    cgroups.enter(spec["cgroups"])
    if libc.unshare(NEWNS | NEWCGROUP | NEWUTS | NEWIPC):
        raise OSError(ctypes.get_errno(), "unshare: " + os.strerror(ctypes.get_errno()))
    mount(None, "/", flags=PRIVATE | REC)
    socket.sethostname(spec["hostname"])
    root = mount_root(folder, spec)
    fresh(root + "/run", "tmpfs", NOSUID | NODEV, "mode=755")
    fresh(root + "/tmp", "tmpfs", NOSUID | NODEV, "mode=1777")
    mount_proc(root)
    mount_sys(root, spec["id"])
    mount_devices(root, console)
    move_into(root)
    if int(boot) > 1:
        subprocess.run(["sh", "-c", clear_network], env=EXECUTED)
    os.execve("/lib/systemd/systemd", ["systemd", "--system"], EXECUTED)


if __name__ == "__main__":
    main(*sys.argv[1:])
