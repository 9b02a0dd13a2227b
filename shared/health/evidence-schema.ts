import * as z from "zod";
import type { Evidence } from "./evidence";

const text = z.string();
const count = z.number().int().min(0);
const time = z.string().refine((value) => !Number.isNaN(Date.parse(value)), "not a time");
const failure = z.object({ error: text });

const pathProbe = z.object({
  enteredAt: text,
  backendNode: text,
  attempts: z.array(z.object({ ok: z.boolean(), seconds: z.number().min(0), clientAddress: text.optional(), error: text.optional() })),
});

const node = z.object({
  name: text,
  ready: z.boolean(),
  networkUnavailable: z.boolean().nullable(),
  internalAddress: text,
  kernel: text,
  metrics: z.union([z.object({ first: text, second: text, secondsApart: z.number() }), failure]),
  healthz: z.union([z.object({ status: z.number(), body: text }), failure]),
  faultLines: z.array(text),
});

/** A node writes evidence, so every field is checked before it is believed. */
export const evidenceSchema: z.ZodType<Evidence> = z.object({
  schema: z.literal("clowder.evidence/v1"),
  uid: text,
  nonce: text,
  startedAt: time,
  endedAt: time,
  collectedBy: text,
  desired: z.object({
    felixConfigurations: z.record(text, z.record(text, z.unknown())),
    calicoNodeEnvironment: z.record(text, text),
    ipPools: z.array(z.object({ name: text, cidr: text, vxlanMode: text, ipipMode: text })),
    servicesEndpoint: z.object({ host: text, port: text }).nullable(),
  }),
  kubeProxy: z.object({ daemonSets: z.array(text), pods: z.array(text) }),
  calicoNode: z.object({
    desired: count,
    updated: count,
    ready: count,
    pods: z.array(z.object({ name: text, node: text, ready: z.boolean(), restarts: count, image: text, waiting: text.optional() })),
  }),
  nodes: z.array(node),
  traffic: z.object({
    client: z.object({ instanceId: text, address: text }).nullable(),
    nodePort: z.array(pathProbe),
    podToService: z.array(pathProbe),
    dns: z.array(z.object({ node: text, ok: z.boolean(), error: text.optional() })),
    negativeControl: z.object({ denied: z.array(pathProbe), restored: z.array(pathProbe) }).nullable(),
    error: text.optional(),
  }),
});
