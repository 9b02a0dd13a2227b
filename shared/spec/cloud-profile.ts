/**
 * AWS's parts of a cluster, by Kubernetes minor. Every image tag was seen in use in a public repository, named beside it, in November
 * 2026; a release on GitHub alone is no proof of an image. None of them was pulled by this project.
 */
export interface CloudProfile {
  /** kubelet and kube-controller-manager carry the AWS cloud provider until 1.26; after it a controller of its own does the work. */
  cloudProvider: "in-tree" | "external";
  /** Image of the external cloud controller manager. */
  cloudControllerManager?: string;
  /** Absent where the in-tree volume plugin serves EBS: the API server hands its volumes to the CSI driver from 1.23 on. */
  ebsCsi?: EbsCsiImages;
  /** Release of kubelet's ECR credential provider; in-tree kubelets have their own. */
  ecrCredentialProvider?: string;
  metricsServer: string;
}
export interface EbsCsiImages {
  driver: string;
  provisioner: string;
  attacher: string;
  resizer: string;
  registrar: string;
  livenessProbe: string;
}

const LAST_IN_TREE = 26;
const FIRST_CSI = 23;
/** Of which checksums are pinned; it speaks `credentialprovider.kubelet.k8s.io/v1`, kubelet's since 1.26. */
const ECR_CREDENTIAL_PROVIDER = "1.31.7";

/**
 * kOps, KubeOne and Constellation (the last by digest) for 27 to 34. For 36 no image was published in July 2026, though releases were: 35's
 * serves it too, as KubeOne does it.
 */
const CLOUD_CONTROLLER_MANAGERS: Record<number, string> = {
  27: "1.27.9",
  28: "1.28.10",
  29: "1.29.8",
  30: "1.30.8",
  31: "1.31.5",
  32: "1.32.1",
  33: "1.33.0",
  34: "1.34.3",
  35: "1.35.2",
};
const NEWEST_CLOUD_CONTROLLER_MANAGER = 35;

const sigStorage = (name: string, tag: string) => `registry.k8s.io/sig-storage/${name}:v${tag}`;

/** KubeOne 1.10 and 1.13. The older provisioner knows no `storage.k8s.io/v1` VolumeAttributesClass, which 1.34 brought. */
const EBS_CSI: Record<"until1.33" | "from1.34", EbsCsiImages> = {
  "until1.33": {
    driver: "public.ecr.aws/ebs-csi-driver/aws-ebs-csi-driver:v1.43.0",
    provisioner: sigStorage("csi-provisioner", "5.2.0"),
    attacher: sigStorage("csi-attacher", "4.8.1"),
    resizer: sigStorage("csi-resizer", "1.13.2"),
    registrar: sigStorage("csi-node-driver-registrar", "2.13.0"),
    livenessProbe: sigStorage("livenessprobe", "2.15.0"),
  },
  "from1.34": {
    driver: "public.ecr.aws/ebs-csi-driver/aws-ebs-csi-driver:v1.61.1",
    provisioner: sigStorage("csi-provisioner", "6.2.0"),
    attacher: sigStorage("csi-attacher", "4.11.0"),
    resizer: sigStorage("csi-resizer", "2.1.0"),
    registrar: sigStorage("csi-node-driver-registrar", "2.16.0"),
    livenessProbe: sigStorage("livenessprobe", "2.18.0"),
  },
};

/** Its README's compatibility matrix: 0.6 from 1.19 on, 0.7 from 1.27 on, 0.8 from 1.31 on. */
const metricsServer = (minor: number): string => (minor < 27 ? "0.6.4" : minor < 31 ? "0.7.2" : "0.8.1");

export function cloudProfile(minor: number): CloudProfile {
  const external = minor > LAST_IN_TREE;
  const release = CLOUD_CONTROLLER_MANAGERS[Math.min(minor, NEWEST_CLOUD_CONTROLLER_MANAGER)];
  return {
    cloudProvider: external ? "external" : "in-tree",
    ...(external && {
      cloudControllerManager: `registry.k8s.io/provider-aws/cloud-controller-manager:v${release}`,
      ecrCredentialProvider: ECR_CREDENTIAL_PROVIDER,
    }),
    ...(minor >= FIRST_CSI && { ebsCsi: EBS_CSI[minor < 34 ? "until1.33" : "from1.34"] }),
    metricsServer: `registry.k8s.io/metrics-server/metrics-server:v${metricsServer(minor)}`,
  };
}

/** What is untested about a minor's AWS parts, in sentences. */
export const cloudDoubts = (minor: number): string[] =>
  minor > NEWEST_CLOUD_CONTROLLER_MANAGER
    ? [`no image of AWS's cloud controller manager for 1.${minor} was known when this table was written: that of 1.${NEWEST_CLOUD_CONTROLLER_MANAGER} is used`]
    : [];
