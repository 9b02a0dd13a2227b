package main

import (
	"encoding/json"
	"testing"
)

const listed = `{"items": [
  {"metadata": {"name": "a"}, "spec": {"podCIDR": "10.1.0.0/24"}, "status": {"addresses": [
    {"type": "Hostname", "address": "a"}, {"type": "InternalIP", "address": "172.20.32.10"}]}},
  {"metadata": {"name": "b"}, "spec": {"podCIDR": "10.1.1.0/24"}, "status": {"addresses": [{"type": "InternalIP", "address": "172.20.32.11"}]}},
  {"metadata": {"name": "no-cidr-yet"}, "status": {"addresses": [{"type": "InternalIP", "address": "172.20.32.12"}]}},
  {"metadata": {"name": "no-address-yet"}, "spec": {"podCIDR": "10.1.3.0/24"}}
]}`

func TestOnlyNodesWithPodCIDRAndAddressCount(t *testing.T) {
	var list nodeList
	if err := json.Unmarshal([]byte(listed), &list); err != nil {
		t.Fatal(err)
	}
	own, peers, err := split(complete(list), "b")
	if err != nil || own.podCIDR.String() != "10.1.1.0/24" || own.address.String() != "172.20.32.11" {
		t.Fatalf("own: %v, %v", own, err)
	}
	if len(peers) != 1 || peers[0].name != "a" || peers[0].address.String() != "172.20.32.10" {
		t.Fatalf("peers: %v", peers)
	}
	if _, _, err := split(complete(list), "no-cidr-yet"); err == nil {
		t.Fatal("a node without a pod CIDR was taken")
	}
}
