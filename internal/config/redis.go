package config

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/remesa/remesa/providers"
)

const defaultRedisURL = "redis://127.0.0.1:6379/0"

// Kinds of durability that a Redis may have to promise.
const (
	// Always: every write is on disk before it is acknowledged.
	Always = "always"
	// Everysec: a power cut forgets up to two seconds of intents.
	Everysec = "everysec"
)

// Redis says where the store is and what it must promise.
type Redis struct {
	URL              providers.Secret `name:"redis-url" placeholder:"URL" help:"Redis: redis://[user:password@]host:port/db, rediss:// (TLS), redis-sentinel://h1,h2/0?master=m, redis-cluster://h1,h2. Default redis://127.0.0.1:6379/0."`
	URLFile          string           `name:"redis-url-file" placeholder:"FILE" help:"File that holds the Redis URL."`
	Durability       string           `name:"redis-durability" default:"always" placeholder:"always|everysec" help:"What Redis must promise: always, or everysec (a power cut forgets up to 2 s of intents)."`
	LedgerReplicas   int              `default:"0" placeholder:"N" help:"Replicas that must acknowledge an intent before its request is sent."`
	AllowUnsafeRedis bool             `help:"Serve real providers on a Redis that may lose or evict payments."`
}

// Profile says how patient a client is.
type Profile struct {
	retries  int
	poolSize int
	read     time.Duration
}

// ServerProfile is for workers: it outlasts a failover, because an acknowledgement that is lost
// runs a task again. Each of the concurrent tasks finds a connection of its own.
func ServerProfile(concurrency int) Profile {
	return Profile{retries: 20, poolSize: concurrency + 10, read: 3 * time.Second}
}

// ProducerProfile is for commands that a person or a script waits for.
func ProducerProfile() Profile {
	return Profile{retries: 3, poolSize: 32, read: 3 * time.Second}
}

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
	options, err := parseRedisURL(r.url())
	if err != nil {
		return nil, problem("REMESA_REDIS_URL", "%s", err)
	}
	options.MaxRetries = p.retries
	options.MinRetryBackoff = 50 * time.Millisecond
	options.MaxRetryBackoff = time.Second
	options.DialTimeout = 3 * time.Second
	options.DialerRetries = 1 // the retries above cover dialling: five dials in each would make them minutes
	options.ReadTimeout = p.read
	options.WriteTimeout = p.read
	options.PoolSize = p.poolSize
	options.ContextTimeoutEnabled = true
	options.DisableIdentity = true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return options, nil
}

// Where names the server for people: kind, hosts and database, without user and password.
func (r *Redis) Where() string {
	o, err := parseRedisURL(r.url())
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

// warnings tell of a store whose connection others can read.
func (r *Redis) warnings() []string {
	o, err := parseRedisURL(r.url())
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

// Sentinel reports whether sentinels choose the primary.
func (r *Redis) Sentinel() bool {
	o, err := parseRedisURL(r.url())
	return err == nil && o.MasterName != ""
}

func (r *Redis) url() string {
	if r.URL == "" {
		return defaultRedisURL
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
	if r.LedgerReplicas < 0 || r.LedgerReplicas > 100 {
		problems = append(problems, problem("REMESA_LEDGER_REPLICAS", "must be between 0 and 100"))
	}
	return problems
}

var errRedisURL = errors.New("must look like redis://[user:password@]host:port/db, rediss://…, redis-sentinel://h1,h2/0?master=m or redis-cluster://h1,h2")

// parseRedisURL reads the URL by its parts, because net/url refuses a list of hosts and repeats
// what it cannot read, password included.
func parseRedisURL(text string) (*redis.UniversalOptions, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return nil, errRedisURL
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	authority, tail := rest[:end], rest[end:]
	path, query, _ := strings.Cut(tail, "?")
	options := &redis.UniversalOptions{}
	steps := []func() error{
		func() error { return redisUser(options, authority) },
		func() error { return redisHosts(options, scheme, authority) },
		func() error { return redisDatabase(options, path) },
		func() error { return redisQuery(options, scheme, query) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return options, nil
}

func redisUser(o *redis.UniversalOptions, authority string) error {
	at := strings.LastIndex(authority, "@")
	if at < 0 {
		return nil
	}
	user, password, found := strings.Cut(authority[:at], ":")
	if !found {
		return errors.New("has a user without a password: write user:password@, or :password@ for the default user")
	}
	var errUser, errPassword error
	o.Username, errUser = url.PathUnescape(user)
	o.Password, errPassword = url.PathUnescape(password)
	if errUser != nil || errPassword != nil {
		return errors.New("has a user or password with a % that begins no escape: write % as %25")
	}
	return nil
}

func redisHosts(o *redis.UniversalOptions, scheme, authority string) error {
	port := "6379"
	hosts := strings.Split(authority[strings.LastIndex(authority, "@")+1:], ",")
	switch scheme {
	case "redis", "rediss":
		if len(hosts) > 1 {
			return fmt.Errorf("%s:// takes one host; for several use redis-sentinel:// or redis-cluster://", scheme)
		}
	case "redis-sentinel":
		port = "26379"
	case "redis-cluster":
		o.IsClusterMode = true
	default:
		return errRedisURL
	}
	for _, h := range hosts {
		addr, err := hostPort(h, port)
		if err != nil {
			return err
		}
		o.Addrs = append(o.Addrs, addr)
	}
	if scheme == "rediss" {
		o.TLSConfig = redisTLS()
	}
	return nil
}

func hostPort(text, defaultPort string) (string, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = strings.Trim(text, "[]"), defaultPort
		if strings.Contains(host, ":") && !strings.HasPrefix(text, "[") {
			return "", errors.New("has a host with more than one colon: write an IPv6 address in [brackets]")
		}
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return "", errors.New("has a port that is not between 1 and 65535")
	}
	if host == "" {
		return "", errors.New("lacks a host")
	}
	return net.JoinHostPort(host, port), nil
}

func redisDatabase(o *redis.UniversalOptions, path string) error {
	path = strings.TrimPrefix(path, "/")
	if path == "" {
		return nil
	}
	db, err := strconv.Atoi(path)
	if err != nil || db < 0 {
		return errors.New("has a database that is not a number (a / in a password is written %2F)")
	}
	if o.IsClusterMode && db != 0 {
		return errors.New("names a database, but a Redis cluster has only database 0")
	}
	o.DB = db
	return nil
}

func redisQuery(o *redis.UniversalOptions, scheme, query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("has a query that cannot be read")
	}
	for key := range values {
		switch {
		case key == "master" && scheme == "redis-sentinel":
			o.MasterName = values.Get(key)
		case key == "sentinel_username" && scheme == "redis-sentinel":
			o.SentinelUsername = values.Get(key)
		case key == "sentinel_password" && scheme == "redis-sentinel":
			o.SentinelPassword = values.Get(key)
		case key == "tls" && scheme != "redis" && values.Get(key) == "true":
			o.TLSConfig = redisTLS()
		default:
			return errors.New("has an unknown query parameter: master, sentinel_username, sentinel_password (redis-sentinel) and tls=true (redis-sentinel, redis-cluster) are known")
		}
	}
	if scheme == "redis-sentinel" && o.MasterName == "" {
		return errors.New("lacks the name of the group that the sentinels watch: add ?master=NAME")
	}
	return nil
}

// redisTLS leaves the name open: each server is verified under the host that is dialled.
func redisTLS() *tls.Config { return &tls.Config{MinVersion: tls.VersionTLS12} }
