import * as z from "zod";

const text = z.string();
const taint = z.object({ key: text, value: text.optional(), effect: text });

/** A control plane writes it (`audit.py`), so every field is checked before it is believed. */
export const auditSchema = z.object({
  schema: z.literal("clowder.audit/v1"),
  uid: text,
  nonce: text,
  /** RFC 3339. */
  at: text.refine((value) => !Number.isNaN(Date.parse(value)), "not a time"),
  nodes: z.array(
    z.object({
      name: text,
      labels: z.record(text, text),
      taints: z.array(taint),
      providerId: text,
      kubeletVersion: text,
      runtime: text,
      /** Parts of KubeletConfiguration as kubelet's `/configz` tells them, or an error. */
      kubelet: z.record(text, z.unknown()),
    }),
  ),
  /** Flags of the API server of the machine that wrote this. */
  apiServer: z.record(text, text),
  encryptedWrites: z.number().nullable(),
  addOns: z.array(z.object({ kind: text, name: text, wanted: z.number(), ready: z.number() })),
});
export type Audit = z.infer<typeof auditSchema>;

/** Flags of the API server that follow from what was asked. */
export const AUDITED_FLAGS = ["authorization-mode", "encryption-provider-config", "service-cluster-ip-range"] as const;
