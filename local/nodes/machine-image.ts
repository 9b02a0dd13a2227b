import { execFile } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { cached } from "../artifacts/cache";

const run = promisify(execFile);

/** What is in every machine. Debian and Ubuntu name them alike. */
const PACKAGES =
  "systemd systemd-sysv dbus cloud-init python3 curl ca-certificates openssl containerd runc iptables nftables ipset conntrack socat ethtool iproute2 kmod procps".split(" ");

/** Files without which a node works as well. Addresses come with the network: there is no DHCP, and cloud-init would wait for it. */
const LEFT_OUT = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*", "/sbin/dhclient", "/usr/sbin/dhclient"];

/** Units that a machine of its own would need, and that would change or wait for the one that all share. */
const MASKED = `
  systemd-modules-load.service kmod-static-nodes.service proc-sys-fs-binfmt_misc.automount systemd-binfmt.service
  sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount dev-hugepages.mount
  systemd-udevd.service systemd-udev-trigger.service systemd-udevd-kernel.socket systemd-udevd-control.socket
  systemd-pstore.service systemd-random-seed.service systemd-timesyncd.service systemd-hwdb-update.service systemd-firstboot.service
  systemd-repart.service systemd-journald-audit.socket systemd-logind.service dbus-org.freedesktop.login1.service
  getty.target getty-static.service console-getty.service fstrim.timer apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer
  cloud-init-hotplugd.socket
`.trim().split(/\s+/);

const OOM_SCRIPT = "/usr/local/lib/clowder/restrict-oom-score";

const files: Record<string, string> = {
  // Amazon's resolver for every VPC: https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
  "/etc/resolv.conf": "nameserver 169.254.169.253\n",
  "/etc/hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n",
  "/etc/fstab": "",
  "/etc/cloud/cloud.cfg.d/90_clowder.cfg": `datasource_list: [ Ec2 ]
datasource: { Ec2: { strict_id: false, metadata_urls: [ "http://169.254.169.254" ] } }
network: { config: disabled }
locale: C.UTF-8
`,
  "/etc/systemd/journald.conf.d/clowder.conf": "[Journal]\nStorage=persistent\nReadKMsg=no\nAudit=no\n",
  "/etc/systemd/system/containerd.service.d/clowder.conf": `[Service]\nExecStartPre=${OOM_SCRIPT}\n`,
  // Beside containerd 1's table there is one; in containerd 2's file there is none.
  [OOM_SCRIPT]: `#!/bin/sh
# Where root may not lower an OOM score (no CAP_SYS_RESOURCE), runc must not be asked to.
CONFIG=/etc/containerd/config.toml
bounds=$(sed -n 's/^CapBnd:\\t*//p' /proc/self/status)
[ $((0x$bounds >> 24 & 1)) = 0 ] && [ -e $CONFIG ] && ! grep -q restrict_oom_score_adj $CONFIG || exit 0
if grep -q '^version = 3' $CONFIG; then
  printf '[plugins."io.containerd.cri.v1.runtime"]\\n  restrict_oom_score_adj = true\\n' >>$CONFIG
else
  sed -i '/^\\[plugins."io.containerd.grpc.v1.cri"\\]$/a \\  restrict_oom_score_adj = true' $CONFIG
fi
`,
};

/** Where this machine's own packages come from, as `apt-get indextargets` prints them with SOURCE_FORMAT. */
export interface PackageSources {
  /** As in /etc/apt/sources.list. */
  lines: string[];
  /** bookworm, noble. */
  codename: string;
}

const SOURCE_FORMAT = "$(ORIGIN) $(SITE) $(RELEASE) $(COMPONENT)";

/**
 * The distribution's own sources among those of this machine, third parties' left out.
 * @throws Error in one sentence when there is none
 */
export function packageSources(indexTargets: string, osRelease: string): PackageSources {
  const codename = /^VERSION_CODENAME="?(\w+)/m.exec(osRelease)?.[1];
  const lines = indexTargets
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([origin, , release]) => ["Debian", "Ubuntu"].includes(origin!) && codename && release!.startsWith(codename))
    .map(([, site, release, component]) => `deb ${site} ${release} ${component}`);
  if (!codename || lines.length === 0)
    throw new Error("The machine image is made of Debian's or Ubuntu's packages, and apt on this machine has lists of neither: run apt-get update.");
  return { lines: [...new Set(lines)], codename };
}

/** All that an image is made of but the mirror's address and the packages' versions of the day. */
export const imageIngredients = ({ codename }: PackageSources): unknown[] => [codename, process.arch, PACKAGES, LEFT_OUT, MASKED, files];

/**
 * Root folder of the machine image: the distribution's systemd, cloud-init and containerd, with what a machine needs that shares its
 * kernel. Made once, in about a minute, into the cache outside the checkout; needs root.
 * @throws Error with mmdebstrap's last lines
 */
export async function ensureMachineImage(say: (line: string) => void): Promise<string> {
  const { stdout: targets } = await run("apt-get", ["indextargets", "--format", SOURCE_FORMAT, "Created-By: Packages"]);
  const { stdout: osRelease } = await run("cat", ["/etc/os-release"]);
  const sources = packageSources(targets, osRelease);
  const make = async (fresh: string) => {
    say(`machine image: ${PACKAGES.length} packages of ${sources.codename} and what they need`);
    const list = `${fresh}.list`;
    writeFileSync(list, `${sources.lines.join("\n")}\n`);
    const leftOut = LEFT_OUT.map((path) => `--dpkgopt=path-exclude=${path}`);
    const options = ["--mode=root", "--variant=apt", `--include=${PACKAGES.join(",")}`, ...leftOut];
    try {
      await run("mmdebstrap", [...options, sources.codename, fresh, list], { maxBuffer: 1 << 26 });
    } catch (error) {
      throw new Error(`mmdebstrap: ${String((error as { stderr?: string }).stderr).trim().split("\n").slice(-3).join(" ")}`);
    } finally {
      rmSync(list, { force: true });
    }
    furnish(fresh);
  };
  return cached("machine-image", imageIngredients(sources), make, { hashed: false });
}

function furnish(root: string): void {
  for (const path of ["/etc/hostname", "/etc/machine-id", "/etc/resolv.conf"]) rmSync(root + path, { force: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(root + path), { recursive: true });
    writeFileSync(root + path, text, { mode: text.startsWith("#!") ? 0o755 : 0o644 });
  }
  for (const unit of MASKED) {
    rmSync(`${root}/etc/systemd/system/${unit}`, { force: true });
    symlinkSync("/dev/null", `${root}/etc/systemd/system/${unit}`);
  }
  rmSync(`${root}/etc/systemd/system/default.target`, { force: true });
  symlinkSync("/lib/systemd/system/multi-user.target", `${root}/etc/systemd/system/default.target`);
}
