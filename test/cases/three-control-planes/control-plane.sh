#!/bin/bash
# Clowder's control-plane script of three.k8s.local (a1b2c3d4e5); the service rendered it and its SHA-256 is in user data.
KUBERNETES_VERSION='1.34.8'
CONTAINER_RUNTIME='containerd'
CRI_SOCKET='unix:///run/containerd/containerd.sock'
IMAGE_REPOSITORY='registry.k8s.io'
KERNEL_FLOOR='5.3'
CONTAINERD_FLOOR='1.6.0'
NEEDS_CRICTL=''
ECR_CREDENTIALS=''
INTERNAL_NAME='api.internal.three.k8s.local'
CONTROL_PLANE_ADDRESSES='172.20.32.10 172.20.64.10 172.20.96.10'
CALICO_MTU=''
LIMIT_MATERIAL='180'
LIMIT_ARTIFACTS='600'
LIMIT_RUNTIME='300'
LIMIT_CONTROL_PLANE_UP='420'
LIMIT_CALICO_APPLIED='240'
LIMIT_ADD_ONS_APPLIED='120'
LIMIT_REGISTERED='120'
mkdir -p /opt/clowder
cat >/opt/clowder/artifacts.tsv <<'END_OF_CLOWDER_FILE'
kubeadm	amd64	https://dl.k8s.io/release/v1.34.8/bin/linux/amd64/kubeadm	27ec4962fc855f4e7fdc3875aa275168a66e721c27533c4953294968da96e7e5
kubelet	amd64	https://dl.k8s.io/release/v1.34.8/bin/linux/amd64/kubelet	117ff5f6923c9ab4af7fa4e995a2bdc48b4b0f84d00017b4d7368e1e861e84f2
kubectl	amd64	https://dl.k8s.io/release/v1.34.8/bin/linux/amd64/kubectl	f6249132865c13abe3c9dd5038f5da65849cb86eee1608c001831504e481aa8c
containerd	amd64	https://github.com/containerd/containerd/releases/download/v2.1.7/containerd-2.1.7-linux-amd64.tar.gz	a04a39607d6a54f467c93fcd0b78ee31a1f4a3b90e76938dcfe9005ccf6a5f36
runc	amd64	https://github.com/opencontainers/runc/releases/download/v1.3.5/runc.amd64	66fa8390be8fb3b23dfbb60c767368bb5b51f1acfa88692bbff1a82953d4d9e9
crictl	amd64	https://github.com/kubernetes-sigs/cri-tools/releases/download/v1.29.0/crictl-v1.29.0-linux-amd64.tar.gz	d16a1ffb3938f5a19d5c8f45d363bd091ef89c0bc4d44ad16b933eede32fdcbb
kubeadm	arm64	https://dl.k8s.io/release/v1.34.8/bin/linux/arm64/kubeadm	7b06f4442a7a819fcb4e0697721a2e4a8acda068d66ecfb4e781f213ee804884
kubelet	arm64	https://dl.k8s.io/release/v1.34.8/bin/linux/arm64/kubelet	5d8d62d15f18c18998af09fcab83420b9cbccc2be7fede2a0b26f4a3f523c6b5
kubectl	arm64	https://dl.k8s.io/release/v1.34.8/bin/linux/arm64/kubectl	4c9fe1f717738950c638c38056130a8db5075e6413ae36d8687221a240cdf88b
containerd	arm64	https://github.com/containerd/containerd/releases/download/v2.1.7/containerd-2.1.7-linux-arm64.tar.gz	5e6a05fc6990912f856fab297bee13b6ba83ff4e9b6b3bc507da33da8c1f5b5f
runc	arm64	https://github.com/opencontainers/runc/releases/download/v1.3.5/runc.arm64	bd843d75a788e612c9df286b1fa519a44fcbb7a7b8d01e2268431433cc7c718c
crictl	arm64	https://github.com/kubernetes-sigs/cri-tools/releases/download/v1.29.0/crictl-v1.29.0-linux-arm64.tar.gz	0b615cfa00c331fb9c4524f3d4058a61cc487b33a3436d1269e7832cf283f925
calico	any	https://raw.githubusercontent.com/projectcalico/calico/v3.30.7/manifests/calico-vxlan.yaml	f54d9437d0596895d217db6ad4966d861e5c052cd0f900888e9c5dc2f8b0e606
END_OF_CLOWDER_FILE
mkdir -p /opt/clowder
cat >/opt/clowder/groups.json <<'END_OF_CLOWDER_FILE'
{
  "control-plane-us-east-1a": {
    "labels": {
      "kops.k8s.io/instancegroup": "control-plane-us-east-1a",
      "node-role.kubernetes.io/control-plane": ""
    },
    "taints": null
  },
  "control-plane-us-east-1b": {
    "labels": {
      "kops.k8s.io/instancegroup": "control-plane-us-east-1b",
      "node-role.kubernetes.io/control-plane": ""
    },
    "taints": null
  },
  "control-plane-us-east-1c": {
    "labels": {
      "kops.k8s.io/instancegroup": "control-plane-us-east-1c",
      "node-role.kubernetes.io/control-plane": ""
    },
    "taints": null
  },
  "nodes": {
    "labels": {
      "kops.k8s.io/instancegroup": "nodes",
      "node-role.kubernetes.io/node": "",
      "disk": "fast"
    },
    "taints": [
      {
        "key": "dedicated",
        "value": "batch",
        "effect": "PreferNoSchedule"
      }
    ]
  }
}
END_OF_CLOWDER_FILE
mkdir -p /opt/clowder
cat >/opt/clowder/material.py <<'END_OF_CLOWDER_FILE'
"""Join material from the bucket, put where kubeadm looks for it.

    material.py pki SOURCE DIRECTORY     the cluster's keys and certificates, keys for root alone
    material.py ca SOURCE FILE           the cluster's CA certificate
    material.py fill TEMPLATE SOURCE     prints a kubeadm configuration with this node's facts and the token filled in
"""
import datetime
import json
import os
import re
import sys

# Settings of kubelet that a prepared image needs; KubeletConfiguration is the last document of the template.
KUBELET_ADDITIONS = "/etc/clowder/kubelet.yaml"


def load(path):
    with open(path) as file:
        return json.load(file)


def write(path, text, mode):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)
    os.chmod(path, mode)


def pki(source, directory):
    material = load(source)
    token_seconds(material["tokenExpiry"])
    for name, text in material["files"].items():
        path = os.path.join(directory, name)
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        write(path, text, 0o644 if name.endswith((".crt", ".pub")) else 0o600)


def ca(source, path):
    write(path, load(source)["ca.crt"], 0o644)


def token_seconds(expiry):
    """kubeadm takes 0 for "never": a token whose time has passed must not become one that never ends."""
    end = datetime.datetime.strptime(expiry.split(".")[0].rstrip("Z"), "%Y-%m-%dT%H:%M:%S")
    seconds = int((end - datetime.datetime.utcnow()).total_seconds())
    if seconds < 60:
        sys.exit("the bootstrap token of this cluster ended at %s" % expiry)
    return seconds


def facts(material):
    group = os.environ.get("CLOWDER_GROUP", "")
    found = {
        "ADDRESS": os.environ["CLOWDER_ADDRESS"],
        "NODE_NAME": os.environ["CLOWDER_NODE_NAME"],
        "GROUP": group,
        "TAINTS": load("/opt/clowder/groups.json")[group]["taints"],
        "CGROUP_DRIVER": os.environ.get("CGROUP_DRIVER", "systemd"),
        "TOKEN": material["token"],
        "CA_CERT_HASH": material["caCertHash"],
    }
    if "tokenExpiry" in material:
        found["TOKEN_TTL"] = "%ds" % token_seconds(material["tokenExpiry"])
    return found


def fill(template, source):
    known = facts(load(source))
    with open(template) as file:
        text = file.read()
    # A placeholder that is a whole value may become any JSON, which is YAML too; inside a longer one it becomes words.
    text = re.sub(r'"@([A-Z_]+)@"', lambda match: json.dumps(known[match.group(1)]), text)
    text = re.sub(r"@([A-Z_]+)@", lambda match: str(known[match.group(1)]), text)
    if "kind: KubeletConfiguration" in text and os.path.exists(KUBELET_ADDITIONS):
        with open(KUBELET_ADDITIONS) as file:
            text += file.read()
    sys.stdout.write(text)


if __name__ == "__main__":
    os.umask(0o077)
    {"pki": pki, "ca": ca, "fill": fill}[sys.argv[1]](*sys.argv[2:])
END_OF_CLOWDER_FILE
mkdir -p /opt/clowder
cat >/opt/clowder/kubeadm-join.yaml <<'END_OF_CLOWDER_FILE'
apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery:
  bootstrapToken:
    token: "@TOKEN@"
    apiServerEndpoint: "api.internal.three.k8s.local:6443"
    caCertHashes:
    - "@CA_CERT_HASH@"
timeouts:
  discovery: 2m0s
controlPlane:
  localAPIEndpoint:
    advertiseAddress: "@ADDRESS@"
    bindPort: 6443
nodeRegistration:
  name: "@NODE_NAME@"
  criSocket: unix:///run/containerd/containerd.sock
  imagePullPolicy: IfNotPresent
  taints: "@TAINTS@"
  kubeletExtraArgs:
  - name: node-ip
    value: "@ADDRESS@"
  - name: node-labels
    value: clowder.io/instance-group=@GROUP@
  - name: cloud-provider
    value: external
END_OF_CLOWDER_FILE
mkdir -p /opt/clowder
cat >/opt/clowder/kubeadm-init.yaml <<'END_OF_CLOWDER_FILE'
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
bootstrapTokens:
- token: "@TOKEN@"
  ttl: "@TOKEN_TTL@"
localAPIEndpoint:
  advertiseAddress: "@ADDRESS@"
  bindPort: 6443
nodeRegistration:
  name: "@NODE_NAME@"
  criSocket: unix:///run/containerd/containerd.sock
  imagePullPolicy: IfNotPresent
  taints: "@TAINTS@"
  kubeletExtraArgs:
  - name: node-ip
    value: "@ADDRESS@"
  - name: node-labels
    value: clowder.io/instance-group=@GROUP@
  - name: cloud-provider
    value: external
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
clusterName: three.k8s.local
kubernetesVersion: v1.34.8
controlPlaneEndpoint: "api.internal.three.k8s.local:6443"
imageRepository: registry.k8s.io
apiServer:
  certSANs:
  - "kubernetes"
  - "kubernetes.default"
  - "kubernetes.default.svc"
  - "kubernetes.default.svc.cluster.local"
  - "api.internal.three.k8s.local"
  - "api.three.k8s.local"
  - "172.20.32.10"
  - "172.20.64.10"
  - "172.20.96.10"
  - "100.64.0.1"
  - "127.0.0.1"
dns:
  imageRepository: registry.k8s.io/coredns
