package redisserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Cluster is several masters without replicas, which share the slots evenly.
type Cluster struct {
	Masters []*Server
	Client  *redis.ClusterClient
}

const slots = 16384

// StartCluster starts one, and waits until each master knows that all slots are served. settings
// are those of Start, for each master.
func StartCluster(ctx context.Context, masters int, settings ...string) (*Cluster, error) {
	c := &Cluster{}
	var addresses []string
	for range masters {
		bus, err := freePort(ctx) // the usual one, the port + 10000, need not exist
		if err != nil {
			c.Stop()
			return nil, err
		}
		s, err := Start(ctx, append([]string{"--cluster-enabled", "yes", "--cluster-port", bus}, settings...)...)
		if err != nil {
			c.Stop()
			return nil, err
		}
		c.Masters, addresses = append(c.Masters, s), append(addresses, s.Addr)
	}
	c.Client = redis.NewClusterClient(&redis.ClusterOptions{Addrs: addresses})
	if err := c.introduce(ctx); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

// introduce gives each master its slots, and lets all of them know each other.
func (c *Cluster) introduce(ctx context.Context) error {
	for i, s := range c.Masters {
		n := len(c.Masters)
		epoch := s.Client.Do(ctx, "cluster", "set-config-epoch", i+1).Err()
		served := s.Client.ClusterAddSlotsRange(ctx, slots*i/n, slots*(i+1)/n-1).Err()
		if err := errors.Join(epoch, served, c.meet(ctx, s)); err != nil {
			return fmt.Errorf("slots of %s: %w", s.Addr, err)
		}
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if c.ready(ctx) {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.New("the masters of the cluster do not find each other")
		}
	}
}

// meet has a master know the first one, which tells it of the others. Each names its bus port.
func (c *Cluster) meet(ctx context.Context, s *Server) error {
	if s == c.Masters[0] {
		return nil
	}
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return err
	}
	bus, err := s.Client.ConfigGet(ctx, "cluster-port").Result()
	if err != nil {
		return err
	}
	return c.Masters[0].Client.Do(ctx, "cluster", "meet", host, port, bus["cluster-port"]).Err()
}

func (c *Cluster) ready(ctx context.Context) bool {
	for _, s := range c.Masters {
		info, err := s.Client.ClusterInfo(ctx).Result()
		if err != nil || !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d\r", len(c.Masters))) {
			return false
		}
	}
	return true
}

// URL is the address in the form of REMESA_REDIS_URL.
func (c *Cluster) URL() string {
	var hosts []string
	for _, s := range c.Masters {
		hosts = append(hosts, s.Addr)
	}
	return "redis-cluster://" + strings.Join(hosts, ",")
}

// Stop kills all masters and removes their folders.
func (c *Cluster) Stop() {
	if c.Client != nil {
		_ = c.Client.Close()
	}
	for _, s := range c.Masters {
		s.Stop()
	}
}
