package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

const account = "/var/run/secrets/kubernetes.io/serviceaccount/"

// node is what the tunnel needs to know of one.
type node struct {
	name    string
	address net.IP
	podCIDR *net.IPNet
}

type api struct {
	url    string
	client http.Client
}

// newAPI reads the ServiceAccount's CA. The address is the API server's own: nothing serves its ClusterIP before kube-proxy does.
func newAPI(host, port string) (*api, error) {
	ca, err := os.ReadFile(account + "ca.crt")
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	return &api{"https://" + net.JoinHostPort(host, port), http.Client{Transport: transport, Timeout: 10 * time.Second}}, nil
}

type nodeList struct {
	Items []struct {
		Metadata struct{ Name string }
		Spec     struct{ PodCIDR string }
		Status   struct {
			Addresses []struct{ Type, Address string }
		}
	}
}

// nodes lists those that have a pod CIDR and an address. The token is read each time because kubelet renews it.
func (a *api) nodes() ([]node, error) {
	token, err := os.ReadFile(account + "token")
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequest(http.MethodGet, a.url+"/api/v1/nodes", nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	answer, err := a.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("listing nodes: %s", answer.Status)
	}
	var list nodeList
	if err := json.NewDecoder(answer.Body).Decode(&list); err != nil {
		return nil, err
	}
	return complete(list), nil
}

func complete(list nodeList) []node {
	var nodes []node
	for _, item := range list.Items {
		_, cidr, err := net.ParseCIDR(item.Spec.PodCIDR)
		if err != nil {
			continue
		}
		for _, address := range item.Status.Addresses {
			if address.Type == "InternalIP" {
				nodes = append(nodes, node{item.Metadata.Name, net.ParseIP(address.Address).To4(), cidr})
				break
			}
		}
	}
	return nodes
}

func split(nodes []node, name string) (own node, peers []node, err error) {
	for _, one := range nodes {
		if one.name == name {
			own = one
		} else {
			peers = append(peers, one)
		}
	}
	if own.podCIDR == nil {
		err = fmt.Errorf("%s has no pod CIDR and address yet", name)
	}
	return
}
