import { randomInt } from "node:crypto";
import type { ControlPlaneMaterial } from "./pki";

/** `join/node.json`: what a worker needs to join and to trust the control plane. */
export interface JoinMaterial {
  token: string;
  caCertHash: string;
  endpoint: string;
  "ca.crt": string;
}

export const joinMaterial = ({ token, caCertHash, endpoint, files }: ControlPlaneMaterial): JoinMaterial => ({
  token,
  caCertHash,
  endpoint,
  "ca.crt": files["ca.crt"],
});

/** A bootstrap token's alphabet: https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/ */
export const newToken = (): string => `${word(6)}.${word(16)}`;
const word = (length: number): string => Array.from({ length }, () => randomInt(36).toString(36)).join("");