networking:
  dnsDomain: cluster.local
  podSubnet: 100.96.0.0/11
  serviceSubnet: 100.64.0.0/13
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous:
    enabled: false
  webhook:
    enabled: true
authorization:
  mode: Webhook
cgroupDriver: "@CGROUP_DRIVER@"
clusterDNS:
- 100.64.0.10
clusterDomain: cluster.local
serverTLSBootstrap: false
END_OF_CLOWDER_FILE
mkdir -p /opt/clowder/calico
cat >/opt/clowder/calico/services-endpoint.yaml <<'END_OF_CLOWDER_FILE'
apiVersion: v1
kind: ConfigMap
metadata:
  name: kubernetes-services-endpoint
  namespace: kube-system
data:
  KUBERNETES_SERVICE_HOST: "api.internal.three.k8s.local"
  KUBERNETES_SERVICE_PORT: "6443"
END_OF_CLOWDER_FILE
mkdir -p /opt/clowder/calico
cat >/opt/clowder/calico/configuration.yaml <<'END_OF_CLOWDER_FILE'
apiVersion: crd.projectcalico.org/v1
kind: FelixConfiguration
metadata:
  name: default
spec:
  awsSrcDstCheck: DoNothing
  bpfEnabled: true
  bpfExternalServiceMode: DSR
  bpfLogLevel: "Off"
  ipipEnabled: false
  prometheusMetricsEnabled: true
  vxlanEnabled: true
---
apiVersion: crd.projectcalico.org/v1
kind: IPPool
metadata:
  name: default-ipv4-ippool
spec:
  blockSize: 26
  cidr: 100.96.0.0/11
  ipipMode: Never
  natOutgoing: true
  nodeSelector: all()
  vxlanMode: CrossSubnet
END_OF_CLOWDER_FILE
mkdir -p /opt/clowder
cat >/opt/clowder/cluster-admins.yaml <<'END_OF_CLOWDER_FILE'
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: clowder:cluster-admins
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: cluster-admin
subjects:
- apiGroup: rbac.authorization.k8s.io
  kind: Group
  name: clowder:cluster-admins
END_OF_CLOWDER_FILE
mkdir -p /opt/clowder
cat >/opt/clowder/add-ons.yaml <<'END_OF_CLOWDER_FILE'
apiVersion: v1
kind: ServiceAccount
metadata:
  name: cloud-controller-manager
  namespace: kube-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: cloud-controller-manager:apiserver-authentication-reader
  namespace: kube-system
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: extension-apiserver-authentication-reader
subjects:
  - kind: ServiceAccount
    name: cloud-controller-manager
    namespace: kube-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: system:cloud-controller-manager
rules:
  - apiGroups:
      - ""
    resources:
      - nodes
    verbs:
      - get
      - list
      - watch
      - patch
      - update
      - delete
  - apiGroups:
      - ""
    resources:
      - nodes/status
    verbs:
      - patch
      - update
  - apiGroups:
      - ""
    resources:
      - services
    verbs:
      - get
      - list
      - watch
      - patch
      - update
  - apiGroups:
      - ""
    resources:
      - services/status
    verbs:
      - patch
      - update
  - apiGroups:
      - ""
    resources:
      - endpoints
    verbs:
      - get
      - list
      - watch
  - apiGroups:
      - ""
    resources:
      - events
    verbs:
      - create
      - patch
      - update
  - apiGroups:
      - ""
    resources:
      - serviceaccounts
    verbs:
      - get
      - list
      - watch
  - apiGroups:
      - ""
    resources:
      - persistentvolumes
    verbs:
      - get
      - list
      - watch
      - patch
      - update
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: system:cloud-controller-manager
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: system:cloud-controller-manager
subjects:
  - kind: ServiceAccount
    name: cloud-controller-manager
    namespace: kube-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: cloud-controller-manager:leader
  namespace: kube-system
rules:
  - apiGroups:
      - coordination.k8s.io
    resources:
      - leases
    verbs:
      - create
      - get
      - list
      - watch
      - update
      - patch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: cloud-controller-manager:leader
  namespace: kube-system
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: cloud-controller-manager:leader
subjects:
  - kind: ServiceAccount
    name: cloud-controller-manager
    namespace: kube-system
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: aws-cloud-controller-manager
  namespace: kube-system
  labels:
    k8s-app: aws-cloud-controller-manager
spec:
  selector:
    matchLabels:
      k8s-app: aws-cloud-controller-manager
  template:
    metadata:
      labels:
        k8s-app: aws-cloud-controller-manager
    spec:
      serviceAccountName: cloud-controller-manager
      priorityClassName: system-node-critical
      hostNetwork: true
      dnsPolicy: Default
      tolerations:
        - operator: Exists
      nodeSelector:
        kubernetes.io/os: linux
        node-role.kubernetes.io/control-plane: ""
      containers:
        - name: aws-cloud-controller-manager
          image: registry.k8s.io/provider-aws/cloud-controller-manager:v1.34.3
          args:
            - --v=2
            - --cloud-provider=aws
            - --cluster-name=three.k8s.local
            - --configure-cloud-routes=false
            - --allocate-node-cidrs=false
            - --leader-elect-resource-namespace=kube-system
          env:
            - name: KUBERNETES_SERVICE_HOST
              value: api.internal.three.k8s.local
            - name: KUBERNETES_SERVICE_PORT
              value: "6443"
          resources:
            requests:
              cpu: 50m
              memory: 64Mi
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop:
                - ALL
  updateStrategy:
    type: RollingUpdate
---
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata:
  name: ebs.csi.aws.com
spec:
  attachRequired: true
  podInfoOnMount: false
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: ebs-csi-controller
  namespace: kube-system
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: ebs-csi-node
  namespace: kube-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: ebs-csi-controller
rules:
  - apiGroups:
      - ""
    resources:
      - persistentvolumes
    verbs:
      - get
      - list
      - watch
      - create
      - patch
      - update
      - delete
  - apiGroups:
      - ""
    resources:
      - persistentvolumeclaims
    verbs:
      - get
      - list
      - watch
      - patch
      - update
  - apiGroups:
      - ""
    resources:
      - persistentvolumeclaims/status
    verbs:
      - patch
      - update
  - apiGroups:
      - ""
    resources:
      - events
    verbs:
      - get
      - list
      - watch
      - create
      - patch
      - update
  - apiGroups:
      - ""
    resources:
      - nodes
      - pods
    verbs:
      - get
      - list
      - watch
  - apiGroups:
      - storage.k8s.io
    resources:
      - storageclasses
      - csinodes
      - volumeattributesclasses
    verbs:
      - get
      - list
      - watch
  - apiGroups:
      - storage.k8s.io
    resources:
      - volumeattachments
    verbs:
      - get
      - list
      - watch
      - patch
      - update
  - apiGroups:
      - storage.k8s.io
    resources:
      - volumeattachments/status
    verbs:
      - patch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: ebs-csi-controller
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: ebs-csi-controller
subjects:
  - kind: ServiceAccount
    name: ebs-csi-controller
    namespace: kube-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: ebs-csi-node
rules:
  - apiGroups:
      - ""
    resources:
      - nodes
    verbs:
      - get
      - patch
  - apiGroups:
      - storage.k8s.io
    resources:
      - csinodes
    verbs:
      - get
  - apiGroups:
      - storage.k8s.io
    resources:
      - volumeattachments
    verbs:
      - get
      - list
      - watch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: ebs-csi-node
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: ebs-csi-node
subjects:
  - kind: ServiceAccount
    name: ebs-csi-node
    namespace: kube-system
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ebs-csi-controller
  namespace: kube-system
  labels:
    k8s-app: ebs-csi-controller
spec:
  replicas: 1
  strategy:
    type: Recreate
  selector:
    matchLabels:
      k8s-app: ebs-csi-controller
  template:
    metadata:
      labels:
        k8s-app: ebs-csi-controller
    spec:
      serviceAccountName: ebs-csi-controller
      priorityClassName: system-cluster-critical
      hostNetwork: true
      dnsPolicy: Default
      tolerations:
        - operator: Exists
      nodeSelector:
        kubernetes.io/os: linux
        node-role.kubernetes.io/control-plane: ""
      containers:
        - name: ebs-plugin
          image: public.ecr.aws/ebs-csi-driver/aws-ebs-csi-driver:v1.61.1
          args:
            - controller
            - --endpoint=unix:///csi/csi.sock
            - --k8s-tag-cluster-id=three.k8s.local
            - --extra-tags=cost-centre=4711,team=blue,clowder:uid=a1b2c3d4e5,clowder:deployment=dev,owner=arn:aws:iam::111122223333:user/alice,managed-by=clowder,expires-at=2026-11-25T10:55:00Z,cloud-nuke-after=2026-11-25T10:55:00Z
            - --v=2
          env:
            - name: CSI_NODE_NAME
              valueFrom:
                fieldRef:
                  fieldPath: spec.nodeName
            - name: AWS_REGION
              value: us-east-1
          volumeMounts:
            - name: plugin
              mountPath: /csi
          livenessProbe:
            httpGet:
              host: 127.0.0.1
              path: /healthz
              port: 9809
            initialDelaySeconds: 10
            timeoutSeconds: 3
            failureThreshold: 5
          resources:
            requests:
              cpu: 10m
              memory: 40Mi
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop:
                - ALL
        - name: csi-provisioner
          image: registry.k8s.io/sig-storage/csi-provisioner:v6.2.0
          args:
            - --csi-address=/csi/csi.sock
            - --v=2
            - --extra-create-metadata
            - --default-fstype=ext4
            - --timeout=60s
          volumeMounts:
            - name: plugin
              mountPath: /csi
          resources:
            requests:
              cpu: 5m
              memory: 20Mi
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop:
                - ALL
        - name: csi-attacher
          image: registry.k8s.io/sig-storage/csi-attacher:v4.11.0
          args:
            - --csi-address=/csi/csi.sock
            - --v=2
            - --timeout=60s
          volumeMounts:
            - name: plugin
              mountPath: /csi
          resources:
            requests:
              cpu: 5m
              memory: 20Mi
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop:
                - ALL
        - name: csi-resizer
          image: registry.k8s.io/sig-storage/csi-resizer:v2.1.0
          args:
            - --csi-address=/csi/csi.sock
            - --v=2
            - --timeout=60s
          volumeMounts:
            - name: plugin
              mountPath: /csi
          resources:
            requests:
              cpu: 5m
              memory: 20Mi
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop:
                - ALL
        - name: liveness-probe
          image: registry.k8s.io/sig-storage/livenessprobe:v2.18.0
          args:
            - --csi-address=/csi/csi.sock
            - --v=2
            - --http-endpoint=127.0.0.1:9809
          volumeMounts:
            - name: plugin
              mountPath: /csi
          resources:
            requests:
              cpu: 5m
              memory: 20Mi
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop:
                - ALL
      volumes:
        - name: plugin
          emptyDir: {}
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: ebs-csi-node
  namespace: kube-system
  labels:
    k8s-app: ebs-csi-node
