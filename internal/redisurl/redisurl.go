// Package redisurl makes options of a Redis client from a URL: one server, a Sentinel group or a
// cluster. No error repeats the URL, which holds a password.
package redisurl

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Default is the URL where none is set.
const Default = "redis://127.0.0.1:6379/0"

// Profile is how long a client waits, and how often it retries.
type Profile struct {
	// Retries of a command, with up to a second between two of them.
	Retries  int
	PoolSize int
	// Read is how long a reply may take.
	Read time.Duration
}

// ServerProfile is for workers: it outlasts a failover, because an acknowledgement that is lost
// runs a task again. Each of the concurrent tasks finds a connection of its own.
func ServerProfile(concurrency int) Profile {
	return Profile{Retries: 20, PoolSize: concurrency + 10, Read: 3 * time.Second}
}

// ProducerProfile is for what an operator or a script waits for.
func ProducerProfile() Profile {
	return Profile{Retries: 3, PoolSize: 32, Read: 3 * time.Second}
}

// Parse reads a URL such as redis://[user:password@]host:port/db, rediss://… (TLS),
// redis-sentinel://h1,h2/0?master=m or redis-cluster://h1,h2.
func Parse(text string, p Profile) (*redis.UniversalOptions, error) {
	options, err := parse(text)
	if err != nil {
		return nil, err
	}
	options.MaxRetries = p.Retries
	options.MinRetryBackoff = 50 * time.Millisecond
	options.MaxRetryBackoff = time.Second
	options.DialTimeout = 3 * time.Second
	options.DialerRetries = 1 // the retries above cover dialling: five dials in each would make them minutes
	options.ReadTimeout = p.Read
	options.WriteTimeout = p.Read
	options.PoolSize = p.PoolSize
	options.ContextTimeoutEnabled = true
	options.DisableIdentity = true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return options, nil
}

var errForm = errors.New("must look like redis://[user:password@]host:port/db, rediss://…, redis-sentinel://h1,h2/0?master=m or redis-cluster://h1,h2")

// parse reads the URL by its parts, because net/url refuses a list of hosts and repeats
// what it cannot read, password included.
func parse(text string) (*redis.UniversalOptions, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return nil, errForm
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	authority, tail := rest[:end], rest[end:]
	path, tail, _ := strings.Cut(tail, "?")
	// RESP2: in RESP3 the client looks for a push message before each reply, and remesa subscribes
	// to none.
	options := &redis.UniversalOptions{Protocol: 2}
	steps := []func() error{
		func() error { return user(options, authority) },
		func() error { return hosts(options, scheme, authority) },
		func() error { return database(options, path) },
		func() error { return query(options, scheme, tail) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return options, nil
}

func user(o *redis.UniversalOptions, authority string) error {
	at := strings.LastIndex(authority, "@")
	if at < 0 {
		return nil
	}
	name, password, found := strings.Cut(authority[:at], ":")
	if !found {
		return errors.New("has a user without a password: write user:password@, or :password@ for the default user")
	}
	var errUser, errPassword error
	o.Username, errUser = url.PathUnescape(name)
	o.Password, errPassword = url.PathUnescape(password)
	if errUser != nil || errPassword != nil {
		return errors.New("has a user or password with a % that begins no escape: write % as %25")
	}
	return nil
}

func hosts(o *redis.UniversalOptions, scheme, authority string) error {
	port := "6379"
	all := strings.Split(authority[strings.LastIndex(authority, "@")+1:], ",")
	switch scheme {
	case "redis", "rediss":
		if len(all) > 1 {
			return fmt.Errorf("%s:// takes one host; for several use redis-sentinel:// or redis-cluster://", scheme)
		}
	case "redis-sentinel":
		port = "26379"
	case "redis-cluster":
		o.IsClusterMode = true
	default:
		return errForm
	}
	for _, h := range all {
		addr, err := hostPort(h, port)
		if err != nil {
			return err
		}
		o.Addrs = append(o.Addrs, addr)
	}
	if scheme == "rediss" {
		o.TLSConfig = secure()
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

func database(o *redis.UniversalOptions, path string) error {
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

func query(o *redis.UniversalOptions, scheme, text string) error {
	values, err := url.ParseQuery(text)
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
			o.TLSConfig = secure()
		default:
			return errors.New("has an unknown query parameter: master, sentinel_username, sentinel_password (redis-sentinel) and tls=true (redis-sentinel, redis-cluster) are known")
		}
	}
	if scheme == "redis-sentinel" && o.MasterName == "" {
		return errors.New("lacks the name of the group that the sentinels watch: add ?master=NAME")
	}
	return nil
}

// secure leaves the name open: each server is verified under the host that is dialled.
func secure() *tls.Config { return &tls.Config{MinVersion: tls.VersionTLS12} }
