import checksums from "./artifact-checksums.json";
import { type CloudProfile, cloudDoubts, cloudProfile } from "./cloud-profile";
import type { Manifest } from "./manifest";

/** What a Kubernetes version needs on a node. Versions are written without `v`. */
export interface VersionProfile {
  /** `1.34` */
  minor: string;
  /** The newest patch known when this table was written: what a refusal suggests. Any patch of the minor is accepted. */
  newest: string;
  kubeadmApi: "v1beta2" | "v1beta3" | "v1beta4";
  /** dockershim left kubelet with 1.24. The first is kOps' default for the version. */
  runtimes: Manifest["containerRuntime"][];
  /** The default; `networking.calico.version` may choose another of `calicoVersions`. */
  calico: string;
  containerd: string;
  runc: string;
  cniPlugins: string;
  crictl: string;
  /** Felix falls back silently below it. */
  kernelFloor: "5.3";
  /** kubelet starts only on cgroup v2 (1.35 and later, unless it is told otherwise). */
  needsCgroup2: boolean;
  cloud: CloudProfile;
  /** What was not tested together when this table was written: sentences for a warning. */
  doubts: string[];
}

/** Calico's releases that may be asked for, each with the first and last Kubernetes minor it is used with; 3.32 is the newest. */
const CALICO: Record<string, [first: number, last: number]> = {
  "3.17.6": [19, 19],
  "3.20.6": [19, 21],
  "3.24.6": [21, 25],
  "3.25.2": [23, 28],
  "3.26.5": [24, 28],
  "3.27.5": [27, 29],
  "3.28.5": [27, 30],
  "3.29.7": [29, 32],
  "3.30.7": [30, 35],
  "3.31.7": [32, 35],
  "3.32.1": [34, 37],
};
/** The last minor that a Calico release names as tested. */
const CALICO_TESTED_UNTIL = 36;

/** Minor, newest patch, Calico. Releases 3.31 and 3.32 hide failed loads of BPF programs, so 3.30 is taken wherever it fits. */
const MINORS: [minor: number, patch: number, calico: keyof typeof CALICO][] = [
  [19, 16, "3.17.6"],
  [20, 15, "3.20.6"],
  [21, 14, "3.24.6"],
  [22, 17, "3.24.6"],
  [23, 17, "3.25.2"],
  [24, 17, "3.26.5"],
  [25, 16, "3.26.5"],
  [26, 15, "3.26.5"],
  [27, 16, "3.28.5"],
  [28, 15, "3.28.5"],
  [29, 15, "3.29.7"],
  [30, 14, "3.29.7"],
  [31, 14, "3.30.7"],
  [32, 13, "3.30.7"],
  [33, 12, "3.30.7"],
  [34, 8, "3.30.7"],
  [35, 5, "3.30.7"],
  [36, 1, "3.32.1"],
  [37, 2, "3.32.1"],
];

const kubeadmApi = (minor: number): VersionProfile["kubeadmApi"] => (minor < 22 ? "v1beta2" : minor < 31 ? "v1beta3" : "v1beta4");

function runtimes(minor: number): VersionProfile["runtimes"] {
  if (minor > 23) return ["containerd"];
  return minor < 20 ? ["docker", "containerd"] : ["containerd", "docker"];
}

/** containerd 2 has no CRI v1alpha2, which kubelets before 1.26 may speak; 1.36 expects 2.2 or later. */
const containerd = (minor: number): Pick<VersionProfile, "containerd" | "runc"> =>
  minor < 31 ? { containerd: "1.7.32", runc: "1.2.9" } : { containerd: minor < 36 ? "2.1.7" : "2.2.4", runc: "1.3.5" };

const doubts = (minor: number, calico: string): string[] => [
  ...(minor > CALICO_TESTED_UNTIL ? [`Calico ${calico} was tested with Kubernetes up to 1.${CALICO_TESTED_UNTIL}`] : []),
  ...cloudDoubts(minor),
];

const PROFILES: Map<string, VersionProfile> = new Map(
  MINORS.map(([minor, patch, calico]) => [
    `1.${minor}`,
    {
      minor: `1.${minor}`,
      newest: `1.${minor}.${patch}`,
      kubeadmApi: kubeadmApi(minor),
      runtimes: runtimes(minor),
      calico,
      ...containerd(minor),
      cniPlugins: "1.6.2",
      crictl: "1.29.0",
      kernelFloor: "5.3",
      needsCgroup2: minor >= 35,
      cloud: cloudProfile(minor),
      doubts: doubts(minor, calico),
    },
  ]),
);

const VERSION = /^(\d{1,4})\.(\d{1,4})\.(0|[1-9]\d{0,3})$/;

/** The profile of `x.y.z`; undefined for a version outside the table, or for text that is no version. */
export function versionProfile(version: string): VersionProfile | undefined {
  const [, major, minor] = VERSION.exec(version) ?? [];
  return PROFILES.get(`${major}.${minor}`);
}

/** The versions that work nearest to `version` (which may lack its patch), nearest first. */
export function nearestVersions(version: string, count = 2): string[] {
  const [major = 0, minor = 0] = version.split(".").map((part) => Number.parseInt(part, 10) || 0);
  const wanted = major * 1000 + minor;
  const distance = (profile: VersionProfile): number => Math.abs(1000 + Number(profile.minor.split(".")[1]) - wanted);
  return [...PROFILES.values()]
    .sort((a, b) => distance(a) - distance(b))
    .slice(0, count)
    .map((profile) => profile.newest);
}

/** The profile nearest to `profile` of which `fits` holds, the newer of two. */
export function nearestProfile(profile: VersionProfile, fits: (other: VersionProfile) => boolean): VersionProfile | undefined {
  const minorOf = ({ minor }: VersionProfile) => Number(minor.split(".")[1]);
  const distance = (other: VersionProfile) => Math.abs(minorOf(other) - minorOf(profile));
  return [...PROFILES.values()].filter(fits).sort((a, b) => distance(a) - distance(b) || minorOf(b) - minorOf(a))[0];
}

/** Calico releases that may run on this Kubernetes version, oldest first. */
export function calicoVersions(profile: VersionProfile): string[] {
  const minor = Number(profile.minor.split(".")[1]);
  return Object.keys(CALICO).filter((release) => CALICO[release]![0] <= minor && minor <= CALICO[release]![1]);
}

/**
 * Published SHA-256 of an artifact, by the path of its public URL, such as `/release/v1.34.8/bin/linux/amd64/kubelet`.
 * Undefined for what is not listed: the `.sha256` beside the file is the source then.
 */
export function artifactChecksum(path: string): string | undefined {
  return Object.hasOwn(checksums, path) ? (checksums as Record<string, string>)[path] : undefined;
}
