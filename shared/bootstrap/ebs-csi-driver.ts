import type { EbsCsiImages } from "../spec/cloud-profile";
import { type KubernetesObject, confined, daemonSet, deployment, granted, requests, rule, serviceAccount } from "./kubernetes-objects";

export const EBS_PROVISIONER = "ebs.csi.aws.com";
const CONTROLLER = "ebs-csi-controller";
const NODE = "ebs-csi-node";
const PLUGIN = `/var/lib/kubelet/plugins/${EBS_PROVISIONER}`;
const SOCKET = { name: "plugin", mountPath: "/csi" };
/** Both are in the host's network, and on one machine where it is a control plane. */
const HEALTH_PORT = { controller: 9809, node: 9808 };

interface Driver {
  images: EbsCsiImages;
  cluster: string;
  region: string;
  /** Tags of every volume beside the cluster's own: by them a delete finds a volume that no machine holds. */
  tags: Record<string, string>;
}

/** AWS's EBS CSI driver, its objects written for its documented interface: https://github.com/kubernetes-sigs/aws-ebs-csi-driver/tree/master/docs */
export const ebsCsiDriver = (driver: Driver): KubernetesObject[] => [
  { apiVersion: "storage.k8s.io/v1", kind: "CSIDriver", metadata: { name: EBS_PROVISIONER }, spec: { attachRequired: true, podInfoOnMount: false } },
  serviceAccount(CONTROLLER),
  serviceAccount(NODE),
  ...granted(CONTROLLER, CONTROLLER, "ClusterRole", [
    rule("", "persistentvolumes", "get list watch create patch update delete"),
    rule("", "persistentvolumeclaims", "get list watch patch update"),
    rule("", "persistentvolumeclaims/status", "patch update"),
    rule("", "events", "get list watch create patch update"),
    rule("", "nodes pods", "get list watch"),
    rule("storage.k8s.io", "storageclasses csinodes volumeattributesclasses", "get list watch"),
    rule("storage.k8s.io", "volumeattachments", "get list watch patch update"),
    rule("storage.k8s.io", "volumeattachments/status", "patch"),
  ]),
  ...granted(NODE, NODE, "ClusterRole", [
    rule("", "nodes", "get patch"),
    rule("storage.k8s.io", "csinodes", "get"),
    rule("storage.k8s.io", "volumeattachments", "get list watch"),
  ]),
  controller(driver),
  nodePlugin(driver),
];

function controller({ images, cluster, region, tags }: Driver): KubernetesObject {
  const sidecar = (name: string, image: string, ...args: string[]) => ({
    name,
    image,
    args: ["--csi-address=/csi/csi.sock", "--v=2", ...args],
    volumeMounts: [SOCKET],
    resources: requests("5m", "20Mi"),
    securityContext: confined,
  });
  return deployment({
    name: CONTROLLER,
    account: CONTROLLER,
    priority: "system-cluster-critical",
    on: "control-planes",
    containers: [
      {
        name: "ebs-plugin",
        image: images.driver,
        args: ["controller", "--endpoint=unix:///csi/csi.sock", `--k8s-tag-cluster-id=${cluster}`, `--extra-tags=${extraTags(tags)}`, "--v=2"],
        env: [ownNode, { name: "AWS_REGION", value: region }],
        volumeMounts: [SOCKET],
        livenessProbe: healthProbe(HEALTH_PORT.controller),
        resources: requests("10m", "40Mi"),
        securityContext: confined,
      },
      sidecar("csi-provisioner", images.provisioner, "--extra-create-metadata", "--default-fstype=ext4", "--timeout=60s"),
      sidecar("csi-attacher", images.attacher, "--timeout=60s"),
      sidecar("csi-resizer", images.resizer, "--timeout=60s"),
      sidecar("liveness-probe", images.livenessProbe, `--http-endpoint=127.0.0.1:${HEALTH_PORT.controller}`),
    ],
    volumes: [{ name: "plugin", emptyDir: {} }],
  });
}

function nodePlugin({ images }: Driver): KubernetesObject {
  const folder = (name: string, path: string, type: string) => ({ name, hostPath: { path, type } });
  return daemonSet({
    name: NODE,
    account: NODE,
    priority: "system-node-critical",
    on: "every node",
    containers: [
      {
        name: "ebs-plugin",
        image: images.driver,
        args: ["node", "--endpoint=unix:///csi/csi.sock", "--v=2"],
        env: [ownNode],
        volumeMounts: [{ name: "kubelet", mountPath: "/var/lib/kubelet", mountPropagation: "Bidirectional" }, SOCKET, { name: "devices", mountPath: "/dev" }],
        livenessProbe: healthProbe(HEALTH_PORT.node),
        resources: requests("10m", "40Mi"),
        // It formats and mounts devices of the machine.
        securityContext: { privileged: true, readOnlyRootFilesystem: true },
      },
      {
        name: "node-driver-registrar",
        image: images.registrar,
        args: ["--csi-address=/csi/csi.sock", `--kubelet-registration-path=${PLUGIN}/csi.sock`, "--v=2"],
        volumeMounts: [SOCKET, { name: "registration", mountPath: "/registration" }],
        resources: requests("5m", "20Mi"),
        securityContext: confined,
      },
      {
        name: "liveness-probe",
        image: images.livenessProbe,
        args: ["--csi-address=/csi/csi.sock", `--http-endpoint=127.0.0.1:${HEALTH_PORT.node}`],
        volumeMounts: [SOCKET],
        resources: requests("5m", "20Mi"),
        securityContext: confined,
      },
    ],
    volumes: [
      folder("kubelet", "/var/lib/kubelet", "Directory"),
      folder("plugin", PLUGIN, "DirectoryOrCreate"),
      folder("registration", "/var/lib/kubelet/plugins_registry", "DirectoryOrCreate"),
      folder("devices", "/dev", "Directory"),
    ],
  });
}

const ownNode = { name: "CSI_NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } };
const healthProbe = (port: number) => ({ httpGet: { host: "127.0.0.1", path: "/healthz", port }, initialDelaySeconds: 10, timeoutSeconds: 3, failureThreshold: 5 });

/** The driver sets the cluster's own tags, refuses keys below `kubernetes.io`, and parts pairs at `,` and at the first `=`. */
const extraTags = (tags: Record<string, string>): string =>
  Object.entries(tags)
    .filter(([key, value]) => !/^kubernetes\.io|^KubernetesCluster$|[=,]/.test(key) && !value.includes(","))
    .map(([key, value]) => `${key}=${value}`)
    .join(",");

/** The default class: encrypted, made where its pod runs. gp3 by the CSI driver; the in-tree plugin knows gp2 only. */
export function storageClass(csi: boolean): KubernetesObject {
  const type = csi ? "gp3" : "gp2";
  return {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name: type, annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
    provisioner: csi ? EBS_PROVISIONER : "kubernetes.io/aws-ebs",
    parameters: { type, encrypted: "true" },
    reclaimPolicy: "Delete",
    allowVolumeExpansion: true,
    volumeBindingMode: "WaitForFirstConsumer",
  };
}