spec:
  selector:
    matchLabels:
      k8s-app: ebs-csi-node
  template:
    metadata:
      labels:
        k8s-app: ebs-csi-node
    spec:
      serviceAccountName: ebs-csi-node
      priorityClassName: system-node-critical
      hostNetwork: true
      dnsPolicy: Default
      tolerations:
        - operator: Exists
      nodeSelector:
        kubernetes.io/os: linux
      containers:
        - name: ebs-plugin
          image: public.ecr.aws/ebs-csi-driver/aws-ebs-csi-driver:v1.61.1
          args:
            - node
            - --endpoint=unix:///csi/csi.sock
            - --v=2
          env:
            - name: CSI_NODE_NAME
              valueFrom:
                fieldRef:
                  fieldPath: spec.nodeName
          volumeMounts:
            - name: kubelet
              mountPath: /var/lib/kubelet
              mountPropagation: Bidirectional
            - name: plugin
              mountPath: /csi
            - name: devices
              mountPath: /dev
          livenessProbe:
            httpGet:
              host: 127.0.0.1
              path: /healthz
              port: 9808
            initialDelaySeconds: 10
            timeoutSeconds: 3
            failureThreshold: 5
          resources:
            requests:
              cpu: 10m
              memory: 40Mi
          securityContext:
            privileged: true
            readOnlyRootFilesystem: true
        - name: node-driver-registrar
          image: registry.k8s.io/sig-storage/csi-node-driver-registrar:v2.16.0
          args:
            - --csi-address=/csi/csi.sock
            - --kubelet-registration-path=/var/lib/kubelet/plugins/ebs.csi.aws.com/csi.sock
            - --v=2
          volumeMounts:
            - name: plugin
              mountPath: /csi
            - name: registration
              mountPath: /registration
          resources:
            requests:
              cpu: 5m
              memory: 20Mi
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop:
                - ALL
        - name: liveness-probe
          image: registry.k8s.io/sig-storage/livenessprobe:v2.18.0
          args:
            - --csi-address=/csi/csi.sock
            - --http-endpoint=127.0.0.1:9808
          volumeMounts:
            - name: plugin
              mountPath: /csi
          resources:
            requests:
              cpu: 5m
              memory: 20Mi
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop:
                - ALL
      volumes:
        - name: kubelet
          hostPath:
            path: /var/lib/kubelet
            type: Directory
        - name: plugin
          hostPath:
            path: /var/lib/kubelet/plugins/ebs.csi.aws.com
            type: DirectoryOrCreate
        - name: registration
          hostPath:
            path: /var/lib/kubelet/plugins_registry
            type: DirectoryOrCreate
        - name: devices
          hostPath:
            path: /dev
            type: Directory
  updateStrategy:
    type: RollingUpdate
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: gp3
  annotations:
    storageclass.kubernetes.io/is-default-class: "true"
provisioner: ebs.csi.aws.com
parameters:
  type: gp3
  encrypted: "true"
reclaimPolicy: Delete
allowVolumeExpansion: true
volumeBindingMode: WaitForFirstConsumer
END_OF_CLOWDER_FILE
mkdir -p /opt/clowder
cat >/opt/clowder/node-labels.py <<'END_OF_CLOWDER_FILE'
"""Run by a timer on control planes: gives each node the labels of its instance group.

kubelet exits when told to label itself below kubernetes.io or k8s.io, so a node says only which group it is of and the
control plane does the rest: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction
"""
import json
import subprocess

GROUP = "clowder.io/instance-group"
KUBECTL = ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"]

with open("/opt/clowder/groups.json") as file:
    groups = json.load(file)
for node in json.loads(subprocess.check_output(KUBECTL + ["get", "nodes", "-o", "json"]))["items"]:
    labels = node["metadata"].get("labels", {})
    wanted = groups.get(labels.get(GROUP), {}).get("labels", {})
    missing = ["%s=%s" % label for label in sorted(wanted.items()) if labels.get(label[0]) != label[1]]
    if missing:
        subprocess.check_call(KUBECTL + ["label", "--overwrite", "node", node["metadata"]["name"]] + missing)
END_OF_CLOWDER_FILE
mkdir -p /opt/clowder
cat >/opt/clowder/bootstrap-access.py <<'END_OF_CLOWDER_FILE'
"""Run by a timer on control planes: does what the service's newest word on the bootstrap says, which the cluster's own CA key has signed.

    bootstrap-access.py

Closed: no bootstrap token is left; collector and audit rest. Open, for a new worker: one token with an end, the Nodes of ended machines
go, collector and audit run. Every control plane does it, and twice is once. A word of another cluster, one that is not newer than the
last, and an opening whose time has passed are left alone.
"""
import base64
import datetime
import json
import os
import subprocess
import sys
import tempfile

import s3

KUBECTL = ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"]
CA = "/etc/kubernetes/pki/ca.crt"
LAST = "/etc/clowder/bootstrap-access"  # when the last word was said that was acted on
TIMERS = ["clowder-collector.timer", "clowder-audit.timer"]
TOKENS = "type=bootstrap.kubernetes.io/token"


def kubectl(*arguments, **options):
    return subprocess.run(KUBECTL + list(arguments), stdout=subprocess.PIPE, check=True, timeout=60, **options).stdout.decode()


def is_signed(document, signature):
    with tempfile.TemporaryDirectory() as folder:
        key, proof = os.path.join(folder, "key"), os.path.join(folder, "signature")
        with open(key, "wb") as file:
            file.write(subprocess.check_output(["openssl", "x509", "-in", CA, "-noout", "-pubkey"]))
        with open(proof, "wb") as file:
            file.write(base64.b64decode(signature))
        verify = ["openssl", "dgst", "-sha256", "-verify", key, "-signature", proof]
        said = subprocess.run(verify, input=document.encode(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return said.returncode == 0


def last_word():
    try:
        with open(LAST) as file:
            return file.read()
    except OSError:
        return ""


def token_secret(token, expires):
    """https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/#bootstrap-token-secret-format"""
    name, secret = token.split(".")
    content = {
        "token-id": name,
        "token-secret": secret,
        "expiration": expires,
        "usage-bootstrap-authentication": "true",
        "usage-bootstrap-signing": "true",
        "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "bootstrap.kubernetes.io/token",
        "metadata": {"name": "bootstrap-token-" + name, "namespace": "kube-system"},
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in content.items()},
    }


def delete_tokens(spared=""):
    others = ",metadata.name!=bootstrap-token-" + spared if spared else ""
    kubectl("-n", "kube-system", "delete", "secrets", "--field-selector", TOKENS + others, "--ignore-not-found")


def delete_node(name, before):
    made = kubectl("get", "node", name, "--ignore-not-found", "-o", "jsonpath={.metadata.creationTimestamp}")
    if made and made < before[:19] + "Z":
        kubectl("delete", "node", name, "--ignore-not-found")


def open_for(token, expires, ended, at):
    delete_tokens(spared=token.split(".")[0])
    # The token goes through a pipe: arguments can be read by every process. Server-side, so that no annotation repeats it.
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=json.dumps(token_secret(token, expires)).encode())
    for name in ended:
        delete_node(name, at)
    subprocess.check_call(["systemctl", "enable", "--now"] + TIMERS)
    print("clowder: one bootstrap token until %s; ended: %s" % (expires, ", ".join(ended) or "none"))


def close():
    delete_tokens()
    # The verdict is in: no more probes among the user's pods.
    subprocess.check_call(["systemctl", "disable", "--now"] + TIMERS)
    print("clowder: bootstrap tokens revoked")


def main():
    os.umask(0o077)
    try:
        marker = json.loads(s3.get(os.environ["CLOWDER_PREFIX"] + "bootstrap-access.json").decode())
    except (s3.Refused, s3.Unreachable):
        return  # not there yet is the usual answer
    if not is_signed(marker["document"], marker["signature"]):
        sys.exit("clowder: a word on the bootstrap that is not signed for this cluster is left alone")
    access = json.loads(marker["document"])
    at, opening, last = access["at"], access.get("open"), last_word()
    if access["uid"] != os.environ["CLOWDER_UID"]:
        sys.exit("clowder: a word on the bootstrap that is not signed for this cluster is left alone")
    if at == last:
        return
    if at < last:
        sys.exit("clowder: a word on the bootstrap of %s, older than the last, is left alone" % at)
    if opening and opening["expires"] <= datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"):
        sys.exit("clowder: an opening of the bootstrap that ended at %s is left alone" % opening["expires"])
    if opening:
        open_for(opening["token"], opening["expires"], opening["ended"], at)
    else:
        close()
    with open(LAST + ".part", "w") as file:
        file.write(at)
    os.replace(LAST + ".part", LAST)


if __name__ == "__main__":
    main()
END_OF_CLOWDER_FILE
mkdir -p /opt/clowder
cat >/opt/clowder/kubeapi.py <<'END_OF_CLOWDER_FILE'
"""The API server, with python3's standard library (3.6 and later) and a ServiceAccount's token."""
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request


class ApiError(Exception):
    def __init__(self, status, message):
        Exception.__init__(self, "%s: %s" % (status, message) if status else message)
        self.status = status
        self.body = message


