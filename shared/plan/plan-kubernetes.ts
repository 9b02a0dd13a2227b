import { nthAddress, parseCidr } from "../spec/cidr";
import type { Deployment } from "../spec/deployment";
import type { Manifest } from "../spec/manifest";
import { versionProfile } from "../spec/version-profile";
import type { CloudPlan, InstancePlan, KubernetesPlan } from "./cluster-plan";
import { PROBE_PORT } from "./security-groups";

const FIRST_PROBE_NODE_PORT = 31000;

/**
 * What runs on the nodes. Every name and address of the API server is known here, so its certificate never changes; the load
 * balancer's DNS name is not among them, kubeconfigs say `tls-server-name: api.internal.<cluster>` instead.
 */
export function planKubernetes(
  manifest: Manifest,
  deployment: Pick<Deployment, "proberImage" | "artifacts" | "cloudProvider">,
  { nonce, instances, probeClient }: { nonce: string; instances: InstancePlan[]; probeClient: InstancePlan },
): KubernetesPlan {
  const { name, clusterDomain, masterPublicName } = manifest;
  const internalName = `api.internal.${name}`;
  const addresses = instances.flatMap(({ role, privateAddress }) => (role === "control-plane" && privateAddress ? [privateAddress] : []));
  const inside = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", `kubernetes.default.svc.${clusterDomain}`];
  return {
    podCidr: manifest.podCidr,
    serviceCidr: manifest.serviceCidr,
    clusterDns: manifest.clusterDns,
    clusterDomain,
    endpoint: `${addresses.length === 1 ? addresses[0] : internalName}:6443`,
    internalName,
    certificateNames: [...new Set([...inside, internalName, masterPublicName, ...addresses, apiServiceAddress(manifest), "127.0.0.1"])],
    controlPlaneAddresses: addresses,
    anonymousAuth: manifest.kubelet.anonymousAuth,
    allowContainerRegistry: manifest.allowContainerRegistry,
    cloud: planCloud(manifest, deployment),
    metricsServer: manifest.metricsServer,
    encryptSecrets: manifest.encryptSecrets,
    masterPublicName,
    calico: manifest.calico,
    runNonce: nonce,
    probe: {
      clientAddress: probeClient.privateAddress!,
      clientPort: PROBE_PORT,
      firstNodePort: FIRST_PROBE_NODE_PORT,
      image: deployment.proberImage,
    },
    artifacts: deployment.artifacts,
  };
}

function planCloud({ kubernetesVersion, ebs, allowContainerRegistry }: Manifest, { cloudProvider }: Pick<Deployment, "cloudProvider">): CloudPlan {
  const cloud = versionProfile(kubernetesVersion)?.cloud;
  if (!cloud || cloudProvider === "none") return { provider: "none", ebsCsi: false, storageClass: false, ecrCredentials: false };
  return {
    provider: cloud.cloudProvider,
    ebsCsi: ebs.csiDriver && cloud.ebsCsi !== undefined,
    storageClass: ebs.storageClass && (ebs.csiDriver || cloud.ebsCsi === undefined),
    ecrCredentials: allowContainerRegistry && cloud.ecrCredentialProvider !== undefined,
  };
}

/** The API server's Service takes the first address of the service range. */
const apiServiceAddress = ({ serviceCidr }: Manifest): string => nthAddress(parseCidr(serviceCidr)!, 1);
