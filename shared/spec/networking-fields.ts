import { type FieldTable, honoured, only, refused, refusedChoice, warned } from "./field-table";

const otherNetwork = refusedChoice(
  "it builds another network; readiness here is the proof of Calico's eBPF data plane: use networking.calico",
);

const calico: FieldTable = {
  version: honoured,
  awsSrcDstCheck: honoured,
  bpfEnabled: honoured,
  bpfExternalServiceMode: honoured,
  bpfLogLevel: honoured,
  encapsulationMode: honoured,
  ipipMode: honoured,
  vxlanMode: honoured,
  mtu: honoured,
  logSeverityScreen: honoured,
  registry: refused("images come from Calico's own registry"),
  allowIPForwarding: refused("pods do not forward packets"),
  bpfKubeProxyIptablesCleanupEnabled: warned("no kube-proxy leaves rules behind"),
  chainInsertMode: only(["insert", "Insert"], "Felix's rules must come first"),
  cpuRequest: warned("Calico's own requests are used"),
  crossSubnet: warned("kOps ignores it since 1.22: use vxlanMode"),
  ipv4AutoDetectionMethod: only(["first-found"], "nodes have one interface"),
  ipv6AutoDetectionMethod: refused("IPv6 is not served"),
  iptablesBackend: only(["Auto"], "Felix finds the backend itself"),
  majorVersion: warned("kOps ignores it since 1.20: use version"),
  prometheusMetricsEnabled: only([true], "Felix's metrics are part of the evidence"),
  prometheusMetricsPort: only([9091], "the evidence is read there"),
  prometheusGoMetricsEnabled: warned("Felix's defaults are used"),
  prometheusProcessMetricsEnabled: warned("Felix's defaults are used"),
  typhaPrometheusMetricsEnabled: refused("no Typha runs in clusters of this size"),
  typhaPrometheusMetricsPort: warned("no Typha runs in clusters of this size"),
  typhaReplicas: only([0], "no Typha runs in clusters of this size"),
  wireguardEnabled: refused("WireGuard is not set up"),
};

/** kOps' NetworkingSpec: one choice among plugins, of which Calico is the one served. */
export const networkingFields: FieldTable = {
  calico,
  classic: otherNetwork,
  kubenet: otherNetwork,
  external: otherNetwork,
  cni: otherNetwork,
  kopeio: otherNetwork,
  weave: otherNetwork,
  flannel: otherNetwork,
  canal: otherNetwork,
  kuberouter: otherNetwork,
  "kube-router": otherNetwork,
  romana: otherNetwork,
  amazonvpc: otherNetwork,
  cilium: otherNetwork,
  lyftvpc: otherNetwork,
  gce: otherNetwork,
  gcp: otherNetwork,
  kindnet: otherNetwork,
};
