/** Where kubelet's plugins lie, and the file that says which images each is for. */
export const CREDENTIAL_PROVIDER_FOLDER = "/opt/clowder/credential-provider";
export const CREDENTIAL_PROVIDERS = "/opt/clowder/credential-providers.yaml";

/** ECR in every partition, FIPS endpoints too: https://kubernetes.io/docs/tasks/administer-cluster/kubelet-credential-provider/ */
export const renderCredentialProviders = (): string => `apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
- name: ecr-credential-provider
  apiVersion: credentialprovider.kubelet.k8s.io/v1
  args:
  - get-credentials
  defaultCacheDuration: 12h0m0s
  matchImages:
  - "*.dkr.ecr.*.amazonaws.com"
  - "*.dkr.ecr.*.amazonaws.com.cn"
  - "*.dkr.ecr-fips.*.amazonaws.com"
`;
