// The pod network of `--data-plane stand-in`, on each node: installs CNI plugins, configures them for the node's pod CIDR, and keeps a
// VXLAN tunnel to the other nodes'. It is not Calico, enforces no policy and proves nothing about eBPF.
package main

import (
	"log"
	"os"
	"time"
)

const every = 2 * time.Second

func main() {
	log.SetFlags(0)
	name := os.Getenv("NODE_NAME")
	if err := installPlugins("/opt/cni/bin", "/host/opt/cni/bin"); err != nil {
		log.Fatal(err)
	}
	api, err := newAPI(os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT"))
	if err != nil {
		log.Fatal(err)
	}
	for said := ""; ; time.Sleep(every) {
		now := "as asked"
		if err := look(api, name); err != nil {
			now = err.Error()
		}
		if now != said {
			log.Print(now)
			said = now
		}
	}
}

// look brings this node to what the API server says of all nodes. It can run again and again.
func look(api *api, name string) error {
	nodes, err := api.nodes()
	if err != nil {
		return err
	}
	own, peers, err := split(nodes, name)
	if err != nil {
		return err
	}
	tunnel, err := ensureTunnel(own)
	if err != nil {
		return err
	}
	if err := ensurePeers(tunnel, peers); err != nil {
		return err
	}
	if err := ensureMasquerade(own.podCIDR, tunnel.outside.Attrs().Name); err != nil {
		return err
	}
	return configurePlugins("/host/etc/cni/net.d", own.podCIDR, tunnel.mtu)
}
