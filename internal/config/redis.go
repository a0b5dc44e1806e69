package config

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/internal/redisurl"
	"github.com/remesa/remesa/providers"
)

// Kinds of durability that a Redis may have to promise.
const (
	// Always: every write is on disk before it is acknowledged.
	Always = "always"
	// Everysec: a power cut forgets up to two seconds of intents.
	Everysec = "everysec"
)

// The settings of REMESA_FAST_PATH.
const (
	FastPathOn  = "on"
	FastPathOff = "off"
)

// Redis says where the store is and what it must promise.
type Redis struct {
	URL              providers.Secret `name:"redis-url" placeholder:"URL" help:"Redis: redis://[user:password@]host:port/db, rediss:// (TLS), redis-sentinel://h1,h2/0?master=m, redis-cluster://h1,h2. Default redis://127.0.0.1:6379/0."`
	URLFile          string           `name:"redis-url-file" placeholder:"FILE" help:"File that holds the Redis URL."`
	Durability       string           `name:"redis-durability" default:"always" placeholder:"always|everysec" help:"What Redis must promise: always, or everysec (a power cut forgets up to 2 s of intents)."`
	LedgerReplicas   int              `default:"0" placeholder:"N" help:"Replicas that must acknowledge an intent before its request is sent."`
	FastPath         string           `default:"on" placeholder:"on|off" help:"Workers are told of work (on), or ask for it ten times a second (off). The promises are the same."`
	AllowUnsafeRedis bool             `help:"Serve real providers on a Redis that may lose or evict payments."`
}

// Profile is how long a client waits, and how often it retries.
type Profile = redisurl.Profile

// ServerProfile is for workers.
func ServerProfile(concurrency int) Profile { return redisurl.ServerProfile(concurrency) }

// ProducerProfile is for commands that an operator or a script waits for.
func ProducerProfile() Profile { return redisurl.ProducerProfile() }

// Client makes a client for the URL, be it of one server, a Sentinel group or a cluster. It dials
// nothing yet; close it after use.
func (r *Redis) Client(p Profile) (redis.UniversalClient, error) {
	options, err := r.options(p)
	if err != nil {
		return nil, err
	}
	return redis.NewUniversalClient(options), nil
}

func (r *Redis) options(p Profile) (*redis.UniversalOptions, error) {
	options, err := redisurl.Parse(r.url(), p)
	if err != nil {
		return nil, problem("REMESA_REDIS_URL", "%s", err)
	}
	return options, nil
}

// Where names the server for people: kind, hosts and database, without user and password.
func (r *Redis) Where() string {
	o, err := redisurl.Parse(r.url(), ProducerProfile())
	if err != nil {
		return "an unreadable REMESA_REDIS_URL"
	}
	where := fmt.Sprintf("%s/%d", strings.Join(o.Addrs, ","), o.DB)
	switch {
	case o.MasterName != "":
		return "sentinel " + where + " master " + o.MasterName
	case o.IsClusterMode:
		return "cluster " + strings.Join(o.Addrs, ",")
	default:
		return where
	}
}

// warnings warn of a connection that others can read.
func (r *Redis) warnings() []string {
	o, err := redisurl.Parse(r.url(), ProducerProfile())
	if err != nil || o.TLSConfig != nil || !slices.ContainsFunc(o.Addrs, offMachine) {
		return nil
	}
	return []string{"REMESA_REDIS_URL leaves this machine without TLS: whoever is on the way reads the password and every payment, and can " +
		"change both; write rediss:// (redis-sentinel:// and redis-cluster://: add tls=true), or keep the way private"}
}

func offMachine(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return err == nil && !isLoopback(host)
}

// Notices reports whether workers are told of work (REMESA_FAST_PATH).
func (r *Redis) Notices() bool { return r.FastPath != FastPathOff }

// Sentinel reports whether sentinels choose the primary.
func (r *Redis) Sentinel() bool {
	o, err := redisurl.Parse(r.url(), ProducerProfile())
	return err == nil && o.MasterName != ""
}

func (r *Redis) url() string {
	if r.URL == "" {
		return redisurl.Default
	}
	return r.URL.Reveal()
}

func (r *Redis) complete() []error {
	var problems []error
	if _, err := r.options(ProducerProfile()); err != nil {
		problems = append(problems, err)
	}
	if r.Durability != Always && r.Durability != Everysec {
		problems = append(problems, problem("REMESA_REDIS_DURABILITY", "must be always or everysec (found %s)", shapeOf(r.Durability)))
	}
	if r.FastPath != FastPathOn && r.FastPath != FastPathOff {
		problems = append(problems, problem("REMESA_FAST_PATH", "must be on or off (found %s)", shapeOf(r.FastPath)))
	}
	if r.LedgerReplicas < 0 || r.LedgerReplicas > 100 {
		problems = append(problems, problem("REMESA_LEDGER_REPLICAS", "must be between 0 and 100"))
	}
	return problems
}