class Api:
    def __init__(self, server, token_file, ca_file):
        self.server = server.rstrip("/")
        self.token_file = token_file
        handlers = [urllib.request.ProxyHandler({})]
        if server.startswith("https:"):
            handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca_file)))
        self.opener = urllib.request.build_opener(*handlers)

    def text(self, method, path, body=None, timeout=10):
        """The answer's text. ApiError carries the status of a refusal, or 0 where nothing answered."""
        with open(self.token_file) as file:  # read each time: it may be renewed
            headers = {"Authorization": "Bearer " + file.read().strip()}
        if body is not None:
            headers["Content-Type"] = "application/json"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.server + path, data=data, method=method, headers=headers)
        try:
            with self.opener.open(request, timeout=timeout) as answer:
                return answer.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            raise ApiError(error.code, error.read(4000).decode("utf-8", "replace"))
        except (OSError, ValueError) as error:
            raise ApiError(0, str(getattr(error, "reason", error)))

    def get(self, path):
        return json.loads(self.text("GET", path))

    def items(self, path, selector=None):
        query = "?labelSelector=" + urllib.parse.quote(selector) if selector else ""
        return self.get(path + query).get("items") or []

    def find(self, path):
        try:
            return self.get(path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def create(self, path, thing):
        return json.loads(self.text("POST", path, thing))

    def replace(self, path, thing):
        return json.loads(self.text("PUT", path, thing))

    def delete(self, path):
        try:
            self.text("DELETE", path, {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"})
        except ApiError as error:
            if error.status != 404:
                raise

    def through(self, namespace, pod, port, path, timeout=10):
        """Status and body of what a pod itself answers. ApiError where the API server could not reach it."""
        try:
            return 200, self.text("GET", "/api/v1/namespaces/%s/pods/%s:%d/proxy/%s" % (namespace, pod, port, path), timeout=timeout)
        except ApiError as error:
            if error.status and '"kind":"Status"' not in error.body.replace(" ", ""):
                return error.status, error.body
            raise ApiError(0, "connection refused" if "connection refused" in error.body else error.body[:300])
END_OF_CLOWDER_FILE
mkdir -p /opt/clowder
cat >/opt/clowder/prober.py <<'END_OF_CLOWDER_FILE'
"""Traffic probes: a prober pod on every node, a NodePort for each with that pod as its only backend, and a client outside Calico."""
import json
import time
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from kubeapi import ApiError

ATTEMPTS = 10
CONTROL_ATTEMPTS = 5
LABEL = "app=clowder-prober"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Unproved(Exception):
    """Nothing can be tried, for a reason that evidence tells."""


def until(done, seconds, pause=0.5):
    """Whether `done` came true in time."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() + pause > deadline:
            return False
        time.sleep(pause)
    return True


def attempt(work):
    began = time.monotonic()
    seen = {"ok": False}
    try:
        seen = work()
    except ApiError as error:
        seen["error"] = "the prober was not reached: %s" % error
    except ValueError as error:
        seen["error"] = "no answer that can be read: %s" % error
    return dict(seen, seconds=round(time.monotonic() - began, 4))


def probes_of(ways, attempts):
    return [{"enteredAt": way[0], "backendNode": way[1], "attempts": tries} for way, tries in zip(ways, attempts)]


class Prober:
    def __init__(self, api, config, nodes):
        self.api = api
        self.config = config
        self.namespace = "/namespaces/" + config["namespace"]
        self.nodes = nodes
        self.names = [node["name"] for node in nodes]
        self.pods = {}
        self.cluster_ips = {}
        self.slices = tuple(config["kubernetesVersion"][:2]) >= (1, 21)
        self.ways = [(entry, backend) for entry in self.names for backend in self.names]
        self.across = [way for way in self.ways if way[0] != way[1]] or self.ways

    def remove(self):
        """Everything of this and of an earlier round that was cut off."""
        kinds = ["/api/v1%s/services", "/apis/networking.k8s.io/v1%s/networkpolicies", "/apis/apps/v1%s/daemonsets"]
        kinds.append("/apis/discovery.k8s.io/v1%s/endpointslices" if self.slices else "/api/v1%s/endpoints")
        for kind in kinds:
            path = kind % self.namespace
            for thing in self.api.items(path, LABEL):
                self.api.delete(path + "/" + thing["metadata"]["name"])

    def start(self):
        self.api.create("/apis/apps/v1%s/daemonsets" % self.namespace, self.config["daemonSet"])
        if not until(self.find_pods, self.config["podSeconds"]):
            missing = [name for name in self.names if name not in self.pods]
            raise Unproved("no prober pod became ready on %s" % ", ".join(missing))
        for index, name in enumerate(self.names):
            self.serve("clowder-probe-%d" % index, self.config["firstNodePort"] + index, name)

    def find_pods(self):
        for pod in self.api.items("/api/v1%s/pods" % self.namespace, LABEL):
            ready = any(c["type"] == "Ready" and c["status"] == "True" for c in pod.get("status", {}).get("conditions", []))
            if ready and "deletionTimestamp" not in pod["metadata"]:
                self.pods[pod["spec"]["nodeName"]] = (pod["metadata"]["name"], pod["status"]["podIP"])
        return all(name in self.pods for name in self.names)

    def serve(self, name, node_port, node):
        """No selector: one pod is pinned, so that an answer can only have come from its node."""
        metadata = {"name": name, "labels": {"app": "clowder-prober"}}
        port = {"port": 80, "targetPort": 8080, "nodePort": node_port, "protocol": "TCP"}
        spec = {"type": "NodePort", "externalTrafficPolicy": "Cluster", "ports": [port]}
        service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
        made = self.api.create("/api/v1%s/services" % self.namespace, service)
        self.cluster_ips[node] = made["spec"]["clusterIP"]
        address = self.pods[node][1]
        if self.slices:
            labels = dict(metadata["labels"], **{"kubernetes.io/service-name": name, "endpointslice.kubernetes.io/managed-by": "clowder"})
            backend = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                       "metadata": {"name": name, "labels": labels},
                       "endpoints": [{"addresses": [address], "nodeName": node, "conditions": {"ready": True}}],
                       "ports": [{"name": "", "port": 8080, "protocol": "TCP"}]}
            self.api.create("/apis/discovery.k8s.io/v1%s/endpointslices" % self.namespace, backend)
        else:
            subset = {"addresses": [{"ip": address, "nodeName": node}], "ports": [{"port": 8080, "protocol": "TCP"}]}
            endpoints = {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": [subset]}
            self.api.create("/api/v1%s/endpoints" % self.namespace, endpoints)

    def from_client(self, attempts):
        """The client's identity, and what it saw entering every node for every backend."""
        addresses = {node["name"]: node["internalAddress"] for node in self.nodes}
        ports = {name: self.config["firstNodePort"] + index for index, name in enumerate(self.names)}
        targets = [{"host": addresses[entry], "port": ports[backend]} for entry, backend in self.ways]
        headers = {"Content-Type": "application/json", "clowder-nonce": self.config["nonce"]}
        body = json.dumps({"targets": targets, "attempts": attempts}).encode()
        request = urllib.request.Request(self.config["client"] + "/probe", data=body, headers=headers)
        try:
            with DIRECT.open(request, timeout=120) as answer:
                seen = json.loads(answer.read().decode())
            attempts = [result["attempts"] for result in seen["results"]]
            return {"instanceId": seen["instanceId"], "address": seen["address"]}, probes_of(self.ways, attempts)
        except (OSError, ValueError, KeyError) as error:
            raise Unproved("the probe client does not answer: %s" % error)

    def dial(self, node, host, port):
        """From the pod on `node`: netexec's /dial makes a new connection for each request."""
        query = urllib.parse.urlencode({"host": host, "port": port, "protocol": "http", "request": "clientip", "tries": 1})
        status, body = self.api.through(self.config["namespace"], self.pods[node][0], 8080, "dial?" + query, timeout=15)
        answer = json.loads(body) if status == 200 else {"errors": ["%d: %s" % (status, body[:200])]}
        return {"ok": True} if answer.get("responses") else {"ok": False, "error": "; ".join(answer.get("errors") or ["no answer"])[:300]}

    def from_pods(self, attempts):
        with ThreadPoolExecutor(16) as pool:
            dials = [lambda way=way: self.dial(way[0], self.cluster_ips[way[1]], 80) for way in self.across]
            running = [[pool.submit(attempt, dial) for _ in range(attempts)] for dial in dials]
            return probes_of(self.across, [[one.result() for one in tries] for tries in running])

    def dns(self):
        """An answer of any kind means that the name was resolved and the service reached; to plain HTTP the API server says 400."""
        name = "kubernetes.default.svc." + self.config["clusterDomain"]
        with ThreadPoolExecutor(16) as pool:
            seen = list(pool.map(lambda node: attempt(lambda: self.dial(node, name, 443)), self.names))
        kept = [{key: one[key] for key in ("ok", "error") if key in one} for one in seen]
        return [dict(one, node=node) for node, one in zip(self.names, kept)]

    def settle(self, works):
        """A new backend is not used during its first requests; what stays silent is left to the verdict."""
        until(lambda: all(one["ok"] for probe in works() for one in probe["attempts"]), self.config["settleSeconds"])

    def control(self):
        """The same NodePorts while a policy denies all that comes in, and after it. Only once the change had time to take hold."""
        policies = "/apis/networking.k8s.io/v1%s/networkpolicies" % self.namespace
        entered = lambda: self.from_client(1)[1]
        policy = self.config["denyPolicy"]
        self.api.create(policies, policy)
        until(lambda: not any(one["ok"] for probe in entered() for one in probe["attempts"]), self.config["settleSeconds"])
        denied = self.from_client(CONTROL_ATTEMPTS)[1]
        self.api.delete(policies + "/" + policy["metadata"]["name"])
        self.settle(entered)
        return {"denied": denied, "restored": self.from_client(CONTROL_ATTEMPTS)[1]}

    def traffic(self):
        """As much of the evidence as can be had: without the client the pods are still asked."""
        seen = {"client": None, "nodePort": [], "podToService": [], "dns": [], "negativeControl": None}
        self.settle(lambda: self.from_pods(1))
        seen["podToService"] = self.from_pods(CONTROL_ATTEMPTS)
        seen["dns"] = self.dns()
        try:
            self.settle(lambda: self.from_client(2)[1])
            seen["client"], seen["nodePort"] = self.from_client(ATTEMPTS)
            seen["negativeControl"] = self.control()
        except Unproved as error:
            seen["error"] = str(error)
        return seen
END_OF_CLOWDER_FILE
mkdir -p /opt/clowder
cat >/opt/clowder/collector.py <<'END_OF_CLOWDER_FILE'
"""Collects evidence about Calico's data plane and puts it where the service reads it. It says what was seen, never what it means.

    collector.py [CONFIG]      CONFIG: /opt/clowder/collector.json

One round; a timer repeats it. Of several control planes the one that holds the lease works.
"""
import datetime
import json
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

from kubeapi import Api, ApiError
from prober import Prober, Unproved, until

METRICS = re.compile(r"^felix_(bpf_\w+|resync_state|active_local_endpoints)[ {]")
FAULTS = re.compile(r"not supported by the kernel|Failed to load CO-RE|[Hh]ealthz server failed|\[(FATAL|PANIC)\]|level=(fatal|panic)")
LEASE_SECONDS = 120
CALICO = "/namespaces/kube-system"


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def stamp(at):
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def conditions(thing):
    return {c["type"]: c["status"] for c in thing.get("status", {}).get("conditions", [])}


def hold_lease(api, config, holder):
    """Whether this collector is the one that works. https://kubernetes.io/docs/concepts/architecture/leases/"""
    path = "/apis/coordination.k8s.io/v1/namespaces/%s/leases" % config["namespace"]
    name = "clowder-collector"
    spec = {"holderIdentity": holder, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": stamp(now())}
    lease = api.find(path + "/" + name)
    try:
        if not lease:
            api.create(path, {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}, "spec": spec})
            return True
        held = lease.get("spec", {})
        renewed = datetime.datetime.strptime(held["renewTime"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)
        if held["holderIdentity"] != holder and (now() - renewed).total_seconds() < LEASE_SECONDS:
            return False
        api.replace(path + "/" + name, dict(lease, spec=dict(held, **spec)))
        return True
    except ApiError as error:
        if error.status == 409:  # another was quicker
            return False
        raise


def read_nodes(api):
    nodes = []
    for node in sorted(api.items("/api/v1/nodes"), key=lambda n: n["metadata"]["name"]):
        states = conditions(node)
        address = [a["address"] for a in node["status"].get("addresses", []) if a["type"] == "InternalIP"]
        nodes.append({
            "name": node["metadata"]["name"],
            "ready": states.get("Ready") == "True",
            "networkUnavailable": states["NetworkUnavailable"] == "True" if "NetworkUnavailable" in states else None,
            "internalAddress": address[0] if address else "",
            "kernel": node["status"]["nodeInfo"]["kernelVersion"],
        })
    return nodes


def describe_pool(name, spec):
    return {"name": name, "cidr": spec["cidr"], "vxlanMode": spec.get("vxlanMode", "Never"), "ipipMode": spec.get("ipipMode", "Never")}


def read_desired(api, daemon_set):
    crd = "/apis/crd.projectcalico.org/v1/"
    felix = {one["metadata"]["name"]: one.get("spec", {}) for one in api.items(crd + "felixconfigurations")}
    pools = [describe_pool(one["metadata"]["name"], one["spec"]) for one in api.items(crd + "ippools")]
    containers = daemon_set["spec"]["template"]["spec"]["containers"] if daemon_set else []
    environment = {e["name"]: e.get("value", "set from elsewhere") for c in containers if c["name"] == "calico-node"
                   for e in c.get("env", []) if e["name"].startswith("FELIX_")}
    services = (api.find("/api/v1%s/configmaps/kubernetes-services-endpoint" % CALICO) or {}).get("data")
    return {
        "felixConfigurations": felix,
        "calicoNodeEnvironment": environment,
        "ipPools": pools,
        "servicesEndpoint": services and {"host": services["KUBERNETES_SERVICE_HOST"], "port": services["KUBERNETES_SERVICE_PORT"]},
    }


def read_kube_proxy(api):
    def is_kube_proxy(thing):
        return thing["metadata"]["name"].startswith("kube-proxy") or thing["metadata"].get("labels", {}).get("k8s-app") == "kube-proxy"
    sets = [one["metadata"]["name"] for one in api.items("/apis/apps/v1%s/daemonsets" % CALICO) if is_kube_proxy(one)]
    return {"daemonSets": sets, "pods": [one["metadata"]["name"] for one in api.items("/api/v1%s/pods" % CALICO) if is_kube_proxy(one)]}


def describe_pod(pod):
    status = pod.get("status", {})
    containers = status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
    waiting = [(c["name"], c["state"]["waiting"].get("reason", "")) for c in containers if "waiting" in c.get("state", {})]
    waiting.sort(key=lambda w: w[1] == "PodInitializing")  # what the others wait for comes first
    seen = {
        "name": pod["metadata"]["name"],
        "node": pod["spec"].get("nodeName", ""),
        "ready": conditions(pod).get("Ready") == "True",
        "restarts": sum(c.get("restartCount", 0) for c in containers),
        "image": pod["spec"]["containers"][0]["image"],
    }
    return dict(seen, waiting="%s: %s" % waiting[0]) if waiting else seen


def calico_pods(api):
    pods = api.items("/api/v1%s/pods" % CALICO, "k8s-app=calico-node")
    return sorted((describe_pod(pod) for pod in pods if "deletionTimestamp" not in pod["metadata"]), key=lambda pod: pod["node"])


def read_metrics(api, pods):
    """Felix's numbers by node, with the time of reading; an error where they could not be had."""
    seen = {}
    for pod in pods:
        try:
            status, text = api.through("kube-system", pod["name"], 9091, "metrics")
            numbers = "".join(line + "\n" for line in text.splitlines() if METRICS.match(line))
            seen[pod["node"]] = {"text": numbers, "at": time.monotonic()} if status == 200 else {"error": "answered %d" % status}
        except ApiError as error:
            seen[pod["node"]] = {"error": str(error)}
    return seen


def both_reads(first, second):
    for read in (second, first):
        if not read or "error" in read:
            return {"error": read["error"] if read else "there is no calico-node pod"}
    return {"first": first["text"], "second": second["text"], "secondsApart": round(second["at"] - first["at"], 1)}


def read_healthz(api, pod):
    try:
        status, body = api.through("kube-system", pod["name"], 10256, "healthz")
        return {"status": status, "body": body[:2000]}
    except ApiError as error:
        return {"error": str(error)}


def fault_lines(api, pod):
    """The fallback is told once at the start, so the log is read from its beginning."""
    try:
        log = api.text("GET", "/api/v1%s/pods/%s/log?container=calico-node&limitBytes=2000000" % (CALICO, pod["name"]))
    except ApiError:
        return []
    return [line[:500] for line in log.splitlines() if FAULTS.search(line)][-10:]


def try_traffic(api, config, nodes):
    """Traffic, and Felix's numbers before and after it. Whatever keeps it from being tried is evidence too."""
    traffic = {"client": None, "nodePort": [], "podToService": [], "dns": [], "negativeControl": None}
    prober = Prober(api, config, nodes)
    first = None
    try:
        prober.remove()
        ready = sum(node["ready"] for node in nodes)
        if ready < max(config["nodeCount"], len(nodes)):
            raise Unproved("%d of %d nodes are Ready, so nothing was tried" % (ready, max(config["nodeCount"], len(nodes))))
        prober.start()
        first, began = read_metrics(api, calico_pods(api)), time.monotonic()
        traffic = prober.traffic()
        until(lambda: time.monotonic() - began >= config["secondsApart"], config["secondsApart"] + 1, 0.2)
    except (Unproved, ApiError) as error:
        traffic["error"] = str(error)[:500]
    try:
        first = first or read_metrics(api, calico_pods(api))
        return traffic, first, read_metrics(api, calico_pods(api))
    finally:
        prober.remove()


def collect(api, config):
    began = now()
    traffic, first, second = try_traffic(api, config, read_nodes(api))
    pods = calico_pods(api)
    daemon_set = api.find("/apis/apps/v1%s/daemonsets/calico-node" % CALICO)
    rollout = (daemon_set or {}).get("status", {})
    nodes = read_nodes(api)
    for node in nodes:
        pod = next((one for one in pods if one["node"] == node["name"]), None)
        node["metrics"] = both_reads(first.get(node["name"]), second.get(node["name"]))
        node["healthz"] = read_healthz(api, pod) if pod else {"error": "there is no calico-node pod"}
        node["faultLines"] = fault_lines(api, pod) if pod else []
    return {
        "schema": "clowder.evidence/v1",
        "uid": config["uid"],
        "nonce": config["nonce"],
        "collectedBy": "clowder collector on " + socket.gethostname(),
        "startedAt": stamp(began),
        "desired": read_desired(api, daemon_set),
        "kubeProxy": read_kube_proxy(api),
        "calicoNode": {"desired": rollout.get("desiredNumberScheduled", 0), "updated": rollout.get("updatedNumberScheduled", 0),
                       "ready": rollout.get("numberReady", 0), "pods": pods},
        "nodes": nodes,
        "traffic": traffic,
        "endedAt": stamp(now()),
    }


def put(evidence, config):
    s3 = [sys.executable, config["s3"]]
    userid = subprocess.check_output(s3 + ["userid"]).decode().strip()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(evidence, file)
        file.flush()
        subprocess.check_call(s3 + ["put", "%sevidence/%s/latest.json" % (config["prefix"], userid), file.name])


def main(path="/opt/clowder/collector.json"):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the prober is removed
    with open(path) as file:
        config = json.load(file)
    api = Api(config["server"], config["tokenFile"], config["caFile"])
    try:
        if hold_lease(api, config, socket.gethostname()):
            put(collect(api, config), config)
    except (ApiError, KeyError, OSError, ValueError, subprocess.CalledProcessError) as error:
        sys.exit("this round gave no evidence: %r" % error)


if __name__ == "__main__":
    main(*sys.argv[1:])
END_OF_CLOWDER_FILE
mkdir -p /opt/clowder
cat >/opt/clowder/collector.json <<'END_OF_CLOWDER_FILE'
{
  "uid": "a1b2c3d4e5",
  "nonce": "4f1c9a7e5b2d",
  "server": "https://api.internal.three.k8s.local:6443",
  "caFile": "/etc/kubernetes/pki/ca.crt",
  "tokenFile": "/opt/clowder/collector.token",
  "s3": "/opt/clowder/s3.py",
  "prefix": "clowder/a1b2c3d4e5/",
  "namespace": "clowder-probe",
  "kubernetesVersion": [
    1,
    34,
    8
  ],
  "nodeCount": 5,
  "client": "http://172.20.32.9:8099",
  "firstNodePort": 31000,
  "clusterDomain": "cluster.local",
  "secondsApart": 12,
  "settleSeconds": 15,
  "podSeconds": 45,
  "daemonSet": {
    "apiVersion": "apps/v1",
    "kind": "DaemonSet",
    "metadata": {
      "name": "clowder-prober",
      "labels": {
        "app": "clowder-prober"
      }
    },
    "spec": {
      "selector": {
        "matchLabels": {
          "app": "clowder-prober"
        }
      },
      "template": {
        "metadata": {
          "labels": {
            "app": "clowder-prober"
          }
        },
        "spec": {
          "automountServiceAccountToken": false,
          "terminationGracePeriodSeconds": 1,
          "tolerations": [
            {
              "operator": "Exists"
            }
          ],
          "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": 65534,
            "seccompProfile": {
              "type": "RuntimeDefault"
            }
          },
          "containers": [
            {
              "name": "prober",
              "image": "registry.k8s.io/e2e-test-images/agnhost:2.53",
              "args": [
                "netexec",
                "--http-port=8080"
              ],
              "ports": [
                {
                  "containerPort": 8080,
                  "protocol": "TCP"
                }
              ],
              "readinessProbe": {
                "httpGet": {
                  "path": "/",
                  "port": 8080
                },
                "periodSeconds": 1
              },
              "resources": {
                "requests": {
                  "cpu": "5m",
                  "memory": "16Mi"
                },
                "limits": {
                  "memory": "64Mi"
                }
              },
              "securityContext": {
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {
                  "drop": [
                    "ALL"
                  ]
                }
              }
            }
          ]
        }
      }
    }
  },
  "denyPolicy": {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {
      "name": "clowder-deny",
      "labels": {
        "app": "clowder-prober"
      }
    },
    "spec": {
      "podSelector": {
        "matchLabels": {
          "app": "clowder-prober"
        }
      },
      "policyTypes": [
        "Ingress"
      ]
    }
  }
}
END_OF_CLOWDER_FILE
mkdir -p /opt/clowder
cat >/opt/clowder/collector-access.json <<'END_OF_CLOWDER_FILE'
{
  "apiVersion": "v1",
  "kind": "List",
  "items": [
    {
      "apiVersion": "v1",
      "kind": "Namespace",
      "metadata": {
        "name": "clowder-probe",
        "labels": {
          "pod-security.kubernetes.io/enforce": "restricted"
        }
      }
    },
    {
      "apiVersion": "v1",
      "kind": "ServiceAccount",
      "metadata": {
        "name": "clowder-collector",
        "namespace": "clowder-probe"
      },
      "automountServiceAccountToken": false
    },
    {
      "apiVersion": "v1",
      "kind": "Secret",
      "type": "kubernetes.io/service-account-token",
      "metadata": {
        "name": "clowder-collector",
        "namespace": "clowder-probe",
        "annotations": {
          "kubernetes.io/service-account.name": "clowder-collector"
        }
      }
    },
    {
      "apiVersion": "rbac.authorization.k8s.io/v1",
      "kind": "ClusterRole",
      "metadata": {
        "name": "clowder-collector"
      },
      "rules": [
        {
          "apiGroups": [
            ""
          ],
          "resources": [
            "nodes"
          ],
          "verbs": [
            "list"
          ]
        },
        {
          "apiGroups": [
            "crd.projectcalico.org"
          ],
          "resources": [
            "felixconfigurations",
            "ippools"
          ],
          "verbs": [
            "list"
          ]
        }
      ]
    },
    {
      "apiVersion": "rbac.authorization.k8s.io/v1",
      "kind": "ClusterRoleBinding",
      "metadata": {
        "name": "clowder-collector"
      },
      "subjects": [
        {
          "kind": "ServiceAccount",
          "name": "clowder-collector",
          "namespace": "clowder-probe"
        }
      ],
      "roleRef": {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": "clowder-collector"
      }
    },
    {
      "apiVersion": "rbac.authorization.k8s.io/v1",
      "kind": "Role",
      "metadata": {
        "name": "clowder-collector",
        "namespace": "kube-system"
      },
      "rules": [
        {
          "apiGroups": [
            ""
          ],
          "resources": [
            "pods"
          ],
          "verbs": [
            "list"
          ]
        },
        {
          "apiGroups": [
            ""
          ],
          "resources": [
            "pods/proxy",
            "pods/log"
          ],
          "verbs": [
            "get"
          ]
        },
        {
          "apiGroups": [
            ""
          ],
          "resources": [
            "configmaps"
          ],
          "verbs": [
            "get"
          ],
          "resourceNames": [
            "kubernetes-services-endpoint"
          ]
        },
        {
          "apiGroups": [
            "apps"
          ],
          "resources": [
            "daemonsets"
          ],
          "verbs": [
            "get",
            "list"
          ]
        }
      ]
    },
    {
      "apiVersion": "rbac.authorization.k8s.io/v1",
      "kind": "RoleBinding",
      "metadata": {
        "name": "clowder-collector",
        "namespace": "kube-system"
      },
      "subjects": [
        {
          "kind": "ServiceAccount",
          "name": "clowder-collector",
          "namespace": "clowder-probe"
        }
      ],
      "roleRef": {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "Role",
        "name": "clowder-collector"
      }
    },
    {
      "apiVersion": "rbac.authorization.k8s.io/v1",
      "kind": "Role",
      "metadata": {
        "name": "clowder-collector",
        "namespace": "clowder-probe"
      },
      "rules": [
        {
          "apiGroups": [
            ""
          ],
          "resources": [
            "pods"
          ],
          "verbs": [
            "list"
          ]
        },
        {
          "apiGroups": [
            ""
          ],
          "resources": [
            "pods/proxy"
          ],
          "verbs": [
            "get"
          ]
        },
        {
          "apiGroups": [
            ""
          ],
          "resources": [
            "services",
            "endpoints"
          ],
          "verbs": [
            "list",
            "create",
            "delete"
          ]
        },
        {
          "apiGroups": [
            "discovery.k8s.io"
          ],
          "resources": [
            "endpointslices"
          ],
          "verbs": [
            "list",
            "create",
            "delete"
          ]
        },
        {
          "apiGroups": [
            "apps"
          ],
          "resources": [
            "daemonsets"
          ],
          "verbs": [
            "list",
            "create",
            "delete"
          ]
        },
        {
          "apiGroups": [
            "networking.k8s.io"
          ],
          "resources": [
            "networkpolicies"
          ],
          "verbs": [
            "list",
            "create",
            "delete"
          ]
        },
        {
          "apiGroups": [
            "coordination.k8s.io"
          ],
          "resources": [
            "leases"
          ],
          "verbs": [
            "create"
          ]
        },
        {
          "apiGroups": [
            "coordination.k8s.io"
          ],
          "resources": [
            "leases"
          ],
          "verbs": [
            "get",
            "update"
          ],
          "resourceNames": [
            "clowder-collector"
          ]
        }
      ]
    },
    {
      "apiVersion": "rbac.authorization.k8s.io/v1",
      "kind": "RoleBinding",
      "metadata": {
        "name": "clowder-collector",
        "namespace": "clowder-probe"
      },
      "subjects": [
        {
          "kind": "ServiceAccount",
          "name": "clowder-collector",
          "namespace": "clowder-probe"
        }
      ],
      "roleRef": {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "Role",
        "name": "clowder-collector"
      }
    }
  ]
}
END_OF_CLOWDER_FILE
mkdir -p /opt/clowder
cat >/opt/clowder/collector-access.sh <<'END_OF_CLOWDER_FILE'

# Run as root before a round of the collector: makes its ServiceAccount once and keeps the token where only it is read.
set -euo pipefail
TOKEN=/opt/clowder/collector.token
[[ ! -s $TOKEN ]] || exit 0
umask 077
export KUBECONFIG=/etc/kubernetes/admin.conf
kubectl apply -f /opt/clowder/collector-access.json
for _ in {1..20}; do # the token controller fills the Secret a moment later
  kubectl -n clowder-probe get secret clowder-collector -o 'jsonpath={.data.token}' | base64 -d >"$TOKEN.part"
  if [[ -s $TOKEN.part ]]; then
    mv "$TOKEN.part" "$TOKEN"
    exit 0
  fi
  sleep 0.5
done
echo "the collector's ServiceAccount has no token yet" >&2
exit 1
END_OF_CLOWDER_FILE
mkdir -p /etc/systemd/system/clowder-collector.service.d
cat >/etc/systemd/system/clowder-collector.service.d/access.conf <<'END_OF_CLOWDER_FILE'
[Unit]
ConditionPathExists=!/opt/clowder/collector.stop

[Service]
ExecStartPre=+/bin/bash /opt/clowder/collector-access.sh
NoNewPrivileges=true
PrivateTmp=true
ProtectSystem=strict
InaccessiblePaths=-/etc/kubernetes/admin.conf -/etc/kubernetes/super-admin.conf -/etc/kubernetes/pki/ca.key -/etc/kubernetes/pki/etcd
END_OF_CLOWDER_FILE
mkdir -p /etc/systemd/system
cat >/etc/systemd/system/clowder-node-labels.service <<'END_OF_CLOWDER_FILE'
[Unit]
Description=Labels nodes as their instance group says

[Service]
Type=oneshot
EnvironmentFile=/etc/clowder/clowder.env
EnvironmentFile=-/etc/clowder/node.env
ExecStart=/usr/bin/env python3 /opt/clowder/node-labels.py
END_OF_CLOWDER_FILE
mkdir -p /etc/systemd/system
cat >/etc/systemd/system/clowder-node-labels.timer <<'END_OF_CLOWDER_FILE'
[Unit]
Description=Labels nodes as their instance group says, every 10 s

[Timer]
OnActiveSec=0
OnUnitInactiveSec=10
AccuracySec=1

[Install]
WantedBy=timers.target
END_OF_CLOWDER_FILE
mkdir -p /opt/clowder
cat >/opt/clowder/audit.py <<'END_OF_CLOWDER_FILE'
"""Run by a timer on control planes until the bootstrap is closed: what the nodes got, for the service to hold against what was asked.

    audit.py [CONFIG]      CONFIG: /opt/clowder/audit.json

It says what was seen, never what it means.
"""
import datetime
import json
import re
import subprocess
import sys
import tempfile

KUBECTL = ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"]
API_SERVER = "/etc/kubernetes/manifests/kube-apiserver.yaml"
ENCRYPTED = re.compile(
    r'^apiserver_storage_transformation_operations_total\{.*transformation_type="to_storage",transformer_prefix="k8s:enc:secretbox.*\} (\S+)$', re.M)
KUBELET = ("authentication", "authorization", "cgroupDriver", "clusterDNS", "clusterDomain")


def get(*arguments):
    return subprocess.check_output(KUBECTL + ["get"] + list(arguments), stderr=subprocess.PIPE, timeout=20).decode()


def kubelet_of(name):
    """What kubelet runs with, told by itself."""
    try:
        running = json.loads(get("--raw", "/api/v1/nodes/%s/proxy/configz" % name))["kubeletconfig"]
        return {key: running[key] for key in KUBELET if key in running}
    except (subprocess.SubprocessError, ValueError, KeyError) as error:
        return {"error": (getattr(error, "stderr", b"") or str(error).encode()).decode("utf-8", "replace").strip()[:200]}


def read_node(node):
    info = node["status"]["nodeInfo"]
    return {
        "name": node["metadata"]["name"],
        "labels": node["metadata"].get("labels", {}),
        "taints": node["spec"].get("taints", []),
        "providerId": node["spec"].get("providerID", ""),
        "kubeletVersion": info["kubeletVersion"],
        "runtime": info["containerRuntimeVersion"],
        "kubelet": kubelet_of(node["metadata"]["name"]),
    }


def api_server_flags(wanted):
    with open(API_SERVER) as file:
        flags = dict(re.findall(r"^\s*- --([a-z-]+)=(.*)$", file.read(), re.M))
    return {name: flags[name] for name in wanted if name in flags}


def encrypted_writes(flags):
    """How often a Secret was written in a form that only the key opens; absent where nothing is encrypted."""
    if "encryption-provider-config" not in flags:
        return None
    return sum(float(count) for count in ENCRYPTED.findall(get("--raw", "/metrics")))


def add_ons():
    seen = []
    for item in json.loads(get("daemonsets,deployments", "-n", "kube-system", "-o", "json"))["items"]:
        status = item.get("status", {})
        wanted = status.get("desiredNumberScheduled") if item["kind"] == "DaemonSet" else item["spec"]["replicas"]
        ready = status.get("numberReady", status.get("readyReplicas", 0))
        seen.append({"kind": item["kind"], "name": item["metadata"]["name"], "wanted": wanted or 0, "ready": ready})
    return seen


def main(path="/opt/clowder/audit.json"):
    with open(path) as file:
        config = json.load(file)
    flags = api_server_flags(config["flags"])
    body = {
        "schema": "clowder.audit/v1",
        "uid": config["uid"],
        "nonce": config["nonce"],
        "nodes": [read_node(node) for node in json.loads(get("nodes", "-o", "json"))["items"]],
        "apiServer": flags,
        "encryptedWrites": encrypted_writes(flags),
        "addOns": add_ons(),
        "at": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    s3 = [sys.executable, "/opt/clowder/s3.py"]
    userid = subprocess.check_output(s3 + ["userid"]).decode().strip()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(body, file)
        file.flush()
        subprocess.check_call(s3 + ["put", "%sevidence/%s/audit.json" % (config["prefix"], userid), file.name])


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (subprocess.SubprocessError, OSError, KeyError, ValueError) as error:
        sys.exit("this round gave no audit: %r" % error)
END_OF_CLOWDER_FILE
mkdir -p /opt/clowder
cat >/opt/clowder/audit.json <<'END_OF_CLOWDER_FILE'
{
  "uid": "a1b2c3d4e5",
  "nonce": "4f1c9a7e5b2d",
  "prefix": "clowder/a1b2c3d4e5/",
  "flags": [
    "authorization-mode",
    "encryption-provider-config",
    "service-cluster-ip-range"
  ]
}
END_OF_CLOWDER_FILE
mkdir -p /etc/systemd/system
cat >/etc/systemd/system/clowder-audit.service <<'END_OF_CLOWDER_FILE'
[Unit]
Description=Tells what the nodes got

[Service]
Type=oneshot
EnvironmentFile=/etc/clowder/clowder.env
EnvironmentFile=-/etc/clowder/node.env
ExecStart=/usr/bin/env python3 /opt/clowder/audit.py
END_OF_CLOWDER_FILE
mkdir -p /etc/systemd/system
cat >/etc/systemd/system/clowder-audit.timer <<'END_OF_CLOWDER_FILE'
[Unit]
Description=Tells what the nodes got, every 10 s

[Timer]
OnActiveSec=0
OnUnitInactiveSec=10
AccuracySec=1

[Install]
WantedBy=timers.target
END_OF_CLOWDER_FILE
mkdir -p /etc/systemd/system
cat >/etc/systemd/system/clowder-bootstrap-access.service <<'END_OF_CLOWDER_FILE'
[Unit]
Description=Opens and closes the bootstrap as the service says

[Service]
Type=oneshot
EnvironmentFile=/etc/clowder/clowder.env
EnvironmentFile=-/etc/clowder/node.env
ExecStart=/usr/bin/env python3 /opt/clowder/bootstrap-access.py
END_OF_CLOWDER_FILE
mkdir -p /etc/systemd/system
cat >/etc/systemd/system/clowder-bootstrap-access.timer <<'END_OF_CLOWDER_FILE'
[Unit]
Description=Opens and closes the bootstrap as the service says, every 30 s

[Timer]
OnActiveSec=0
OnUnitInactiveSec=30
AccuracySec=1

[Install]
WantedBy=timers.target
END_OF_CLOWDER_FILE
mkdir -p /etc/systemd/system
cat >/etc/systemd/system/clowder-collector.service <<'END_OF_CLOWDER_FILE'
[Unit]
Description=Collects evidence of the data plane

[Service]
Type=oneshot
EnvironmentFile=/etc/clowder/clowder.env
EnvironmentFile=-/etc/clowder/node.env
ExecStart=/usr/bin/env python3 /opt/clowder/collector.py
END_OF_CLOWDER_FILE
mkdir -p /etc/systemd/system
cat >/etc/systemd/system/clowder-collector.timer <<'END_OF_CLOWDER_FILE'
[Unit]
Description=Collects evidence of the data plane, every 10 s

[Timer]
OnActiveSec=0
OnUnitInactiveSec=10
AccuracySec=1

[Install]
WantedBy=timers.target
END_OF_CLOWDER_FILE
. /opt/clowder/stages.sh

# Stage `artifacts`: what the node lacks, downloaded beside each other and checked. What is there in the right version stays.

architecture() { [[ $(uname -m) == aarch64 ]] && echo arm64 || echo amd64; }

# download NAME FILE: an artifact of artifacts.tsv (name, architecture, URL, SHA-256 | `beside` | `tls`).
download() {
  local url sum file=$2 found said
  read -r url sum < <(awk -v name="$1" -v arch="$(architecture)" '$1 == name && ($2 == arch || $2 == "any") { print $3, $4 }' \
    /opt/clowder/artifacts.tsv)
  said=$(curl -fsSL --retry 4 --retry-connrefused --connect-timeout 10 -o "$file" "$url" 2>&1) || refuse ArtifactUnreachable "$url: $said"
  if [[ $sum == beside ]]; then
    sum=$(curl -fsSL --retry 4 --retry-connrefused --connect-timeout 10 "$url.sha256") || refuse ArtifactUnreachable "$url.sha256"
    sum=${sum%% *}
  fi
  [[ $sum == tls ]] && return 0
  found=$(sha256sum "$file" | cut -d' ' -f1)
  [[ $found == "$sum" ]] || refuse ChecksumMismatch "$url has SHA-256 $found and should have $sum"
}

# The first x.y.z that a program says about itself; nothing where it is missing.
version_of() {
  local said
  said=$("$@" 2>/dev/null) || return 0
  if [[ $said =~ ([0-9]+\.[0-9]+\.[0-9]+) ]]; then echo "${BASH_REMATCH[1]}"; fi
}
at_least() { [[ -n $2 && $(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]; }

ensure_kubernetes() {
  local name=$1
  shift
  [[ $(version_of "$@") == "$KUBERNETES_VERSION" ]] && return 0
  download "$name" "$DOWNLOADS/$name"
  install -m 0755 "$DOWNLOADS/$name" "/usr/local/bin/$name"
}

# A prepared image may bring its own containerd and runc: any that this kubelet speaks with will do.
ensure_containerd() {
  at_least "$CONTAINERD_FLOOR" "$(version_of containerd --version)" && return 0
  download containerd "$DOWNLOADS/containerd.tar.gz"
  tar -C /usr/local -xzf "$DOWNLOADS/containerd.tar.gz"
}
ensure_runc() {
  at_least 1.1.0 "$(version_of runc --version)" && return 0
  download runc "$DOWNLOADS/runc"
  install -m 0755 "$DOWNLOADS/runc" /usr/local/sbin/runc
}
# kubeadm asks for it until 1.31.
ensure_crictl() {
  command -v crictl >/dev/null && return 0
  download crictl "$DOWNLOADS/crictl.tar.gz"
  tar -C /usr/local/bin -xzf "$DOWNLOADS/crictl.tar.gz" crictl
}

ensure_packages() {
  local name said missing=()
  for name in conntrack socat ethtool iptables; do command -v "$name" >/dev/null || missing+=("$name"); done
  if [[ $CONTAINER_RUNTIME == docker ]] && ! command -v dockerd >/dev/null; then missing+=(docker.io); fi
  ((${#missing[@]} == 0)) && return 0
  command -v apt-get >/dev/null || refuse PreflightFailed "the image lacks ${missing[*]} and has no apt-get"
  export DEBIAN_FRONTEND=noninteractive
  # One that fails may have left only some lists old: the install says what is missing.
  apt-get -q -o DPkg::Lock::Timeout=120 update || true
  said=$(apt-get -qy -o DPkg::Lock::Timeout=120 install --no-install-recommends "${missing[@]}" 2>&1) ||
    refuse ArtifactUnreachable "apt-get install ${missing[*]}: $(tail -n 3 <<<"$said")"
}

get_artifacts() {
  local job jobs=()
  DOWNLOADS=$(mktemp -d /var/tmp/clowder.XXXXXX)
  ensure_packages & jobs+=($!)
  ensure_kubernetes kubeadm kubeadm version -o short & jobs+=($!)
  ensure_kubernetes kubelet kubelet --version & jobs+=($!)
  ensure_kubernetes kubectl kubectl version --client -o json & jobs+=($!)
  if [[ $CONTAINER_RUNTIME == containerd ]]; then
    ensure_containerd & jobs+=($!)
    ensure_runc & jobs+=($!)
    if [[ -n $NEEDS_CRICTL ]]; then ensure_crictl & jobs+=($!); fi
  fi
  if [[ -n $ECR_CREDENTIALS ]]; then ensure_ecr_credential_provider & jobs+=($!); fi
  if [[ ${CONTROL_PLANE_INDEX:-} == 0 ]]; then download calico /opt/clowder/calico/calico.yaml & jobs+=($!); fi
  for job in "${jobs[@]}"; do wait "$job"; done
  rm -rf "$DOWNLOADS"
}

# Stage `runtime`: kernel settings, the container runtime for this version, images that lie ready, kubelet's unit.

start_runtime() {
  # Felix goes back to iptables below this kernel and says so in its log alone.
  at_least "$KERNEL_FLOOR" "$(uname -r | grep -oE '^[0-9]+\.[0-9]+')" ||
    refuse KernelTooOld "kernel $(uname -r): Calico's eBPF data plane needs $KERNEL_FLOOR"
  modprobe -a overlay br_netfilter || true
  printf '%s\n' overlay br_netfilter >/etc/modules-load.d/kubernetes.conf
  printf '%s = 1\n' net.ipv4.ip_forward net.bridge.bridge-nf-call-iptables >/etc/sysctl.d/90-kubernetes.conf
  # The second needs br_netfilter; kubeadm's preflight judges.
  sysctl -q -p /etc/sysctl.d/90-kubernetes.conf || true
  "start_$CONTAINER_RUNTIME"
  install_kubelet_unit
}

start_containerd() {
  if [[ -z ${KEEP_CONTAINERD_CONFIGURATION:-} ]]; then
    mkdir -p /etc/containerd
    containerd_configuration >/etc/containerd/config.toml
    # The distribution's unit starts the distribution's containerd, which may be older than the one that was fetched.
    systemctl cat containerd.service 2>/dev/null | grep -qxF "ExecStart=$(command -v containerd)" ||
      containerd_unit >/etc/systemd/system/containerd.service
    systemctl daemon-reload
    systemctl enable containerd
    systemctl restart containerd || refuse RuntimeFailed "$(journal containerd)"
  fi
  until ctr version >/dev/null 2>&1; do sleep 0.2; done
  import_images ctr -n k8s.io images import
}

# Docker 19.03 and later, for dockershim; systemd as cgroup driver as kubelet has it.
start_docker() {
  mkdir -p /etc/docker
  cat >/etc/docker/daemon.json <<JSON
{"exec-opts": ["native.cgroupdriver=${CGROUP_DRIVER:-systemd}"], "storage-driver": "overlay2",
 "log-driver": "json-file", "log-opts": {"max-size": "100m"}}
JSON
  systemctl enable docker
  systemctl restart docker || refuse RuntimeFailed "$(journal docker)"
  until docker info >/dev/null 2>&1; do sleep 0.2; done
  import_images docker load -i
}

import_images() {
  [[ -d /opt/clowder/images ]] || return 0
  find /opt/clowder/images -type f -name '*.tar*' -print0 | xargs -0 -r -n 1 -P 2 "$@"
}

journal() { journalctl -u "$1" -n 15 --no-pager -o cat 2>/dev/null || true; }

# Version 3 of the file came with containerd 2.0 and renamed the plugins.
containerd_configuration() {
  local pause systemd=true
  pause=$(kubeadm config images list --kubernetes-version "v$KUBERNETES_VERSION" --image-repository "$IMAGE_REPOSITORY" 2>/dev/null |
    grep /pause:)
  [[ ${CGROUP_DRIVER:-systemd} == systemd ]] || systemd=false
  if at_least 2.0.0 "$(version_of containerd --version)"; then
    cat <<TOML
version = 3
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "$pause"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
  SystemdCgroup = $systemd
TOML
  else
    cat <<TOML
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$pause"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = $systemd
TOML
  fi
}

containerd_unit() {
  cat <<UNIT
[Unit]
Description=containerd
After=network.target

[Service]
ExecStart=$(command -v containerd)
Type=notify
Delegate=yes
KillMode=process
Restart=always
RestartSec=2
LimitNOFILE=1048576
TasksMax=infinity
OOMScoreAdjust=-999

[Install]
WantedBy=multi-user.target
UNIT
}

# As kubeadm's packages install it: https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/kubelet-integration/
install_kubelet_unit() {
  cat >/etc/systemd/system/kubelet.service <<UNIT
[Unit]
Description=kubelet
After=network-online.target $CONTAINER_RUNTIME.service
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=$(command -v kubelet) \$KUBELET_KUBECONFIG_ARGS \$KUBELET_CONFIG_ARGS \$KUBELET_KUBEADM_ARGS \$KUBELET_EXTRA_ARGS
Restart=always
RestartSec=2

[Install]
WantedBy=multi-user.target
UNIT
  systemctl daemon-reload
  systemctl enable kubelet
}

# kubeadm, filled in for this node at run time: the token is in the material alone, and in memory-backed files of root's.

material() { python3 /opt/clowder/material.py "$@"; }

# Several control planes have one name inside; host-network pods see the node's hosts file too.
write_hosts() {
  local address
  for address in $CONTROL_PLANE_ADDRESSES; do
    grep -qxF "$address $INTERNAL_NAME" /etc/hosts || echo "$address $INTERNAL_NAME" >>/etc/hosts
  done
}

# wait_for_api HOST:PORT CA SECONDS
wait_for_api() {
  local deadline=$((SECONDS + $3)) said
  until said=$(curl -fsS --max-time 3 --noproxy '*' --cacert "$2" "https://$1/readyz" 2>&1); do
    ((SECONDS < deadline)) || refuse ApiUnreachable "https://$1/readyz for $3 s: $said"
    sleep 0.5
  done
}

# run_kubeadm REASON ARGUMENTS…: no token reaches the log, and what went wrong is told in kubeadm's own words.
run_kubeadm() {
  local reason=$1 log=$RUN/kubeadm.log
  shift
  if kubeadm "$@" ${KUBEADM_IGNORE_PREFLIGHT_ERRORS:+"--ignore-preflight-errors=$KUBEADM_IGNORE_PREFLIGHT_ERRORS"} 2>&1 |
    sed -u -E 's/[a-z0-9]{6}\.[a-z0-9]{16}/<token>/g' | tee "$log"; then
    return 0
  fi
  journal kubelet
  because "$(reason_of "$log" "$reason")" "$(grep -E '\[ERROR|error execution phase|^error' "$log" | tail -n 4 | tr '\n' ' ')"
  return 1
}

# reason_of LOG REASON: discovery is part of kubeadm's preflight phase, so it is looked for first.
reason_of() {
  if grep -qE "couldn't validate the identity of the API Server|cluster-info ConfigMap|invalid discovery token|cluster CA found" "$1"; then
    grep -qE 'connection refused|i/o timeout|no route to host|network is unreachable' "$1" && echo ApiUnreachable || echo JoinRefused
  elif grep -qE 'Unauthorized|[Ff]orbidden' "$1"; then
    echo JoinRefused
  elif grep -qF '[ERROR' "$1"; then
    echo PreflightFailed
  else
    echo "$2"
  fi
}

# wait_for_signature CONFIGURATION CA: kubeadm looks every five seconds whether the control plane has signed cluster-info with its token,
# https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/#configmap-signing. After 20 s it is asked all the same: it says why not.
wait_for_signature() {
  local deadline=$((SECONDS + 20)) id endpoint said
  id=$(sed -nE 's/^ *token: "?([a-z0-9]{6})\..*/\1/p' "$1")
  endpoint=$(sed -nE 's/^ *apiServerEndpoint: "?([^"]+)"?$/\1/p' "$1")
  until said=$(curl -fsS --max-time 3 --noproxy '*' --cacert "$2" "https://$endpoint/api/v1/namespaces/kube-public/configmaps/cluster-info" 2>&1) &&
    [[ $said == *"jws-kubeconfig-$id"* ]]; do
    ((SECONDS < deadline)) || return 0
    sleep 0.5
  done
}

# join MATERIAL CA: a second try after a reset, for an API server that went away in the middle; the first reason is kept.
join() {
  local configuration=$RUN/kubeadm-join.yaml
  material fill /opt/clowder/kubeadm-join.yaml "$1" >"$configuration"
  wait_for_signature "$configuration" "$2"
  if ! run_kubeadm JoinFailed join --config "$configuration"; then
    # kubeadm has tried for minutes until it calls a token refused.
    [[ $(cat "$RUN/reason") =~ ^(PreflightFailed|JoinRefused)$ ]] && exit 1
    echo "clowder: kubeadm reset, then one more try"
    kubeadm reset --force --cri-socket "$CRI_SOCKET" >/dev/null 2>&1 || true
    restore_material "$1"
    run_kubeadm JoinFailed join --config "$configuration"
    rm -f "$RUN"/{reason,message}
  fi
  rm -f "$configuration"
}

wait_for_own_node() {
  until kubectl --kubeconfig "$1" get node "$CLOWDER_NODE_NAME" -o name; do sleep 0.5; done
}

# What a cluster on AWS has beside Kubernetes and Calico.

# kubelet asks it for the passwords of ECR; the kubeadm configuration names the folder.
ensure_ecr_credential_provider() {
  local folder=/opt/clowder/credential-provider
  [[ -x $folder/ecr-credential-provider ]] && return 0
  download ecr-credential-provider "$DOWNLOADS/ecr-credential-provider"
  install -D -m 0755 "$DOWNLOADS/ecr-credential-provider" "$folder/ecr-credential-provider"
}

# Cloud controller, volumes and metrics: applied once, their images are pulled when they can be.
apply_add_ons() {
  ((CONTROL_PLANE_INDEX == 0)) && [[ -e /opt/clowder/add-ons.yaml ]] || return 0
  export KUBECONFIG=$ADMIN
  apply /opt/clowder/add-ons.yaml
}

# Body of the control plane's script. The first planned address initialises the cluster; each of the others waits for the one
# before it, because etcd takes one new member at a time.
PKI=/etc/kubernetes/pki
ADMIN=/etc/kubernetes/admin.conf
export NUMBER=1 # the stub's stage
CONTROL_PLANE_INDEX=0
PREVIOUS_ADDRESS=
for address in $CONTROL_PLANE_ADDRESSES; do
  [[ $address == "$CLOWDER_ADDRESS" ]] && break
  PREVIOUS_ADDRESS=$address
  CONTROL_PLANE_INDEX=$((CONTROL_PLANE_INDEX + 1))
done

get_material() {
  [[ " $CONTROL_PLANE_ADDRESSES " == *" $CLOWDER_ADDRESS "* ]] ||
    refuse AddressNotPlanned "$CLOWDER_ADDRESS is none of the planned $CONTROL_PLANE_ADDRESSES"
  write_hosts
  fetch pki/control-plane.json "$RUN/material.json" MaterialRefused
  restore_material "$RUN/material.json"
}
restore_material() {
  local said
  said=$(material pki "$1" "$PKI" 2>&1) || refuse MaterialInvalid "$(tail -n 1 <<<"$said")"
}

bring_up_control_plane() {
  if ((CONTROL_PLANE_INDEX == 0)); then
    material fill /opt/clowder/kubeadm-init.yaml "$RUN/material.json" >"$RUN/kubeadm-init.yaml"
    run_kubeadm ControlPlaneFailed init --config "$RUN/kubeadm-init.yaml" --skip-phases=addon/kube-proxy --skip-token-print
    rm -f "$RUN/kubeadm-init.yaml"
  else
    wait_for_api "$PREVIOUS_ADDRESS:6443" "$PKI/ca.crt" "$((LIMIT_CONTROL_PLANE_UP * CONTROL_PLANE_INDEX))"
    join "$RUN/material.json" "$PKI/ca.crt"
  fi
  wait_for_api "$CLOWDER_ADDRESS:6443" "$PKI/ca.crt" 120
}

# Order matters: where Calico finds the API without kube-proxy, then its kinds, then what it shall be, then itself: so it starts
# in eBPF mode and never as something else.
apply_calico() {
  ((CONTROL_PLANE_INDEX == 0)) || return 0
  export KUBECONFIG=$ADMIN
  local folder=/opt/clowder/calico
  apply "$folder/services-endpoint.yaml"
  awk 'BEGIN { RS = "\n?---\n" } /(^|\n)kind: CustomResourceDefinition/ { print "---"; print }' "$folder/calico.yaml" >"$folder/kinds.yaml"
  apply "$folder/kinds.yaml"
  kubectl wait --for=condition=Established --timeout=60s crd/felixconfigurations.crd.projectcalico.org crd/ippools.crd.projectcalico.org
  apply "$folder/configuration.yaml"
  if [[ -n $CALICO_MTU ]]; then sed -i "s/veth_mtu: \"0\"/veth_mtu: \"$CALICO_MTU\"/" "$folder/calico.yaml"; fi
  apply "$folder/calico.yaml"
  apply /opt/clowder/cluster-admins.yaml
}
# Kinds that were just made are not found at once.
apply() {
  local tries=0 said
  until said=$(kubectl apply -f "$1" 2>&1); do
    ((++tries < 20)) || refuse CalicoNotApplied "$1: $(tail -n 3 <<<"$said")"
    sleep 0.5
  done
  echo "$said"
}

register() {
  wait_for_own_node "$ADMIN"
  rm -f "$RUN/material.json"
  systemctl daemon-reload
  systemctl enable --now clowder-node-labels.timer clowder-bootstrap-access.timer clowder-collector.timer clowder-audit.timer
}

stage material "$LIMIT_MATERIAL" MaterialInvalid get_material
stage artifacts "$LIMIT_ARTIFACTS" ArtifactUnreachable get_artifacts
stage runtime "$LIMIT_RUNTIME" RuntimeFailed start_runtime
stage control-plane-up "$((LIMIT_CONTROL_PLANE_UP * (CONTROL_PLANE_INDEX + 1)))" ControlPlaneFailed bring_up_control_plane
stage calico-applied "$LIMIT_CALICO_APPLIED" CalicoNotApplied apply_calico
stage add-ons-applied "$LIMIT_ADD_ONS_APPLIED" AddOnsNotApplied apply_add_ons
stage registered "$LIMIT_REGISTERED" NotRegistered register
told
