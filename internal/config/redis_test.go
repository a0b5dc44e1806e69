package config

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/remesa/remesa/providers"
)

func TestRedisURLsThatAreRefusedStayUntold(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		canary:                                        "must look like redis://",
		"http://" + canary + "@host":                  "has a user without a password",
		"http://u:" + canary + "@host":                "must look like redis://",
		"redis://u:" + canary + "%zz@host":            "has a user or password with a %",
		"redis://u:" + canary + "/x@host":             "has a port that is not between",
		"redis://u:" + canary + "@host/" + canary:     "has a database that is not a number",
		"redis://u:" + canary + "@":                   "lacks a host",
		"redis://u:" + canary + "@h1,h2":              "takes one host",
		"redis://u:" + canary + "@host:99999":         "has a port",
		"redis://u:" + canary + "@::1":                "in [brackets]",
		"redis://host?" + canary + "=1":               "unknown query parameter",
		"redis://host/-1":                             "has a database",
		"redis-sentinel://u:" + canary + "@h1":        "add ?master=NAME",
		"redis-cluster://u:" + canary + "@h1/2":       "only database 0",
		"redis-cluster://h1?master=" + canary:         "unknown query parameter",
		"redis-sentinel://h1?master=m&tls=" + canary:  "unknown query parameter",
		"redis-sentinel://h1?master=m&x=%zz" + canary: "a query that cannot be read",
	} {
		_, err := parse(t, map[string]string{"REMESA_REDIS_URL": url})
		switch {
		case err == nil:
			t.Errorf("%s: accepted", url)
		case !strings.Contains(err.Error(), "REMESA_REDIS_URL: ") || !strings.Contains(err.Error(), want):
			t.Errorf("%s: got %s, want %s", url, err, want)
		case strings.Contains(err.Error(), canary):
			t.Errorf("%s: the error repeats it: %s", url, err)
		}
		r := &Redis{URL: providers.Secret(url)}
		if strings.Contains(r.Where(), canary) {
			t.Errorf("%s: Where repeats it: %s", url, r.Where())
		}
	}
}

func TestWhereRedisIs(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"":                                       "127.0.0.1:6379/0",
		"rediss://u:" + canary + "@h:1/2":        "h:1/2",
		"redis-sentinel://h1,h2/0?master=m":      "sentinel h1:26379,h2:26379/0 master m",
		"redis-cluster://u:" + canary + "@h1,h2": "cluster h1:6379,h2:6379",
	} {
		if got := (&Redis{URL: providers.Secret(url)}).Where(); got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
	}
}

func TestAWayToRedisThatOthersCanRead(t *testing.T) {
	t.Parallel()
	for url, warned := range map[string]bool{
		"": false, "redis://localhost:1/2": false, "redis://127.0.0.1": false, "redis://[::1]:6379": false, "rediss://u:" + canary + "@h:1/2": false,
		"redis://u:" + canary + "@h": true, "redis://10.0.0.7:6379/0": true, "redis-sentinel://h1,127.0.0.1/0?master=m": true,
		"redis-sentinel://h1/0?master=m&tls=true": false, "redis-cluster://h1,h2": true, "redis-cluster://h1?tls=true": false,
	} {
		c := Config{Redis: Redis{URL: providers.Secret(url)}}
		c.LedgerRetention = safeRetention
		got := c.Warnings()
		if (len(got) == 1 && strings.HasPrefix(got[0], "REMESA_REDIS_URL ")) != warned || len(got) > 1 || strings.Contains(strings.Join(got, ""), canary) {
			t.Errorf("%s: %q", url, got)
		}
	}
}

func TestWhetherSentinelsChooseThePrimary(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bool{
		"": false, "rediss://h:1/2": false, "redis-cluster://h1,h2": false, "redis-sentinel://h1,h2/0?master=m": true, "nonsense": false,
	} {
		if got := (&Redis{URL: providers.Secret(url)}).Sentinel(); got != want {
			t.Errorf("%q: %t", url, got)
		}
	}
}

func TestClientsByKindAndPatience(t *testing.T) {
	t.Parallel()
	client := func(url string, p Profile) redis.UniversalClient {
		c, err := (&Redis{URL: providers.Secret(url)}).Client(p)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	server, ok := client("redis://h", ServerProfile(64)).(*redis.Client)
	if !ok {
		t.Fatal("one host makes a client of one server")
	}
	if o := server.Options(); o.MaxRetries != 20 || o.MinRetryBackoff != 50*time.Millisecond || o.MaxRetryBackoff != time.Second || o.ReadTimeout != 3*time.Second || o.PoolSize != 74 || !o.ContextTimeoutEnabled {
		t.Errorf("a worker's client: retries %d, backoff %s to %s, read %s, pool %d", o.MaxRetries, o.MinRetryBackoff, o.MaxRetryBackoff, o.ReadTimeout, o.PoolSize)
	}
	if o := client("redis://h", ProducerProfile()).(*redis.Client).Options(); o.MaxRetries >= 20 {
		t.Errorf("a producer's client is as patient as a worker's: %d retries", o.MaxRetries)
	}
	if c, ok := client("redis-cluster://h1", ServerProfile(1)).(*redis.ClusterClient); !ok || c.Options().MaxRetries != 20 {
		t.Error("a cluster of one seed makes a cluster client that is patient")
	}
	if _, ok := client("redis-sentinel://h1?master=m", ServerProfile(1)).(*redis.Client); !ok {
		t.Error("a sentinel group makes a failover client")
	}
}
