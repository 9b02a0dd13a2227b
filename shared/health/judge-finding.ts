import type { Finding } from "./judge";

/** Lines of calico-node's log that name a fault; the first has two spaces before `Disabling`. */
export const faults = {
  fallback: /BPF dataplane mode enabled but not supported by the kernel/,
  programs: /Failed to load CO-RE object/,
  healthz: /[Hh]ealthz server failed/,
};

export interface Trouble {
  status: "False" | "Unknown";
  reason: string;
  message: string;
}
/** What several nodes show as one finding: False beats Unknown, the first gives the reason, three give the message. */
export function finding(check: string, troubles: Trouble[], fine: { reason: string; message: string }): Finding {
  const worst = troubles.filter(({ status }) => status === "False");
  const told = worst.length > 0 ? worst : troubles;
  const [first] = told;
  if (!first) return { check, status: "True", ...fine };
  const alike = told.filter(({ reason }) => reason === first.reason);
  const more = alike.length > 3 ? `; and ${alike.length - 3} more` : "";
  return {
    check,
    ...first,
    message:
      alike
        .slice(0, 3)
        .map(({ message }) => message)
        .join("; ") + more,
  };
}
export const no = (reason: string, message: string): Trouble => ({ status: "False", reason, message });
export const unknown = (reason: string, message: string): Trouble => ({ status: "Unknown", reason, message });
