/** The few numbers of Felix's metrics that say whether BPF is in use; the samples are in Prometheus' text format. */
export interface FelixNumbers {
  /** Interfaces that BPF programs are for. */
  endpoints: number;
  /** Interfaces whose programs could not be brought up. */
  dirty: number;
  /** Workload interfaces whose programs are up. */
  happy: number;
  localEndpoints: number;
  /** 3 is in sync. */
  resyncState: number;
  conntrackSweeps: number;
}

const series: Record<keyof FelixNumbers, string> = {
  endpoints: "felix_bpf_dataplane_endpoints",
  dirty: "felix_bpf_dirty_dataplane_endpoints",
  happy: "felix_bpf_happy_dataplane_endpoints",
  localEndpoints: "felix_active_local_endpoints",
  resyncState: "felix_resync_state",
  conntrackSweeps: "felix_bpf_conntrack_sweeps",
};

/** The numbers, or the names of the series that are not there. */
export function readFelixMetrics(text: string): FelixNumbers | { missing: string[] } {
  const values = new Map<string, number>();
  for (const line of text.split("\n")) {
    const match = /^([a-z_]+)(?:\{[^}]*\})? (\S+)/.exec(line);
    if (match) values.set(match[1]!, Number(match[2]));
  }
  const missing = Object.values(series).filter((name) => !Number.isFinite(values.get(name)));
  if (missing.length > 0) return { missing };
  return Object.fromEntries(Object.entries(series).map(([key, name]) => [key, values.get(name)])) as unknown as FelixNumbers;
}
