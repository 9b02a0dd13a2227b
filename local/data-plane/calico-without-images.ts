import { calicoKinds, daemonSet } from "./kinds";

/**
 * Calico's DaemonSet as far as its pods' start, for a place where its images cannot be had: nodes stay NotReady, and the create has to
 * end with `CalicoUnavailable`. Not Calico's manifest; what would run after the images is left out.
 */
export function calicoWithoutImages(calicoVersion: string): object[] {
  const image = (name: string): string => `quay.io/calico/${name}:v${calicoVersion}`;
  const pod = {
    initContainers: [{ name: "install-cni", image: image("cni"), command: ["/opt/cni/bin/install"] }],
    containers: [{ name: "calico-node", image: image("node") }],
  };
  return [...calicoKinds, daemonSet({ name: "calico-node", pod })];
}
